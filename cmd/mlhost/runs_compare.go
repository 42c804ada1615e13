package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
)

func (a *app) runsCompareVerb() *cobra.Command {
	var only bool
	cmd := &cobra.Command{
		Use:   "compare RUN RUN…",
		Short: "Put runs side by side: parameters, changes, results, last values, record",
		Long: `Put runs side by side: parameters, changes, results, the last values of series,
and what differs in their records (packages, git, source). A row that differs
is marked with *. A run is named by its id, by the beginning of it, or by its
script: the last run.`,
		Example:           "mlhost runs compare k3f9 k3g2\nmlhost runs compare trainer k3f9 --differences",
		Args:              args(2, -1, "two or more runs"),
		ValidArgsFunction: a.completeRuns,
	}
	cmd.Flags().BoolVar(&only, "differences", false, "show only what differs")
	return a.do(cmd, func(ctx context.Context, got []string) error {
		return a.withRecord(ctx, func(c *client.Client) error {
			found, err := c.Compare(ctx, got)
			if err != nil {
				return err
			}
			out := comparison{found}
			if only {
				out.onlyDifferences()
			}
			return a.print(out.Comparison, func(w io.Writer) error { return out.write(w) })
		})
	})
}

// comparison is shown as tables.
type comparison struct{ v1.Comparison }

func differing(rows []v1.ComparedRow) []v1.ComparedRow {
	return slices.DeleteFunc(rows, func(r v1.ComparedRow) bool { return !r.Differs })
}

func (c *comparison) onlyDifferences() {
	for _, rows := range []*[]v1.ComparedRow{&c.Parameters, &c.Results, &c.Series, &c.Record} {
		*rows = differing(*rows)
	}
}

func (c *comparison) write(w io.Writer) error {
	head := table{header: []string{"", "RUN"}}
	rows := [][]string{{"", "script"}, {"", "state"}, {"", "took"}, {"", "exit code"}}
	for _, r := range c.Runs {
		took, exit := "-", "-"
		if r.Took != nil {
			took = duration(*r.Took)
		}
		if r.ExitCode != nil {
			exit = fmt.Sprint(*r.ExitCode)
		}
		head.header = append(head.header, r.ID)
		for i, text := range []string{r.Script, string(r.State), took, exit} {
			rows[i] = append(rows[i], text)
		}
	}
	head.rows = rows
	tables := []*table{&head}
	for _, part := range []struct {
		title string
		rows  []v1.ComparedRow
	}{
		{"PARAMETER AT START", c.Parameters}, {"RESULT", c.Results}, {"LAST OF SERIES", c.Series}, {"RECORD", c.Record}, {"PACKAGE", c.Packages},
	} {
		tables = append(tables, c.table(part.title, part.rows))
	}
	changes := table{header: []string{"", "CHANGE IN", "STEP", "PARAMETER", "FROM", "TO", "BY", "STATUS"}}
	for _, ch := range c.Changes {
		changes.add("", ch.Run, stepText(ch.Step), ch.Name, shortValue(ch.Old, 30), shortValue(ch.New, 30), ch.Author, string(ch.Status))
	}
	return writeTables(w, append(tables, &changes))
}

func (c *comparison) table(title string, rows []v1.ComparedRow) *table {
	t := &table{header: []string{"", title}}
	for _, r := range c.Runs {
		t.header = append(t.header, r.ID)
	}
	width := max(16, 100/len(c.Runs))
	for _, r := range rows {
		mark := ""
		if r.Differs {
			mark = "*"
		}
		cells := []string{mark, clip(r.Name, 60)}
		for _, v := range r.Values {
			cells = append(cells, shortValue(v, width))
		}
		t.add(cells...)
	}
	return t
}
