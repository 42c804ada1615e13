package supervisor

import (
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

// healthy is how long a run must have lasted to give the script its whole
// restart budget back.
const healthy = time.Minute

// ending is how an attempt to run a script ended.
type ending struct {
	run    string
	state  script.State
	reason string
	code   *int
	lived  time.Duration // from its begin; 0: it did not begin
	fatal  bool          // another try will not go better
	left   bool          // it goes on without this host
	again  decision
}

// restarts is a script's restart policy and what is used up of its budget.
type restarts struct {
	policy  config.Restart
	clock   Clock
	backoff *backoff.ExponentialBackOff
	made    []time.Time // automatic restarts that still count
	attempt int         // automatic restarts since a person, or the host, started it
}

func newRestarts(policy config.Restart, clock Clock) restarts {
	b := backoff.NewExponentialBackOff()
	b.Multiplier = 2
	b.RandomizationFactor = 0.1
	r := restarts{clock: clock, backoff: b}
	r.adjust(policy)
	b.Reset()
	return r
}

// adjust takes another policy over. What is used up of the budget stays so.
func (r *restarts) adjust(policy config.Restart) {
	r.policy = policy
	r.backoff.InitialInterval = time.Second
	if policy.Backoff > 0 {
		r.backoff.InitialInterval = policy.Backoff
	}
	r.backoff.MaxInterval = max(time.Minute, r.backoff.InitialInterval)
	if policy.MaxBackoff > 0 {
		r.backoff.MaxInterval = max(policy.MaxBackoff, r.backoff.InitialInterval)
	}
}

// resume takes over the count of an earlier host.
func (r *restarts) resume(attempt int, made []time.Time) {
	r.attempt, r.made = attempt, made
	for range made {
		r.backoff.NextBackOff()
	}
}

// reset forgets all restarts: a person started the script.
func (r *restarts) reset() {
	r.made, r.attempt = nil, 0
	r.backoff.Reset()
}

// decision is what the policy says after an attempt.
type decision struct {
	yes    bool
	delay  time.Duration
	reason string // "": nothing to add to the ending's own
}

// after decides whether a script is started again, and counts it.
func (r *restarts) after(end ending) decision {
	again := false
	switch end.state {
	case script.Finished:
		again = r.policy.Policy == config.RestartAlways
	case script.Failed, script.Lost:
		again = r.policy.Policy != config.RestartNever && r.policy.Policy != "" && !end.fatal
	}
	if !again {
		return decision{}
	}
	if end.lived >= healthy || end.state == script.Finished {
		r.made = nil
		r.backoff.Reset()
	}
	r.prune()
	if end.state != script.Finished && len(r.made) >= r.policy.MaxAttempts {
		return decision{reason: r.exhausted(end.reason)}
	}
	delay := r.backoff.NextBackOff()
	r.attempt++
	why := end.reason
	if why == "" {
		why = string(end.state)
	}
	reason := fmt.Sprintf("%s, next start in %s", why, roughly(delay))
	if end.state != script.Finished {
		r.made = append(r.made, r.clock.Now())
		reason += fmt.Sprintf(" (%d of %d)", len(r.made), r.policy.MaxAttempts)
	}
	return decision{yes: true, delay: delay, reason: reason}
}

func (r *restarts) exhausted(reason string) string {
	if r.policy.MaxAttempts <= 0 {
		return ""
	}
	if r.policy.Window <= 0 {
		return fmt.Sprintf("%s; given up after %d restarts", reason, len(r.made))
	}
	return fmt.Sprintf("%s; given up after %d restarts in %s", reason, len(r.made), roughly(r.policy.Window))
}

// prune forgets restarts that the window has left behind.
func (r *restarts) prune() {
	if r.policy.Window <= 0 {
		return
	}
	from := r.clock.Now().Add(-r.policy.Window)
	for len(r.made) > 0 && r.made[0].Before(from) {
		r.made = r.made[1:]
	}
}

// roughly renders a duration for people: 950ms, 4s, 10m.
func roughly(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d < time.Minute:
		return d.Round(time.Second).String()
	}
	d = d.Round(time.Second)
	s := d.String()
	if d%time.Minute == 0 {
		s = s[:len(s)-len("0s")]
	}
	if d%time.Hour == 0 {
		s = s[:len(s)-len("0m")]
	}
	return s
}
