//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/internal/proc"
	"github.com/mlhost/mlhost/shared/script"
)

// soak does random things for a while and looks whether descriptors,
// goroutines and memory stay flat.
func soak(ctx context.Context, l *lab, o *outcome) error {
	h, _, err := counting(ctx, l, 6)
	if err != nil {
		return err
	}
	rounds := l.scaled(400, 20)
	var names = []string{"s0", "s1", "s2", "s3", "s4", "s5"}
	warm, acts := rounds/4, 0
	var before size
	told := time.Now()
	for acts < rounds || time.Since(o.began) < l.soak {
		if acts == warm {
			if err := h.settle(ctx, names); err != nil {
				return err
			}
			if before, err = h.size(ctx); err != nil {
				return err
			}
		}
		if err := h.something(ctx, names[rand.IntN(len(names))]); err != nil {
			return err
		}
		if acts++; time.Since(told) > 10*time.Second {
			told = time.Now()
			o.at("%d acts", acts)
		}
	}
	if err := h.settle(ctx, names); err != nil {
		return err
	}
	var after size
	err = until(ctx, 30*time.Second, "descriptors and goroutines are given back", func() (bool, error) {
		after, err = h.size(ctx)
		return err == nil && after.files <= before.files+20 && after.goroutines <= before.goroutines+40, err
	})
	o.count("random acts", float64(acts))
	o.count("descriptors before", before.files)
	o.count("descriptors after", after.files)
	o.count("goroutines before", before.goroutines)
	o.count("goroutines after", after.goroutines)
	if err != nil {
		o.breaks("%v", err)
	}
	o.count("MB before", before.mb)
	o.atMost("MB after", after.mb, before.mb*1.5+50)
	o.count("MB in use before", before.heap)
	o.atMost("MB in use after", after.heap, before.heap+24)
	return nil
}

// settle lets every script run, so that what the host uses can be compared.
func (h *host) settle(ctx context.Context, names []string) error {
	for _, name := range names {
		err := until(ctx, time.Minute, name+" runs", func() (bool, error) {
			now, err := h.all(ctx)
			switch now[name].State {
			case script.Running:
				return true, nil
			case script.Paused:
				_, err = h.Act(ctx, name, "resume")
			case script.Stopped, script.Failed, script.Finished, script.Lost:
				_, err = h.Act(ctx, name, "start")
			}
			return false, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// something does one thing at random to a script.
func (h *host) something(ctx context.Context, name string) error {
	verbs := []string{"stop", "start", "restart", "pause", "resume"}
	var err error
	switch n := rand.IntN(10); {
	case n < len(verbs):
		_, err = h.Act(ctx, name, verbs[n])
	case n == 5:
		_, err = h.tell(ctx, name, "something")
	case n == 6:
		stream, streamErr := h.Events(ctx, client.EventFilter{})
		if err = streamErr; err == nil {
			stream.Close()
		}
	case n == 7:
		err = h.hurt(ctx, name, syscall.SIGKILL)
	case n == 8:
		if err = h.hurt(ctx, name, syscall.SIGSTOP); err == nil {
			defer func() { _ = h.hurt(ctx, name, syscall.SIGCONT) }() // it may have been ended meanwhile
			_, err = h.Ask(ctx, name, v1.Ask{Topic: "echo", Timeout: 0.2})
		}
	default:
		_, err = h.Set(ctx, name, v1.Set{Values: map[string]script.Value{"code": script.Int(int64(rand.IntN(9)))}})
	}
	switch script.CodeOf(err) {
	case "", script.CodeRejected, script.CodeUnavailable, script.CodeNotFound, script.CodeDeadline, script.CodeNoAnswerer:
		return nil // it may well not be possible now
	}
	return err
}

// hurt signals the process that the host has launched for a script, if there
// is one.
func (h *host) hurt(ctx context.Context, name string, sig syscall.Signal) error {
	now, err := h.all(ctx)
	if err != nil || now[name].PluginPID == nil || !now[name].State.Live() {
		return err
	}
	if err := syscall.Kill(*now[name].PluginPID, sig); !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

// size is what a host uses.
type size struct{ files, goroutines, mb, heap float64 }

func (h *host) size(ctx context.Context) (s size, err error) {
	pid, err := h.pid()
	if err != nil {
		return s, err
	}
	files, err := proc.Files(pid)
	if err != nil {
		return s, err
	}
	s.files = float64(files)
	if s.mb, err = proc.Resident(pid); err != nil {
		return s, err
	}
	if s.goroutines, err = h.metric(ctx, "go_goroutines"); err != nil {
		return s, err
	}
	goal, err := h.metric(ctx, "go_memstats_next_gc_bytes")
	s.heap = goal / 2 / 1e6 // the collector begins anew when what is in use has doubled
	return s, err
}

// metric reads one number of those that the host shows to Prometheus.
func (h *host) metric(ctx context.Context, name string) (float64, error) {
	answer, err := h.get(ctx, "/metrics")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(answer)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("there is no metric %s", name)
}
