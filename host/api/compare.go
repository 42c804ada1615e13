package api

import (
	"context"
	"maps"
	"slices"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// maxCompared is the most runs that are put side by side.
const maxCompared = 100

func (a *API) compare(ctx context.Context, ids []string) (v1.Comparison, error) {
	if len(ids) == 0 || len(ids) > maxCompared {
		return v1.Comparison{}, script.Errorf(script.CodeUsage, "1 to %d runs can be compared, not %d", maxCompared, len(ids))
	}
	runs := make([]v1.RunDetail, 0, len(ids))
	for _, id := range ids {
		run, err := a.showRun(ctx, id, nil)
		if err != nil {
			return v1.Comparison{}, err
		}
		runs = append(runs, run)
	}
	return compareRuns(runs), nil
}

func compareRuns(runs []v1.RunDetail) v1.Comparison {
	out := v1.Comparison{Changes: []v1.ComparedChange{}}
	var parameters, results, series, record, packages []map[string]script.Value
	for i := range runs {
		r := &runs[i]
		one := v1.ComparedRun{ID: r.ID, Script: r.Script, State: r.State, Started: r.Started, ExitCode: r.ExitCode}
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
			out.Changes = append(out.Changes, v1.ComparedChange{Run: r.ID, Change: c})
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
	facts := v1.Facts(r.Record)
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
func compareRows(tables []map[string]script.Value) []v1.ComparedRow {
	names := map[string]bool{}
	for _, t := range tables {
		for name := range t {
			names[name] = true
		}
	}
	rows := make([]v1.ComparedRow, 0, len(names))
	for _, name := range slices.Sorted(maps.Keys(names)) {
		row := v1.ComparedRow{Name: name}
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

func differing(rows []v1.ComparedRow) []v1.ComparedRow {
	return slices.DeleteFunc(rows, func(r v1.ComparedRow) bool { return !r.Differs })
}
