//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/internal/proc"
	"github.com/mlhost/mlhost/shared/script"
)

// tell leaves a message for a script.
func (h *host) tell(ctx context.Context, name, text string) (v1.Told, error) {
	return h.Tell(ctx, name, v1.Tell{Topic: "note", Data: script.String(text)})
}

// mail sends numbered messages while the host is killed at random: to a script
// that does not run, and to one that writes down what it hears. Then it counts
// those that were acknowledged and not delivered.
func mail(ctx context.Context, l *lab, o *outcome) error {
	h, err := l.newHost("")
	if err != nil {
		return err
	}
	heard := filepath.Join(h.dir, "heard")
	if err := h.configure(fmt.Sprintf("script \"reader\" {\n  plugin = %[1]q\n  autostart = false\n}\nscript \"live\" {\n  plugin = %[1]q\n  parameters = { file = %[2]q }\n}\n", l.plugin, heard)); err != nil {
		return err
	}
	if err := h.start(ctx); err != nil {
		return err
	}
	sending, stop := context.WithCancel(ctx)
	defer stop()
	toReader, toLive := h.send(sending, "reader"), h.send(sending, "live")
	kills := l.scaled(20, 3)
	for i := range kills {
		o.at("kill %d of %d", i+1, kills)
		select {
		case <-time.After(time.Duration(rand.Int64N(int64(500 * time.Millisecond)))): // at random
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := h.kill(ctx); err != nil {
			return err
		}
		if err := h.start(ctx); err != nil {
			return err
		}
	}
	stop()
	waiting, live := <-toReader, <-toLive
	o.count("kills", float64(kills))
	if err := h.checkMailbox(ctx, o, waiting); err != nil {
		return err
	}
	if err := h.checkHeard(ctx, o, heard, live); err != nil {
		return err
	}
	o.at("filling a mailbox")
	return h.fillMailbox(ctx, o)
}

// sent is what was acknowledged: ids by number.
type sent map[int64]string

// send sends numbered messages, each until it is acknowledged, until ctx ends.
func (h *host) send(ctx context.Context, to string) <-chan sent {
	over := make(chan sent, 1)
	go func() {
		all := sent{}
		for n := int64(1); ctx.Err() == nil; {
			one, cancel := context.WithTimeout(ctx, 5*time.Second)
			told, err := h.Tell(one, to, v1.Tell{Topic: "number", Data: script.Int(n)})
			cancel()
			if err == nil {
				all[n] = told.ID
				n++
			}
		}
		over <- all
	}()
	return over
}

// checkMailbox looks that what was acknowledged waits for a script, and then
// that it is delivered.
func (h *host) checkMailbox(ctx context.Context, o *outcome, all sent) error {
	box, err := h.Mailbox(ctx, "reader")
	if err != nil {
		return err
	}
	ids := map[string]bool{}
	doubled := 0
	for _, m := range box.Messages {
		if ids[m.ID] {
			doubled++
		}
		ids[m.ID] = true
	}
	lost := 0
	for _, id := range all {
		if !ids[id] {
			lost++
		}
	}
	o.count("messages acknowledged for a script that does not run", float64(len(all)))
	o.zero("of them lost", lost)
	o.zero("ids given twice", doubled)
	if len(all) == 0 {
		o.breaks("nothing was acknowledged")
	}
	if _, err := h.Act(ctx, "reader", "start"); err != nil {
		return err
	}
	return h.emptied(ctx, "reader")
}

// emptied waits until a script has been handed all its mail.
func (h *host) emptied(ctx context.Context, name string) error {
	return until(ctx, time.Minute, "all messages of "+name+" are delivered", func() (bool, error) {
		box, err := h.Mailbox(ctx, name)
		return err == nil && len(box.Messages) == 0, err
	})
}

// checkHeard looks that a script has heard what was acknowledged, at least
// once and under the id that was given for it.
func (h *host) checkHeard(ctx context.Context, o *outcome, path string, all sent) error {
	if err := h.emptied(ctx, "live"); err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	times := map[string]int{}
	for line := range strings.Lines(string(text)) {
		times[strings.TrimSpace(line)]++
	}
	lost, again := 0, 0
	for n, id := range all {
		switch heard := times[fmt.Sprintf("%s %d", id, n)]; {
		case heard == 0:
			lost++
		case heard > 1:
			again++
		}
	}
	o.count("messages acknowledged for a script that runs", float64(len(all)))
	o.zero("of them not heard", lost)
	o.count("of them heard again, under the same id", float64(again))
	return nil
}

// fillMailbox sends until the mailbox is full.
func (h *host) fillMailbox(ctx context.Context, o *outcome) error {
	if _, err := h.Act(ctx, "reader", "stop"); err != nil {
		return err
	}
	big := strings.Repeat("x", 900_000)
	for range 2000 {
		if _, err := h.tell(ctx, "reader", big); err != nil {
			if code := script.CodeOf(err); code != script.CodeMailboxFull {
				o.breaks("a full mailbox answers %q: %v", code, err)
			}
			return nil
		}
	}
	o.breaks("the mailbox does not get full")
	return nil
}

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
type size struct{ files, goroutines, mb float64 }

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
	s.goroutines, err = h.metric(ctx, "go_goroutines")
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
