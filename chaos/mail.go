//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// tell leaves a message for a script.
func (h *host) tell(ctx context.Context, name, text string) (v1.Told, error) {
	return h.Tell(ctx, name, v1.Tell{Topic: "note", Data: script.String(text)})
}

// mail sends numbered messages while the host is killed at random, and then
// counts those that were acknowledged and not delivered.
func mail(ctx context.Context, l *lab, o *outcome) error {
	h, err := l.newHost(fmt.Sprintf("script \"reader\" {\n  plugin = %q\n  autostart = false\n}\nscript \"good\" {\n  plugin = %q\n}\n", l.plugin, l.plugin))
	if err != nil {
		return err
	}
	if err := h.start(ctx); err != nil {
		return err
	}
	sending, stop := context.WithCancel(ctx)
	defer stop()
	acknowledged := make(chan int64, 1)
	go func() {
		last := int64(0)
		for n := int64(1); sending.Err() == nil; {
			one, cancel := context.WithTimeout(sending, 5*time.Second)
			_, err := h.Tell(one, "reader", v1.Tell{Topic: "number", Data: script.Int(n)})
			cancel()
			if err == nil {
				last = n
				n++
			}
		}
		acknowledged <- last
	}()
	kills := l.scaled(20, 3)
	for range kills {
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
	sent := <-acknowledged
	box, err := h.Mailbox(ctx, "reader")
	if err != nil {
		return err
	}
	ids, have := map[string]bool{}, map[int64]bool{}
	doubled := 0
	for _, m := range box.Messages {
		if ids[m.ID] {
			doubled++
		}
		ids[m.ID] = true
		n, _ := m.Data.Int()
		have[n] = true
	}
	lost := 0
	for n := int64(1); n <= sent; n++ {
		if !have[n] {
			lost++
		}
	}
	o.count("kills", float64(kills))
	o.count("messages acknowledged", float64(sent))
	o.zero("of them lost", lost)
	o.zero("ids given twice", doubled)
	if sent == 0 {
		o.breaks("nothing was acknowledged")
	}
	if _, err := h.Act(ctx, "reader", "start"); err != nil {
		return err
	}
	err = until(ctx, time.Minute, "all of them are delivered", func() (bool, error) {
		box, err := h.Mailbox(ctx, "reader")
		return err == nil && len(box.Messages) == 0, err
	})
	if err != nil {
		return err
	}
	return h.fillMailbox(ctx, o)
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

// soak does random things for a while and looks whether descriptors and memory
// stay flat.
func soak(ctx context.Context, l *lab, o *outcome) error {
	h, _, err := counting(ctx, l, 6, 0)
	if err != nil {
		return err
	}
	pid, err := h.pid()
	if err != nil {
		return err
	}
	rounds := l.scaled(400, 20)
	var names = []string{"s0", "s1", "s2", "s3", "s4", "s5"}
	warm := rounds / 4
	var files, resident float64
	for i := range rounds {
		if i == warm {
			if files, resident, err = footprint(pid); err != nil {
				return err
			}
		}
		if err := h.something(ctx, names[rand.IntN(len(names))]); err != nil {
			return err
		}
	}
	if err := h.reach(ctx, time.Minute, []script.State{script.Running, script.Paused, script.Stopped, script.Failed}); err != nil {
		return err
	}
	var filesAfter, residentAfter float64
	err = until(ctx, 20*time.Second, "descriptors are given back", func() (bool, error) {
		filesAfter, residentAfter, err = footprint(pid)
		return filesAfter <= files+10, err
	})
	o.count("random acts", float64(rounds))
	o.count("descriptors before", files)
	o.count("descriptors after", filesAfter)
	if err != nil {
		o.breaks("descriptors: %v", err)
	}
	o.count("MB before", resident)
	o.atMost("MB after", residentAfter, resident*1.5+50)
	return nil
}

// something does one thing at random to a script.
func (h *host) something(ctx context.Context, name string) error {
	verbs := []string{"stop", "start", "restart", "pause", "resume"}
	var err error
	switch n := rand.IntN(8); {
	case n < len(verbs):
		_, err = h.Act(ctx, name, verbs[n])
	case n == 5:
		_, err = h.tell(ctx, name, "something")
	case n == 6:
		stream, streamErr := h.Events(ctx, client.EventFilter{})
		if err = streamErr; err == nil {
			stream.Close()
		}
	default:
		_, err = h.Set(ctx, name, v1.Set{Values: map[string]script.Value{"code": script.Int(int64(rand.IntN(9)))}})
	}
	switch script.CodeOf(err) {
	case "", script.CodeRejected, script.CodeUnavailable, script.CodeNotFound, script.CodeDeadline:
		return nil // it may well not be possible now
	}
	return err
}

// footprint is a process's open descriptors and memory, in MB.
func footprint(pid int) (files, mb float64, err error) {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return 0, 0, err
	}
	mb, err = memory(pid)
	return float64(len(entries)), mb, err
}
