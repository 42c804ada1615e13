//go:build linux

package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"time"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/internal/proc"
	"github.com/mlhost/mlhost/shared/script"
)

// adoption kills the host again and again while scripts count and values are
// set. Each time while no host runs one of them may end. Then it looks whether
// all that was emitted and acknowledged is there once.
func adoption(ctx context.Context, l *lab, o *outcome) error {
	n, kills := l.scaled(50, 6), l.scaled(20, 3)
	h, before, err := counting(ctx, l, n)
	if err != nil {
		return err
	}
	setting, stop := context.WithCancel(ctx)
	defer stop()
	kept := h.keepSetting(setting, "s0") // a plugin, which runs to the end
	slowest, ended := 0.0, []string{}
	for i := range kills {
		o.at("kill %d of %d", i+1, kills)
		select {
		case <-time.After(rand.N(time.Second)): // a random moment is what this is about
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := h.kill(ctx); err != nil {
			return err
		}
		if i%2 == 0 {
			name := fmt.Sprintf("s%d", i/2+1)
			if err := h.endCounter(ctx, before[name]); err != nil {
				return err
			}
			ended = append(ended, name)
		}
		began := time.Now()
		if err := h.start(ctx); err != nil {
			return err
		}
		if err := h.reach(ctx, 30*time.Second, running, without(before, ended)...); err != nil {
			return err
		}
		slowest = max(slowest, time.Since(began).Seconds())
	}
	stop()
	acknowledged := <-kept
	if err := h.reach(ctx, 30*time.Second, []script.State{script.Failed}, ended...); err != nil {
		return err
	}
	after, err := h.all(ctx)
	if err != nil {
		return err
	}
	o.count("scripts", float64(n))
	o.count("kills", float64(kills))
	o.count("scripts that ended while no host ran", float64(len(ended)))
	o.zero("processes replaced", replaced(o, before, after, ended...))
	if l.scale >= 1 {
		o.atMost("seconds to adopt, at most", slowest, 2)
	} else { // a test is run beside others, and times say nothing there
		o.count("seconds to adopt, at most", slowest)
	}
	if err := h.checkSet(ctx, o, "s0", acknowledged); err != nil {
		return err
	}
	if err := h.account(ctx, o, before); err != nil {
		return err
	}
	return h.recorded(ctx, o, n)
}

// endCounter ends a counter, and returns when its process is gone.
func (h *host) endCounter(ctx context.Context, s v1.Script) error {
	if err := os.WriteFile(h.ender(s.Name), nil, 0o600); err != nil {
		return err
	}
	return until(ctx, 20*time.Second, s.Name+" has ended", func() (bool, error) { return !proc.Lives(*s.PluginPID), nil })
}

// without lists the names of scripts that are not among some.
func without(scripts map[string]v1.Script, some []string) []string {
	return slices.DeleteFunc(slices.Collect(maps.Keys(scripts)), func(name string) bool { return slices.Contains(some, name) })
}

// settings are the values of "code" that a script was set to: the last that
// was acknowledged, how many were, and the last one sent, which may have
// arrived.
type settings struct{ acknowledged, sent, n int64 }

// keepSetting sets a script's "code" to rising numbers until ctx ends.
func (h *host) keepSetting(ctx context.Context, name string) <-chan settings {
	over := make(chan settings, 1)
	go func() {
		var s settings
		for ctx.Err() == nil {
			one, cancel := context.WithTimeout(ctx, 5*time.Second)
			s.sent++
			answer, err := h.Set(one, name, v1.Set{Values: map[string]script.Value{"code": script.Int(s.sent)}})
			cancel()
			if err == nil && len(answer.Outcomes) == 1 && answer.Outcomes[0].Status == script.Applied {
				s.acknowledged = s.sent
				s.n++
			}
		}
		over <- s
	}()
	return over
}

// checkSet looks that the last value is one that was acknowledged, or sent
// after it.
func (h *host) checkSet(ctx context.Context, o *outcome, name string, s settings) error {
	answer, err := h.Parameters(ctx, name)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(answer.Parameters, func(p v1.Parameter) bool { return p.Name == "code" })
	if i < 0 {
		return fmt.Errorf("%s has no parameter code", name)
	}
	is, _ := answer.Parameters[i].Value.Int()
	o.count("sets acknowledged", float64(s.n))
	lost := 0
	if is < s.acknowledged || is > s.sent || s.n == 0 {
		lost = 1
		o.breaks("code is %d; %d was the last of %d sets acknowledged", is, s.acknowledged, s.n)
	}
	o.zero("of them lost", lost)
	return nil
}

// recorded looks that each of n counters has one run, with the exit code that
// it ended with.
func (h *host) recorded(ctx context.Context, o *outcome, n int) error {
	runs, err := h.Runs(ctx, allRuns)
	if err != nil {
		return err
	}
	wrong := 0
	for _, r := range runs.Runs {
		want := 3
		if i, err := strconv.Atoi(r.Script[1:]); err == nil && i%3 == 0 {
			want = 1 // of a plugin whose Run returns an error
		}
		if r.ExitCode == nil || *r.ExitCode != want {
			wrong++
		}
	}
	o.zero("runs begun again", len(runs.Runs)-n)
	o.zero("wrong exit codes", wrong)
	return nil
}

// replaced counts scripts whose process or run is another one, or whose
// process is not there, in spite of what the host says. Those that have ended
// are passed over.
func replaced(o *outcome, before, after map[string]v1.Script, ended ...string) int {
	n := 0
	for name, was := range before {
		if slices.Contains(ended, name) {
			continue
		}
		is := after[name]
		if was.PID != nil && !proc.Lives(*was.PID) {
			n++
			o.breaks("the process %d of %s is gone", *was.PID, name)
			continue
		}
		if is.Run != was.Run || is.PID == nil || was.PID == nil || *is.PID != *was.PID || is.Restarts != 0 {
			n++
			o.breaks("%s was %s and is %s (%s)", name, identity(was), identity(is), is.Reason)
		}
	}
	return n
}

func identity(s v1.Script) string {
	pid := 0
	if s.PID != nil {
		pid = *s.PID
	}
	return fmt.Sprintf("%s, run %s, process %d, restarted %d times", s.State, s.Run, pid, s.Restarts)
}

// finished lets scripts end while no host runs.
func finished(ctx context.Context, l *lab, o *outcome) error {
	n := l.scaled(30, 6)
	h, before, err := counting(ctx, l, n)
	if err != nil {
		return err
	}
	if err := h.kill(ctx); err != nil {
		return err
	}
	for _, s := range before {
		if err := h.endCounter(ctx, s); err != nil {
			return err
		}
	}
	if err := h.start(ctx); err != nil {
		return err
	}
	if err := h.reach(ctx, 30*time.Second, []script.State{script.Failed}); err != nil {
		return err
	}
	o.count("scripts that ended meanwhile", float64(n))
	if err := h.recorded(ctx, o, n); err != nil {
		return err
	}
	return h.account(ctx, o, before)
}
