//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/internal/proc"
)

// slowViewers opens event streams and reads nothing of them.
func slowViewers(ctx context.Context, l *lab, o *outcome) error {
	h, err := l.newHost()
	if err != nil {
		return err
	}
	var b strings.Builder
	for i := range 10 {
		b.WriteString(h.counter(fmt.Sprintf("s%d", i), ", pause = 0.0005"))
	}
	if _, err := h.begin(ctx, b.String()); err != nil {
		return err
	}
	alone, err := h.pace(ctx)
	if err != nil {
		return err
	}
	viewers := make([]*client.Stream, l.scaled(20, 5))
	for i := range viewers {
		if viewers[i], err = h.Events(ctx, client.EventFilter{}); err != nil {
			return err
		}
		defer viewers[i].Close()
	}
	watched, err := h.pace(ctx)
	if err != nil {
		return err
	}
	pid, err := h.pid()
	if err != nil {
		return err
	}
	used, err := proc.Resident(pid)
	if err != nil {
		return err
	}
	o.count("viewers that read nothing", float64(len(viewers)))
	o.count("steps/s before", alone)
	o.count("steps/s watched", watched)
	if l.scale >= 1 && watched < alone*0.7 { // rates of a moment say nothing on a machine that does other things
		o.breaks("producers are slowed down")
	}
	o.atMost("MB of memory in the host", used, 180)
	o.at("reading what the viewers missed")
	told := 0.0
	for i, v := range viewers {
		dropped, err := firstGap(v)
		if err != nil {
			return fmt.Errorf("viewer %d was not told that it missed anything: %w", i+1, err)
		}
		told += float64(dropped)
	}
	o.count("events that the viewers were told to have missed", told)
	now, err := h.all(ctx)
	if err != nil {
		return err
	}
	return h.account(ctx, o, now)
}

// pace measures how many steps all scripts make in a second.
func (h *host) pace(ctx context.Context) (float64, error) {
	steps := func() (sum float64, err error) {
		now, err := h.all(ctx)
		for _, s := range now {
			if s.Step != nil {
				sum += float64(*s.Step)
			}
		}
		return sum, err
	}
	before, err := steps()
	if err != nil {
		return 0, err
	}
	began := time.Now()
	select {
	case <-time.After(2 * time.Second): // what is measured is a rate
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	after, err := steps()
	return (after - before) / time.Since(began).Seconds(), err
}

// firstGap reads a stream until it tells of events that were missed.
func firstGap(s *client.Stream) (dropped uint64, err error) {
	for {
		e, err := s.Next()
		if err != nil || e.Kind != v1.KindGap {
			if err != nil {
				return 0, err
			}
			continue
		}
		var gap v1.GapData
		if err := json.Unmarshal(e.Data, &gap); err != nil {
			return 0, err
		}
		if gap.Dropped == nil || *gap.Dropped == 0 {
			return 0, errors.New("the gap has no count")
		}
		return *gap.Dropped, nil
	}
}
