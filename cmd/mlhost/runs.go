package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

func (a *app) runsVerb() *cobra.Command {
	var filter client.RunFilter
	var only string
	cmd := &cobra.Command{
		Use:     "runs",
		Short:   "List runs, the newest first",
		Example: "mlhost runs --script trainer --limit 5\nmlhost runs show trainer",
		Args:    args(0, 0, "no arguments"),
	}
	flags := cmd.Flags()
	flags.StringVar(&filter.Script, "script", "", "runs of this script only")
	flags.StringVar(&only, "only", "", "runs in this state only, for example failed")
	flags.IntVar(&filter.Limit, "limit", 50, "at most so many; 0 for all")
	a.do(cmd, func(ctx context.Context, _ []string) error {
		filter.State = script.State(only)
		if filter.Limit < 0 {
			return script.Errorf(script.CodeUsage, "--limit %d: a number from 0 is needed", filter.Limit)
		}
		return a.withRecord(ctx, func(c *client.Client) error {
			out, err := c.Runs(ctx, filter)
			if err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) error { return writeRuns(w, out.Runs) })
		})
	})
	cmd.Args = func(c *cobra.Command, got []string) error {
		if len(got) == 0 {
			return nil
		}
		return a.group(&cobra.Command{Use: "runs"}).RunE(c, got)
	}
	cmd.AddCommand(a.runsShowVerb())
	return cmd
}

func writeRuns(w io.Writer, runs []v1.Run) error {
	t := table{header: []string{"RUN", "SCRIPT", "STATE", "STARTED", "TOOK", "EXIT", "RESULTS"}}
	for _, r := range runs {
		took, exit := "-", "-"
		if r.Finished != nil {
			took = duration(r.Finished.Sub(r.Started).Seconds())
		}
		if r.ExitCode != nil {
			exit = fmt.Sprint(*r.ExitCode)
		}
		t.add(r.ID, r.Script, string(r.State), clock(r.Started), took, exit, clip(valuesText(r.Results), 60))
	}
	return t.write(w)
}

// valuesText writes values as name=value, by name.
func valuesText(values map[string]script.Value) string {
	if len(values) == 0 {
		return "-"
	}
	parts := make([]string, 0, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		parts = append(parts, name+"="+shortValue(values[name], 30))
	}
	return strings.Join(parts, " ")
}

func (a *app) runsShowVerb() *cobra.Command {
	var samples []string
	cmd := &cobra.Command{
		Use:   "show RUN…",
		Short: "Show everything about runs: parameters, changes, series, results",
		Long: `Show everything about runs: parameters, changes, series, results. A run is
named by its id, by the beginning of it, or by its script: the last run.`,
		Example:           "mlhost runs show trainer\nmlhost runs show k3f9 --samples loss --json",
		Args:              args(1, -1, "a run or a script"),
		ValidArgsFunction: a.completeScripts,
	}
	cmd.Flags().StringSliceVar(&samples, "samples", nil, "also every sample of these variables")
	return a.do(cmd, func(ctx context.Context, got []string) error {
		return a.withRecord(ctx, func(c *client.Client) error {
			for _, id := range got {
				out, err := c.Run(ctx, id, samples...)
				if err != nil {
					return err
				}
				if err := a.print(out, func(w io.Writer) error { return writeRun(w, out) }); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func writeRun(w io.Writer, r v1.RunDetail) error {
	head := table{header: []string{"RUN", r.ID}}
	head.add("script", r.Script)
	head.add("state", string(r.State)+reasonText(r.Reason))
	head.add("started", clock(r.Started))
	if r.Finished != nil {
		head.add("finished", fmt.Sprintf("%s, after %s", clock(*r.Finished), duration(r.Finished.Sub(r.Started).Seconds())))
	}
	if r.ExitCode != nil {
		head.add("exit code", fmt.Sprint(*r.ExitCode))
	}
	parameters := valueTable("PARAMETER AT START", r.Parameters)
	changes := table{header: []string{"CHANGED AT", "STEP", "PARAMETER", "FROM", "TO", "BY", "STATUS"}}
	for _, c := range r.Changes {
		changes.add(clock(c.Time), stepText(c.Step), c.Name, shortValue(c.Old, 30), shortValue(c.New, 30), c.Author, string(c.Status))
	}
	series := table{header: []string{"SERIES", "SAMPLES", "LAST"}}
	for _, s := range r.Series {
		series.add(s.Name, fmt.Sprint(s.Count), shortValue(s.Last, 40))
	}
	results := valueTable("RESULT", r.Results)
	tables := []*table{&head, parameters, &changes, &series, results}
	for _, name := range slices.Sorted(maps.Keys(r.Samples)) {
		t := table{header: []string{"STEP OF " + name, "TIME", "VALUE"}}
		for _, p := range r.Samples[name] {
			t.add(stepText(p.Step), clock(p.Time), shortValue(p.Value, 60))
		}
		tables = append(tables, &t)
	}
	for i, t := range tables {
		if i > 0 && len(t.rows) > 0 {
			if _, err := fmt.Fprintln(w); err != nil {
				return err
			}
		}
		if err := t.write(w); err != nil {
			return err
		}
	}
	return nil
}

func reasonText(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

func valueTable(title string, values map[string]script.Value) *table {
	t := table{header: []string{title, "VALUE"}}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		t.add(name, shortValue(values[name], 100))
	}
	return &t
}
