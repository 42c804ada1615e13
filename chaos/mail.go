//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/mlhost/mlhost/host/api/v1"
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
	h, err := l.newHost()
	if err != nil {
		return err
	}
	heard := filepath.Join(h.dir, "heard")
	if err := h.launch(ctx, fmt.Sprintf("script \"reader\" {\n  plugin = %[1]q\n  autostart = false\n}\nscript \"live\" {\n  plugin = %[1]q\n  parameters = { file = %[2]q }\n}\n", l.plugin, heard)); err != nil {
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
	for range 200 { // 64 MB fit
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
