package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/mlhost/mlhost/cmd/mlhost/chart"
	"github.com/mlhost/mlhost/cmd/mlhost/text"
	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// watchLive is what `watch` shows on a terminal: a line for each variable, with
// the course of its run, that is written over; what else happens stands above.
type watchLive struct {
	app   *app
	only  string // this variable, drawn large; "" for all
	order []string
	vars  map[string]*watchedVariable
	lines int // on the screen
	fresh bool
}

type watchedVariable struct {
	value script.Value
	step  *int64
	past  *chart.Series
}

// canRewrite reports whether stdout is a terminal that can be written over.
func (a *app) canRewrite() bool {
	return !a.json && isTerminal(a.stdout) && a.env("TERM") != "dumb"
}

// watchLive shows a script until it has ended, or the host goes away.
func (a *app) watchLive(ctx context.Context, c *client.Client, onward func() (v1.Event, error), name, variable string) error {
	w := &watchLive{app: a, only: variable, vars: map[string]*watchedVariable{}}
	if err := w.begin(ctx, c, name); err != nil {
		return err
	}
	type next struct {
		event v1.Event
		err   error
	}
	events := make(chan next, 64)
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			e, err := onward()
			select {
			case events <- next{e, err}:
			case <-done:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	w.draw()
	for {
		select {
		case <-tick.C:
			if w.fresh {
				w.draw()
			}
		case n := <-events:
			if n.err != nil {
				w.draw()
				if errors.Is(n.err, io.EOF) {
					return nil
				}
				return n.err
			}
			if over, err := w.event(n.event); over || err != nil {
				w.draw()
				return err
			}
		}
	}
}

// begin reads what the run went through so far.
func (w *watchLive) begin(ctx context.Context, c *client.Client, name string) error {
	vars, err := c.Variables(ctx, name)
	if err != nil {
		return err
	}
	for _, v := range vars.Variables {
		if w.only != "" && v.Name != w.only {
			continue
		}
		one := w.variable(v.Name)
		one.value, one.step = v.Value, v.Step
		if _, ok := v.Value.Float(); !ok || vars.Run == "" {
			continue
		}
		drawn, err := c.Chart(ctx, vars.Run, v.Name, 120)
		if err != nil {
			continue // it has no samples yet, or a name that no path can hold
		}
		total := int64(0)
		values := make([]float64, 0, len(drawn.Buckets))
		for _, b := range drawn.Buckets {
			mean, _ := b.Mean.Float()
			values = append(values, mean)
			total += b.Count
		}
		one.past = chart.NewSeries(values, int(total/int64(max(1, len(values)))))
	}
	return nil
}

func (w *watchLive) variable(name string) *watchedVariable {
	one, ok := w.vars[name]
	if !ok {
		one = &watchedVariable{past: &chart.Series{}}
		w.vars[name] = one
		w.order = append(w.order, name)
	}
	return one
}

// event takes one event; it is over when the script has ended.
func (w *watchLive) event(e v1.Event) (over bool, err error) {
	switch e.Kind {
	case "samples":
		var data v1.SamplesData
		if err := json.Unmarshal(e.Data, &data); err != nil {
			return false, fmt.Errorf("read event: %w", err)
		}
		for _, s := range data.Samples {
			if w.only != "" && s.Name != w.only {
				continue
			}
			one := w.variable(s.Name)
			one.value, one.step, w.fresh = s.Value, s.Step, true
			if f, ok := s.Value.Float(); ok {
				one.past.Add(f)
			}
		}
		return false, nil
	case "run": // of a new run nothing is known yet
		for _, one := range w.vars {
			one.past = &chart.Series{}
		}
	}
	w.clear()
	over, err = w.app.showEvent(e, w.only)
	w.draw()
	return over, err
}

func (w *watchLive) clear() {
	if w.lines > 0 {
		fmt.Fprintf(w.app.stdout, "\r\x1b[%dA\x1b[J", w.lines)
		w.lines = 0
	}
}

// draw writes the variables over what stood there.
func (w *watchLive) draw() {
	columns, rows := screen(w.app.stdout)
	lines := w.render(columns, rows-2)
	w.clear()
	if len(lines) > 0 {
		fmt.Fprint(w.app.stdout, strings.Join(lines, "\n")+"\n")
	}
	w.lines, w.fresh = len(lines), false
}

func (w *watchLive) render(columns, rows int) []string {
	accent := lipgloss.NewStyle()
	if w.app.color(w.app.stdout) {
		accent = accent.Foreground(lipgloss.Color("6"))
	}
	style := chart.Style{ASCII: w.app.ascii()}
	if one, ok := w.vars[w.only]; ok {
		out := []string{text.Clip(fmt.Sprintf("%s = %s%s", text.Cell(w.only), text.Value(one.value, 30), stepped(one.step)), columns)}
		points := make([]chart.Point, 0, columns)
		for _, v := range one.past.Values() {
			points = append(points, chart.At(v))
		}
		if len(points) > 1 {
			for _, l := range style.Plot(points, min(columns, 100), max(2, min(10, rows-1)), false) {
				out = append(out, accent.Render(l))
			}
		}
		return out
	}
	longest := 8
	for _, name := range w.order {
		longest = min(28, max(longest, lipgloss.Width(name)))
	}
	var out []string
	for i, name := range w.order {
		if len(out) == rows-1 && i < len(w.order)-1 {
			return append(out, fmt.Sprintf("… and %d more: name one, as in `mlhost watch SCRIPT.VARIABLE`", len(w.order)-i))
		}
		one := w.vars[name]
		line := text.Pad(text.Clip(text.Cell(name), longest), longest) + "  " + text.Pad(text.Value(one.value, 16), 16)
		if room := columns - longest - 34; room >= 8 {
			line += "  " + text.Pad(strings.TrimSpace(stepped(one.step)), 12) + "  " + accent.Render(style.Spark(one.past.Values(), min(room, 40)))
		} else {
			line = text.Clip(line, columns)
		}
		out = append(out, strings.TrimRight(line, " "))
	}
	return out
}

func stepped(step *int64) string {
	if step == nil {
		return ""
	}
	return fmt.Sprintf("  step %d", *step)
}
