package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

func (a *app) watchVerb() *cobra.Command {
	return a.do(&cobra.Command{
		Use:   "watch SCRIPT[.VARIABLE]",
		Short: "Show what a script reports, as it comes",
		Long: strings.TrimSpace(`
Show what a script reports, as it comes: its variables, results, changes of
parameters and of its state; or one variable only. It ends when the script
has ended. On a terminal each variable is one line with the course of its run;
one variable is drawn large. With --json every line is one JSON object.`),
		Example:           "mlhost watch trainer\nmlhost watch trainer.loss --json",
		Args:              args(1, 1, "a script, or SCRIPT.VARIABLE"),
		ValidArgsFunction: a.completeWatch,
	}, func(ctx context.Context, got []string) error {
		name, variable, _ := strings.Cut(got[0], ".")
		return a.withHost(func(c *client.Client) error { return a.watch(ctx, c, name, variable) })
	})
}

func (a *app) watch(ctx context.Context, c *client.Client, name, variable string) error {
	kinds := []string{"samples", "state", v1.KindGap}
	if variable == "" {
		kinds = append(kinds, "result", "parameters", "observed", "owner", "route", "warning", "notified", "run")
	}
	stream, err := c.Events(ctx, client.EventFilter{Script: name, Kinds: kinds})
	if err != nil {
		return err
	}
	defer stream.Close()
	now, err := c.Script(ctx, name)
	if err != nil {
		return err
	}
	if over(now.State) {
		a.note("%s is %s; waiting for it to start", escapeLine(name), now.State)
	}
	if variable != "" {
		if err := a.noteUnknown(ctx, c, name, variable); err != nil {
			return err
		}
	}
	onward := func() (v1.Event, error) { return onward(ctx, c, stream, name, over(now.State)) }
	if a.canRewrite() {
		return a.watchLive(ctx, c, onward, name, variable)
	}
	for {
		e, err := onward()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if done, err := a.showEvent(e, variable); done || err != nil {
			return err
		}
	}
}

// onward returns the next event of a stream about a script. Where the host that
// ended the stream was upgraded, it goes on at the one in its place. wasOver
// tells that the script did not run at first.
func onward(ctx context.Context, c *client.Client, stream *client.Stream, name string, wasOver bool) (v1.Event, error) {
	for {
		e, err := stream.Next()
		if e.ID > 0 || !errors.Is(err, io.EOF) {
			return e, err
		}
		began := stream.Began()
		if !stream.Again(false) {
			return e, err
		}
		if now, failed := c.Script(ctx, name); failed != nil || !began && !wasOver && over(now.State) {
			return e, errors.Join(failed, err) // nothing is told again of an end before
		}
	}
}

// noteUnknown says that a variable to be watched has not been reported yet: it
// may come, or be a mistake.
func (a *app) noteUnknown(ctx context.Context, c *client.Client, name, variable string) error {
	vars, err := c.Variables(ctx, name)
	if err != nil {
		return err
	}
	known := make([]string, 0, len(vars.Variables))
	for _, v := range vars.Variables {
		if v.Name == variable {
			return nil
		}
		known = append(known, v.Name)
	}
	text := fmt.Sprintf("%s has no variable %q yet; waiting for it", name, variable)
	if hint := script.SuggestAmong(variable, known); hint != "" {
		text += " (" + hint + ")"
	}
	a.note("%s", escapeLine(text))
	return nil
}

// watched is a line of `watch --json` about a sample; other lines are events.
type watched struct {
	v1.Sample
	Script string `json:"script"`
	Run    string `json:"run"`
	Kind   string `json:"kind"`
}

// showEvent writes one event; it is done when the script has ended.
func (a *app) showEvent(e v1.Event, variable string) (done bool, err error) {
	switch e.Kind {
	case "samples":
		return false, a.showSamples(e, variable)
	case v1.KindGap:
		a.noteGap(e)
		if !a.json {
			return false, nil
		}
	case "state":
		var data v1.StateData
		if err := json.Unmarshal(e.Data, &data); err != nil {
			return false, fmt.Errorf("read event: %w", err)
		}
		done = over(data.State)
		if variable != "" {
			return done, nil
		}
	}
	if a.json {
		return done, a.printLine(e)
	}
	text, err := eventText(e)
	if err != nil || text == "" {
		return done, err
	}
	_, err = fmt.Fprintln(a.stdout, e.Time.Local().Format("15:04:05.000")+"  "+escapeLine(text))
	return done, err
}

func (a *app) showSamples(e v1.Event, variable string) error {
	var data v1.SamplesData
	if err := json.Unmarshal(e.Data, &data); err != nil {
		return fmt.Errorf("read event: %w", err)
	}
	for _, s := range data.Samples {
		if variable != "" && s.Name != variable {
			continue
		}
		if a.json {
			if err := a.printLine(watched{Sample: s, Script: e.Script, Run: e.Run, Kind: "sample"}); err != nil {
				return err
			}
			continue
		}
		text := fmt.Sprintf("%s = %s", s.Name, shortValue(s.Value, 200))
		if s.Step != nil {
			text = fmt.Sprintf("step %d  %s", *s.Step, text)
		}
		if _, err := fmt.Fprintln(a.stdout, s.Time.Local().Format("15:04:05.000")+"  "+escapeLine(text)); err != nil {
			return err
		}
	}
	return nil
}

// eventText words an event for people, "" for one that says nothing to them.
func eventText(e v1.Event) (string, error) {
	switch e.Kind {
	case "state":
		return worded(e, func(d v1.StateData) string { return string(d.State) + reasonText(d.Reason) })
	case "run":
		return worded(e, func(v1.RunData) string { return "run " + e.Run })
	case "binary":
		return worded(e, func(d v1.BinaryData) string {
			return fmt.Sprintf("goes on with the new binary %s from step %d", d.SHA256[:min(len(d.SHA256), 12)], d.FromStep)
		})
	case "result":
		return worded(e, func(d v1.ResultData) string { return fmt.Sprintf("result %s = %s", d.Name, shortValue(d.Value, 200)) })
	case "parameters":
		return worded(e, changesText)
	case "observed":
		return worded(e, func(d v1.ObservedData) string {
			if d.Overwritten {
				return fmt.Sprintf("%s was overwritten by the script: %s", d.Name, shortValue(d.Value, 60))
			}
			return fmt.Sprintf("%s = %s is in use", d.Name, shortValue(d.Value, 60))
		})
	case "owner":
		return worded(e, func(d v1.OwnerData) string {
			if d.Owner == "" {
				return d.Name + " is moved by nobody now"
			}
			return fmt.Sprintf("%s is moved by %s now", d.Name, d.Owner)
		})
	case "route":
		return worded(e, func(d v1.RouteData) string {
			return fmt.Sprintf("route %s: %s → %s%s", d.Route, d.Target, shortValue(d.Value, 60), reasonText(d.Problem))
		})
	case "warning":
		return worded(e, func(d v1.WarningData) string { return "warning: " + d.Text })
	case "notified":
		return worded(e, func(d v1.NotifiedData) string { return fmt.Sprintf("%s %s", d.Event, shortValue(d.Data, 100)) })
	}
	return "", nil
}

func worded[T any](e v1.Event, word func(T) string) (string, error) {
	var data T
	if err := json.Unmarshal(e.Data, &data); err != nil {
		return "", fmt.Errorf("read event: %w", err)
	}
	return word(data), nil
}

func changesText(d v1.ParametersData) string {
	parts := make([]string, 0, len(d.Changes))
	for _, c := range d.Changes {
		text := fmt.Sprintf("%s: %s → %s", c.Name, shortValue(c.Old, 40), shortValue(c.New, 40))
		if c.Status != "applied" {
			text += " (" + string(c.Status) + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ") + " by " + d.Author
}
