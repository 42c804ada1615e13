package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

func (a *app) psVerb() *cobra.Command {
	return a.do(&cobra.Command{
		Use:   "ps",
		Short: "List the scripts and what they are doing",
		Args:  args(0, 0, "no arguments"),
	}, func(ctx context.Context, _ []string) error {
		return a.withRecord(ctx, func(c *client.Client) error {
			out, err := c.Scripts(ctx)
			if err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) error {
				if err := writeScripts(w, out.Scripts); err != nil {
					return err
				}
				return a.writeConfigStatus(ctx, c)
			})
		})
	})
}

func writeScripts(w io.Writer, scripts []v1.Script) error {
	t := table{header: []string{"SCRIPT", "STATE", "STEP", "PROGRESS", "UPTIME", "RESTARTS", "RUN", "PID", "REASON"}}
	for _, s := range scripts {
		uptime, pid := "-", "-"
		if s.Uptime != nil && s.State.Live() {
			uptime = duration(*s.Uptime)
		}
		if s.PID != nil {
			pid = fmt.Sprint(*s.PID)
		}
		run := s.Run
		if run == "" {
			run = "-"
		}
		t.add(s.Name, string(s.State), stepText(s.Step), progressText(s.Progress), uptime, fmt.Sprint(s.Restarts), run, pid, clip(s.Reason, 80))
	}
	return t.write(w)
}

func progressText(p *v1.Progress) string {
	if p == nil {
		return "-"
	}
	if p.Total == nil {
		return script.Float(p.Done).String()
	}
	text := fmt.Sprintf("%.0f%%", 100*p.Done / *p.Total)
	if p.ETA != nil {
		text += " (" + duration(*p.ETA) + " left)"
	}
	return text
}

func (a *app) getVerb() *cobra.Command {
	return a.do(&cobra.Command{
		Use:               "get SCRIPT[.PARAMETER]",
		Short:             "Show the parameters of a script",
		Example:           "mlhost get trainer\nmlhost get trainer.learning_rate",
		Args:              args(1, 1, "a script, or SCRIPT.PARAMETER"),
		ValidArgsFunction: a.completeGet,
	}, func(ctx context.Context, got []string) error {
		return a.withRecord(ctx, func(c *client.Client) error {
			name, parameter, one := strings.Cut(got[0], ".")
			out, err := c.Parameters(ctx, name)
			if err != nil {
				return err
			}
			if one {
				if out.Parameters, err = only(out.Parameters, name, parameter); err != nil {
					return err
				}
			}
			return a.print(out, func(w io.Writer) error {
				if one {
					_, err := fmt.Fprintln(w, escapeText(out.Parameters[0].Value.String()))
					return err
				}
				return writeParameters(w, out.Parameters)
			})
		})
	})
}

// only returns the one parameter of that name.
func only(all []v1.Parameter, name, parameter string) ([]v1.Parameter, error) {
	known := make([]string, 0, len(all))
	for i, p := range all {
		if p.Name == parameter {
			return all[i : i+1], nil
		}
		known = append(known, p.Name)
	}
	return nil, unknownName(name, "parameter", parameter, known)
}

func unknownName(name, what, unknown string, known []string) error {
	err := script.Errorf(script.CodeNotFound, "%s has no %s %q", name, what, unknown)
	err.Hint = script.SuggestAmong(unknown, known)
	return err
}

func writeParameters(w io.Writer, ps []v1.Parameter) error {
	t := table{header: []string{"PARAMETER", "VALUE", "TYPE", "ALLOWED", "TAKES EFFECT", "OWNER", "DOC"}}
	for _, p := range ps {
		value, owner := shortValue(p.Value, 40), p.Owner
		if p.Next != nil {
			value += " (next: " + shortValue(*p.Next, 40) + ")"
		}
		if p.Unit != "" && !p.Value.IsNull() {
			value += " " + p.Unit
		}
		if owner == "" {
			owner = "-"
		}
		t.add(p.Name, value, string(p.Type), allowed(p), string(p.Mutability), owner, clip(p.Doc, 60))
	}
	return t.write(w)
}

// allowed words the range, step and choices of a parameter.
func allowed(p v1.Parameter) string {
	if len(p.Choices) > 0 {
		parts := make([]string, 0, len(p.Choices))
		for _, c := range p.Choices {
			parts = append(parts, c.String())
		}
		return clip(strings.Join(parts, ", "), 50)
	}
	var text string
	switch {
	case !p.Min.IsNull() && !p.Max.IsNull():
		text = fmt.Sprintf("%s to %s", p.Min, p.Max)
	case !p.Min.IsNull():
		text = fmt.Sprintf("from %s", p.Min)
	case !p.Max.IsNull():
		text = fmt.Sprintf("up to %s", p.Max)
	}
	if !p.Step.IsNull() {
		text += fmt.Sprintf(" by %s", p.Step)
	}
	if text = strings.TrimSpace(text); text == "" {
		return "-"
	}
	return text
}

func (a *app) resultsVerb() *cobra.Command {
	return a.do(&cobra.Command{
		Use:               "results SCRIPT",
		Short:             "Show the results of a script's last run",
		Args:              args(1, 1, "a script"),
		ValidArgsFunction: a.completeScripts,
	}, func(ctx context.Context, got []string) error {
		return a.withRecord(ctx, func(c *client.Client) error {
			out, err := c.Results(ctx, got[0])
			if err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) error {
				if len(out.Results) == 0 {
					a.note("%s has reported no results", out.Script)
				}
				t := table{header: []string{"RESULT", "VALUE", "TIME"}}
				for _, r := range out.Results {
					t.add(r.Name, shortValue(r.Value, 100), clock(r.Time))
				}
				return t.write(w)
			})
		})
	})
}
