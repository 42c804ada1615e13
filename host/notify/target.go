package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

// Notification is what an address is told: the body of the request.
type Notification struct {
	Version  int          `json:"version"` // 1
	ID       uint64       `json:"id"`      // no other notification of the host has it; the same again when it is told again
	Event    string       `json:"event"`
	Text     string       `json:"text"` // a sentence for people
	Host     string       `json:"host"`
	Script   string       `json:"script"`
	Run      string       `json:"run"`
	State    script.State `json:"state,omitempty"`
	Reason   string       `json:"reason,omitempty"`
	ExitCode *int         `json:"exit_code,omitempty"`
	Variable string       `json:"variable,omitempty"`
	Step     *int64       `json:"step,omitempty"`
	Time     time.Time    `json:"time"`
	Dropped  uint64       `json:"dropped,omitempty"` // notifications before it that were not told
}

func (n *Notification) text() string {
	if n.Event == config.NotifyOnNaN {
		text := fmt.Sprintf("%s on %s: %s is NaN", n.Script, n.Host, n.Variable)
		if n.Step != nil {
			text += fmt.Sprintf(" at step %d", *n.Step)
		}
		return text
	}
	text := fmt.Sprintf("%s on %s: %s", n.Script, n.Host, n.State)
	if n.Reason != "" {
		text += ": " + n.Reason
	}
	return text
}

// IDHeader is the header that tells what is told again: it is the same each time.
const IDHeader = "Webhook-Id"

// target is one address and what waits for it.
type target struct {
	notifier *Notifier
	name     string
	bell     chan struct{} // size 1: something waits
	gone     chan struct{} // closed: the configuration does not have it any more

	mu      sync.Mutex // guards all below
	block   *config.Notify
	problem string // of the last attempt
}

func (t *target) set(b *config.Notify) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.block = b
}

func (t *target) current() *config.Notify {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.block
}

func (t *target) wants(on, name string) bool {
	b := t.current()
	return slices.Contains(b.On, on) && (len(b.Scripts) == 0 || slices.Contains(b.Scripts, name))
}

// entry makes a row of the outbox.
func (t *target) entry(n Notification) Entry {
	n.Text = n.text()
	body, err := json.Marshal(n)
	if err != nil { // no reason has what JSON lacks
		t.notifier.Logger.Error("write notification", "error", err)
	}
	e := Entry{Target: t.name, Time: n.Time, Body: body}
	if n.Event == config.NotifyOnNaN {
		e.Once = n.Run + "/" + n.Variable
	}
	return e
}

// rouse makes the target look into the outbox.
func (t *target) rouse() {
	select {
	case t.bell <- struct{}{}:
	default:
	}
}

func (t *target) report(ctx context.Context) (Status, error) {
	counts, err := t.notifier.Outbox.Counts(ctx, t.name)
	t.mu.Lock()
	defer t.mu.Unlock()
	return Status{Name: t.name, Address: t.block.Shown(), Counts: counts, Problem: t.problem}, err
}

func (t *target) note(problem string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.problem = problem
}

// run tells what is in the outbox until ctx ends and nothing waits, or the time
// for that is over. What is not told by then stays for the next host.
func (t *target) run(ctx context.Context) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		if t.notifier.left() {
			cancel()
			return
		}
		time.AfterFunc(drain, cancel)
	})()
	for work.Err() == nil {
		e, ok, err := t.notifier.Outbox.Next(work, t.name)
		switch {
		case err != nil:
			if !t.pause(work, t.notifier.MaxBackoff/10, "read the outbox", err) {
				return
			}
		case ok:
			if !t.dispatch(work, e) {
				return
			}
		default:
			select {
			case <-t.bell:
			case <-t.gone:
				return
			case <-ctx.Done():
				select {
				case <-t.bell: // it came just now
					continue
				default:
					return
				}
			}
		}
	}
}

// dispatch tells e and records its fate. False: the target is to end.
func (t *target) dispatch(ctx context.Context, e Entry) bool {
	fate := Expired
	if t.notifier.Now().Sub(e.Time) <= expiry {
		var n Notification
		err := json.Unmarshal(e.Body, &n)
		if err == nil {
			n.ID, n.Dropped = e.ID, e.Untold
			err = t.deliver(ctx, n)
		}
		switch {
		case errors.Is(err, errLeft):
			return false
		case err == nil:
			t.note("")
			fate = Sent
		default:
			fate = Failed
			t.note(err.Error())
			b := t.current()
			t.notifier.Logger.Warn("a notification was given up", "notify", t.name, "to", b.Shown(), "event", n.Event, "script", n.Script, "error", err)
		}
	} else {
		t.notifier.Logger.Warn("a notification has expired", "notify", t.name, "id", e.ID, "time", e.Time)
	}
	for {
		err := t.notifier.Outbox.Done(context.WithoutCancel(ctx), e, fate)
		if err == nil {
			return true
		}
		// It is told once more by the next host, rather than again and again by this one.
		if !t.pause(ctx, t.notifier.MaxBackoff/10, "write the outbox", err) {
			return false
		}
	}
}

// pause waits before something is tried again. False: the target is to end.
func (t *target) pause(ctx context.Context, d time.Duration, what string, err error) bool {
	if err != nil {
		t.notifier.Logger.Warn("notifications wait: cannot "+what, "notify", t.name, "error", err)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-t.gone:
	case <-ctx.Done():
	}
	return false
}

// errLeft is the error of a notification that is left in the outbox.
var errLeft = errors.New("it is told later")

// failure is why an attempt has failed.
type failure struct {
	reason string
	final  bool          // there is no use in another attempt
	after  time.Duration // the address wants to be left alone for so long
}

func (f *failure) Error() string { return f.reason }

// deliver tells one notification, in several attempts.
func (t *target) deliver(ctx context.Context, n Notification) error {
	pause := t.notifier.Backoff
	for attempt := 1; ; attempt++ {
		failed := t.notifier.post(ctx, t.current(), n) // the configuration may have another address now
		if failed == nil {
			return nil
		}
		if ctx.Err() != nil {
			return errLeft
		}
		if failed.final || attempt == attempts {
			return failed
		}
		t.note(failed.reason)
		wait := max(time.Duration(float64(pause)*(0.75+rand.Float64()/2)), min(failed.after, t.notifier.MaxBackoff)) //nolint:gosec // jitter
		pause = min(2*pause, t.notifier.MaxBackoff)
		if !t.pause(ctx, wait, "", nil) {
			return errLeft
		}
	}
}

// post makes one attempt. What it says of a failure names no secret.
func (n *Notifier) post(ctx context.Context, b *config.Notify, what Notification) *failure {
	body, err := json.Marshal(what)
	if err != nil {
		return &failure{reason: "write notification: " + err.Error(), final: true}
	}
	ctx, cancel := context.WithTimeout(ctx, b.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.URL, bytes.NewReader(body))
	if err != nil {
		return &failure{reason: "the url cannot be used", final: true}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "mlhost")
	request.Header.Set(IDHeader, fmt.Sprintf("%s-%d", what.Host, what.ID))
	for name, v := range b.Headers {
		request.Header.Set(name, v)
	}
	response, err := n.client.Do(request)
	if err != nil {
		if outer, ok := errors.AsType[*url.Error](err); ok { // it tells the address, with its secrets
			if outer.Timeout() {
				return &failure{reason: fmt.Sprintf("no answer within %s", b.Timeout)}
			}
			err = outer.Err
		}
		return &failure{reason: err.Error()}
	}
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10) // so that the connection can be used again
	_ = response.Body.Close()
	return judge(response, n.Now())
}

// judge says what an answer means.
func judge(r *http.Response, now time.Time) *failure {
	f := &failure{reason: "it answers " + r.Status}
	switch {
	case r.StatusCode < 300:
		return nil
	case r.StatusCode < 400:
		f.reason = fmt.Sprintf("it answers %s: it is somewhere else, and redirects are not followed", r.Status)
		f.final = true
	case r.StatusCode == http.StatusRequestTimeout, r.StatusCode == http.StatusTooEarly, r.StatusCode == http.StatusTooManyRequests, r.StatusCode >= 500:
		after := r.Header.Get("Retry-After")
		if seconds, err := strconv.Atoi(after); err == nil && seconds > 0 {
			f.after = time.Duration(min(seconds, 3600)) * time.Second
		} else if at, err := http.ParseTime(after); err == nil {
			f.after = at.Sub(now)
		}
	default:
		f.final = true
	}
	return f
}
