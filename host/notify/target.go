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
	ID       uint64       `json:"id"`      // of the event; the same again when it is told again
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

// target is one address and what waits for it.
type target struct {
	notifier *Notifier
	bell     chan struct{} // size 1: something waits
	gone     chan struct{} // closed: the configuration does not have it any more

	mu     sync.Mutex // guards all below
	block  *config.Notify
	queue  []Notification
	status Status
	untold uint64 // dropped since the last one that was sent
}

func (t *target) set(b *config.Notify) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.block = b
}

func (t *target) wants(on, name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Contains(t.block.On, on) && (len(t.block.Scripts) == 0 || slices.Contains(t.block.Scripts, name))
}

func (t *target) add(n Notification) {
	t.mu.Lock()
	if len(t.queue) >= queueSize {
		t.status.Dropped++
		t.untold++
		t.mu.Unlock()
		return
	}
	t.queue = append(t.queue, n)
	t.mu.Unlock()
	select {
	case t.bell <- struct{}{}:
	default:
	}
}

func (t *target) report() Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.status
	out.Name, out.Address, out.Waiting = t.block.Name, t.block.Shown(), len(t.queue)
	return out
}

// next returns what is to be told, and leaves it in the queue.
func (t *target) next() (n Notification, b *config.Notify, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queue) == 0 {
		return n, t.block, false
	}
	n = t.queue[0]
	n.Dropped = t.untold
	return n, t.block, true
}

// run tells what is queued until ctx ends and the queue is empty, or the time
// for that is over.
func (t *target) run(ctx context.Context) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(drain, cancel) })()
	for {
		n, b, ok := t.next()
		if ok {
			err := t.deliver(work, b, n)
			t.done(n, err)
			if work.Err() != nil {
				return
			}
			continue
		}
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

func (t *target) done(n Notification, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queue = t.queue[1:]
	t.status.Problem = ""
	if err == nil {
		t.status.Sent++
		t.untold -= n.Dropped
		return
	}
	t.status.Failed++
	t.status.Problem = err.Error()
	t.notifier.Logger.Warn("a notification was given up", "notify", t.block.Name, "to", t.block.Shown(), "event", n.Event, "script", n.Script, "error", err)
}

// failure is why an attempt has failed.
type failure struct {
	reason string
	final  bool          // there is no use in another attempt
	after  time.Duration // the address wants to be left alone for so long
}

func (f *failure) Error() string { return f.reason }

// deliver tells one notification, in several attempts.
func (t *target) deliver(ctx context.Context, b *config.Notify, n Notification) error {
	pause := t.notifier.Backoff
	for attempt := 1; ; attempt++ {
		failed := t.notifier.post(ctx, b, n)
		if failed == nil {
			return nil
		}
		if failed.final || attempt == attempts {
			return failed
		}
		t.mu.Lock()
		t.status.Problem = failed.reason
		t.mu.Unlock()
		wait := max(time.Duration(float64(pause)*(0.75+rand.Float64()/2)), min(failed.after, t.notifier.MaxBackoff)) //nolint:gosec // jitter
		pause = min(2*pause, t.notifier.MaxBackoff)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-t.gone:
			timer.Stop()
			return failed
		case <-ctx.Done():
			timer.Stop()
			return failed
		}
		_, b, _ = t.next() // the configuration may have another address now
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
