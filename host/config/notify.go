package config

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/mlhost/mlhost/shared/script"
)

// Notify is a notify block: an address that is told when something happens.
type Notify struct {
	Name    string
	Range   hcl.Range
	URL     string // may hold a secret: it is shown to nobody, see Shown
	On      []string
	Scripts []string // none: all
	Timeout time.Duration
	Headers map[string]string // may hold secrets

	refs []scriptRef
}

// NotifyOnNaN is what of On is no state of a script.
const NotifyOnNaN = "nan"

// notifyOn lists what a notify block can tell of.
var notifyOn = []string{
	string(script.Failed), string(script.Finished), string(script.Stopped), string(script.Lost), string(script.Stalled),
	string(script.Stuck), string(script.Backoff), NotifyOnNaN,
}

// Shown is what people may see of the address: the machine.
func (n *Notify) Shown() string {
	u, err := url.Parse(n.URL)
	if err != nil {
		return "(hidden)"
	}
	return u.Scheme + "://" + u.Host
}

func (l *loader) loadNotifies(blocks hcl.Blocks) {
	seen := map[string]hcl.Range{}
	for _, b := range blocks {
		n := &Notify{
			Name: b.Labels[0], Range: b.DefRange, Timeout: 10 * time.Second,
			On: []string{string(script.Failed), string(script.Lost), string(script.Stalled), string(script.Stuck), NotifyOnNaN},
		}
		l.checkLabel("notify", n.Name, b.LabelRanges[0])
		if before, ok := seen[n.Name]; ok {
			l.duplicate("notify", n.Name, b.DefRange, before)
			continue
		}
		seen[n.Name] = b.DefRange
		body := l.open(b)
		body.webhook(n)
		body.texts("on", &n.On)
		for _, on := range n.On {
			if !slices.Contains(notifyOn, on) {
				body.fault("on", "Unknown occasion", "Nothing is called %q.%s Known are %s.", clip(on), didYouMean(on, notifyOn), strings.Join(notifyOn, ", "))
			}
		}
		if len(n.On) == 0 {
			body.fault("on", "Empty list", "on names at least one occasion.")
		}
		n.refs = body.scripts("scripts")
		n.Scripts = names(n.refs)
		body.duration("timeout", &n.Timeout, 100*time.Millisecond)
		body.table("headers", &n.Headers)
		l.config.Notifies = append(l.config.Notifies, n)
	}
}

// webhook reads the address. What is wrong is told at the block's header, where
// no line with the address is shown: it may hold a secret.
func (b *block) webhook(n *Notify) {
	if !b.has("url") {
		b.report(fault(b.at, "Missing url", "The address that is told is named by url = \"https://…\", or url = env(\"NAME\") where it holds a secret."))
		return
	}
	if !b.text("url", &n.URL) {
		return
	}
	u, err := url.Parse(n.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Fragment != "" {
		b.report(fault(b.at, "Invalid url", "url is an address that begins with https:// or http:// and names a machine, without a #."))
	}
}

// outline spells out the block; of what may be secret only that it has changed
// can be seen.
func (n *Notify) outline() Attributes {
	a := Attributes{
		"url": script.String(n.Shown() + " " + sealed(n.URL)), "on": textList(n.On), "scripts": textList(n.Scripts), "timeout": seconds(n.Timeout),
	}
	for name, v := range n.Headers {
		a["headers."+name] = script.String(sealed(v))
	}
	return a
}

// sealed stands for a text that nobody is to see.
func sealed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "(hidden " + hex.EncodeToString(sum[:4]) + ")"
}
