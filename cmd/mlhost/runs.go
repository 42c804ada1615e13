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
			return a.print(out, func(w io.Writer) error {
				err := writeRuns(w, out.Runs)
				if err == nil && out.Removed > 0 {
					_, err = fmt.Fprintf(w, "\n%s not kept any more (keep_runs, keep_for of the host block)\n", count(int(out.Removed), "older run"))
				}
				return err
			})
		})
	})
	cmd.Args = func(c *cobra.Command, got []string) error {
		if len(got) == 0 {
			return nil
		}
		return a.group(&cobra.Command{Use: "runs"}).RunE(c, got)
	}
	cmd.AddCommand(a.runsShowVerb(), a.runsCompareVerb(), a.runsExportVerb())
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
