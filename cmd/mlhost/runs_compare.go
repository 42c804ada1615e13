package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// comparison puts runs side by side: value i of a row is that of run i, null
// where the run has none.
type comparison struct {
	Runs       []comparedRun    `json:"runs"`
	Parameters []comparedRow    `json:"parameters"` // at the start
	Results    []comparedRow    `json:"results"`
	Series     []comparedRow    `json:"series"` // their last values
	Record     []comparedRow    `json:"record"`
	Packages   []comparedRow    `json:"packages"` // only those that differ
	Changes    []comparedChange `json:"changes"`
}

type comparedRun struct {
	ID       string       `json:"id"`
	Script   string       `json:"script"`
	State    script.State `json:"state"`
	Took     *float64     `json:"took"` // seconds; null: it has not ended
	ExitCode *int         `json:"exit_code"`
}

type comparedRow struct {
	Name    string         `json:"name"`
	Values  []script.Value `json:"values"`
	Differs bool           `json:"differs"`
}

type comparedChange struct {
	Run string `json:"run"`
	v1.Change
}

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
			runs := make([]v1.RunDetail, 0, len(got))
			for _, id := range got {
				run, err := c.Run(ctx, id)
				if err != nil {
					return err
				}
				runs = append(runs, run)
			}
			out := compareRuns(runs)
			if only {
				out.onlyDifferences()
			}
			return a.print(out, func(w io.Writer) error { return out.write(w) })
		})
	})
}

func compareRuns(runs []v1.RunDetail) comparison {
	out := comparison{Changes: []comparedChange{}}
	var parameters, results, series, record, packages []map[string]script.Value
	for i := range runs {
		r := &runs[i]
		one := comparedRun{ID: r.ID, Script: r.Script, State: r.State, ExitCode: r.ExitCode}
		if r.Finished != nil {
			took := r.Finished.Sub(r.Started).Seconds()
			one.Took = &took
		}
		out.Runs = append(out.Runs, one)
		parameters, results = append(parameters, r.Parameters), append(results, r.Results)
		series, record = append(series, lastValues(r)), append(record, comparedRecord(r))
		installed, _ := r.Record["packages"].Map()
		packages = append(packages, installed)
		for _, c := range r.Changes {
			out.Changes = append(out.Changes, comparedChange{Run: r.ID, Change: c})
		}
	}
	out.Parameters, out.Results, out.Series = compareRows(parameters), compareRows(results), compareRows(series)
	out.Record, out.Packages = compareRows(record), differing(compareRows(packages))
	return out
}

func lastValues(r *v1.RunDetail) map[string]script.Value {
	out := make(map[string]script.Value, len(r.Series))
	for _, s := range r.Series {
		out[s.Name] = s.Last
	}
	return out
}

// comparedRecord holds the facts that runs are compared by.
func comparedRecord(r *v1.RunDetail) map[string]script.Value {
	facts := flatten(r.Record)
	out := map[string]script.Value{}
	for _, key := range []string{
		"command", "directory", "interpreter.path", "interpreter.version", "git.commit", "git.branch", "git.dirty",
		"texts.diff.sha256", "source.path", "source.sha256", "machine.name", "machine.os", "machine.arch", "machine.cpus", "plugin",
	} {
		if text, ok := facts[key]; ok {
			out[key] = script.String(text)
		}
	}
	if len(r.Binaries) > 0 {
		out["binary"] = script.String(r.Binaries[len(r.Binaries)-1].SHA256)
	}
	return out
}

// compareRows puts the values of tables side by side, by name.
func compareRows(tables []map[string]script.Value) []comparedRow {
	names := map[string]bool{}
	for _, t := range tables {
		for name := range t {
			names[name] = true
		}
	}
	rows := make([]comparedRow, 0, len(names))
	for _, name := range slices.Sorted(maps.Keys(names)) {
		row := comparedRow{Name: name}
		first, has := tables[0][name]
		for _, t := range tables {
			v, ok := t[name]
			row.Values = append(row.Values, v)
			row.Differs = row.Differs || ok != has || !sameValue(v, first)
		}
		rows = append(rows, row)
	}
	return rows
}

// sameValue compares values as people do: a number that is none equals itself.
func sameValue(a, b script.Value) bool {
	return a.Equal(b) || a.Kind() == b.Kind() && a.String() == b.String()
}

func differing(rows []comparedRow) []comparedRow {
	return slices.DeleteFunc(rows, func(r comparedRow) bool { return !r.Differs })
}

func (c *comparison) onlyDifferences() {
	for _, rows := range []*[]comparedRow{&c.Parameters, &c.Results, &c.Series, &c.Record} {
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
		rows  []comparedRow
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

func (c *comparison) table(title string, rows []comparedRow) *table {
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
