package api

import (
	"context"
	"maps"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/store"
	"github.com/mlhost/mlhost/shared/script"
)

// maxSamples is the most samples of one series that one answer holds.
const maxSamples = 2_000_000

type runsInput struct {
	Script string `query:"script" doc:"runs of this script only"`
	State  string `query:"state" doc:"runs in this state only"`
	Limit  int    `query:"limit" minimum:"0" doc:"at most so many; 0: all"`
	Search string `query:"search" maxLength:"1000" doc:"those in whose id, script, reason, parameters or results this text stands; case does not matter"`
	Before string `query:"before" doc:"those that began before the run of this id"`
}

// RunPath is the part of a path that names a run.
type RunPath struct {
	Run string `path:"run" doc:"the run's id, the beginning of it, or the name of a script: its last run"`
}

// Page is the part of a query that chooses samples of a series.
type Page struct {
	After int64 `query:"after" minimum:"0" doc:"how many samples are known already"`
	Limit int   `query:"limit" minimum:"0" maximum:"100000" default:"10000" doc:"at most so many; 0: all"`
}

// ChartPart is the part of a query that chooses what of a series is drawn.
type ChartPart struct {
	Points   int           `query:"points" minimum:"1" maximum:"10000" default:"1000" doc:"at most so many buckets"`
	FromStep OptionalInt64 `query:"from_step" doc:"from this step on"`
	ToStep   OptionalInt64 `query:"to_step" doc:"up to this step"`
	Since    time.Time     `query:"since" doc:"from this time on"`
	Until    time.Time     `query:"until" doc:"up to this time"`
}

// OptionalInt64 is a parameter of a query that may be left out.
type OptionalInt64 struct {
	Given int64 // set by huma
	value *int64
}

// Schema implements huma.SchemaProvider.
func (OptionalInt64) Schema(r huma.Registry) *huma.Schema {
	return huma.SchemaFromType(r, reflect.TypeFor[int64]())
}

// Receiver implements huma.ParamWrapper.
func (o *OptionalInt64) Receiver() reflect.Value { return reflect.ValueOf(o).Elem().Field(0) }

// OnParamSet implements huma.ParamReactor.
func (o *OptionalInt64) OnParamSet(set bool, _ any) {
	if set {
		o.value = &o.Given
	}
}

func (a *API) page(ctx context.Context, id, name string, p Page) (v1.Samples, error) {
	run, err := a.findRun(ctx, id)
	if err != nil {
		return v1.Samples{}, err
	}
	points, err := a.samples(ctx, run.ID, name, store.SampleRange{After: p.After, Limit: p.Limit})
	return v1.Samples{Run: run.ID, Name: name, Samples: some(points)}, err
}

func (a *API) runRoutes(api huma.API) {
	register(api, http.MethodGet, "/api/v1/runs", "list-runs", "Runs, the newest first", a.listRuns)
	register(api, http.MethodGet, "/api/v1/runs/{run}", "run", "Everything about one run",
		func(ctx context.Context, in *struct {
			RunPath
			Samples []string `query:"samples,explode" doc:"series whose samples come along"`
		}) (v1.RunDetail, error) {
			return a.showRun(ctx, in.Run, in.Samples)
		})
	register(api, http.MethodGet, "/api/v1/runs/{run}/samples/{name}", "samples", "A page of the samples of a series",
		func(ctx context.Context, in *struct {
			RunPath
			Name string `path:"name" doc:"the variable"`
			Page
		}) (v1.Samples, error) {
			return a.page(ctx, in.Run, in.Name, in.Page)
		})
	register(api, http.MethodGet, "/api/v1/runs/{run}/samples", "samples-of", "The same for a series of any name, one that no path can hold included",
		func(ctx context.Context, in *struct {
			RunPath
			Name string `query:"name" doc:"the variable"`
			Page
		}) (v1.Samples, error) {
			return a.page(ctx, in.Run, in.Name, in.Page)
		})
	register(api, http.MethodGet, "/api/v1/runs/{run}/texts/{name}", "text", "A text that is kept of a run: its source, its diff",
		func(ctx context.Context, in *struct {
			RunPath
			Name string `path:"name" doc:"source or diff"`
		}) (v1.RunText, error) {
			run, err := a.findRun(ctx, in.Run)
			if err != nil {
				return v1.RunText{}, err
			}
			text, err := a.Store.Text(ctx, run.ID, in.Name)
			return v1.RunText{Run: run.ID, Name: in.Name, Text: string(text)}, err
		})
	register(api, http.MethodGet, "/api/v1/runs/{run}/chart/{name}", "chart", "A series in a limited number of points",
		func(ctx context.Context, in *struct {
			RunPath
			Name string `path:"name" doc:"the variable"`
			ChartPart
		}) (v1.Chart, error) {
			return a.chart(ctx, in.Run, in.Name, in.ChartPart)
		})
	register(api, http.MethodGet, "/api/v1/runs/{run}/chart", "chart-of", "The same for a series of any name, one that no path can hold included",
		func(ctx context.Context, in *struct {
			RunPath
			Name string `query:"name" doc:"the variable"`
			ChartPart
		}) (v1.Chart, error) {
			return a.chart(ctx, in.Run, in.Name, in.ChartPart)
		})
	register(api, http.MethodGet, "/api/v1/compare", "compare", "Runs side by side: parameters, changes, results, last values, record",
		func(ctx context.Context, in *struct {
			Runs []string `query:"run,explode" doc:"each as in a path"`
		}) (v1.Comparison, error) {
			return a.compare(ctx, in.Runs)
		})
}

// record gathers what is known of how a run came about.
func (a *API) record(ctx context.Context, run *store.Run) (map[string]script.Value, error) {
	out := map[string]script.Value{
		"plugin": script.String(run.Plugin), "command": script.List(stringValues(run.Command)...),
		"attempt": script.Int(int64(run.Attempt)), "revision": script.Int(int64(min(run.Revision, math.MaxInt64))), "step": script.Null(),
	}
	if run.Step >= 0 {
		out["step"] = script.Int(run.Step)
	}
	recorded, err := a.Store.Record(ctx, run.ID)
	if err != nil {
		return nil, err
	}
	maps.Copy(out, recorded)
	texts, err := a.Store.Texts(ctx, run.ID)
	if err != nil {
		return nil, err
	}
	kept := map[string]script.Value{}
	for _, t := range texts {
		kept[t.Name] = script.Map(map[string]script.Value{"sha256": script.String(t.SHA256), "size": script.Int(t.Size)})
	}
	out["texts"] = script.Map(kept)
	return out, nil
}

func stringValues(list []string) []script.Value {
	out := make([]script.Value, 0, len(list))
	for _, s := range list {
		out = append(out, script.String(s))
	}
	return out
}

func (a *API) artifacts(ctx context.Context, run string) ([]v1.Artifact, error) {
	found, err := a.Store.Artifacts(ctx, run)
	out := make([]v1.Artifact, 0, len(found))
	for _, f := range found {
		out = append(out, v1.Artifact{Path: f.Path, Size: f.Size, SHA256: f.SHA256, Kind: f.Kind, Found: f.Found})
	}
	return out, err
}

// findRun returns the run of an id or a beginning of one, or the last run of
// the script of that name.
func (a *API) findRun(ctx context.Context, id string) (store.Run, error) {
	if one, ok := a.Registry.Script(id); ok {
		if one.Run == "" {
			return a.Store.LastRun(ctx, id)
		}
		id = one.Run
	}
	run, err := a.Store.Run(ctx, id)
	if script.CodeOf(err) == script.CodeNotFound {
		// A script that was started by hand is known by its runs alone.
		if last, lastErr := a.Store.LastRun(ctx, id); lastErr == nil {
			return last, nil
		}
	}
	return run, err
}

func (a *API) listRuns(ctx context.Context, in *runsInput) (v1.Runs, error) {
	out := v1.Runs{Runs: []v1.Run{}}
	if err := checkState(in.State); err != nil {
		return out, err
	}
	runs, err := a.Store.Runs(ctx, store.RunFilter{
		Script: in.Script, State: script.State(in.State), Limit: in.Limit, Search: in.Search, Before: in.Before,
	})
	if err != nil {
		return out, err
	}
	if in.Script != "" && len(runs) == 0 { // a script that was started by hand is known by its runs alone
		if _, err := a.find(in.Script); err != nil {
			return out, err
		}
	}
	secret := newSecrets(a.Registry.Script)
	for _, r := range runs {
		if in.Search == "" || secret.open(r, in.Search) {
			out.Runs = append(out.Runs, fromRun(r, secret))
		}
	}
	out.Removed, err = a.Store.Pruned(ctx)
	return out, err
}

// runStates are the states that a run can be in.
var runStates = []string{
	string(script.Starting), string(script.Ready), string(script.Running), string(script.Paused), string(script.Stalled),
	string(script.Stuck), string(script.Stopping), string(script.Stopped), string(script.Finished), string(script.Failed), string(script.Lost),
}

func checkState(state string) error {
	if state == "" || slices.Contains(runStates, state) {
		return nil
	}
	err := script.Errorf(script.CodeUsage, "a run is never %q", state)
	if best := script.Suggest(state, runStates); best != "" {
		return err.WithHint("did you mean %q?", best)
	}
	return err.WithHint("the states are %s", strings.Join(runStates, ", "))
}

func (a *API) showRun(ctx context.Context, id string, samples []string) (v1.RunDetail, error) {
	run, err := a.findRun(ctx, id)
	if err != nil {
		return v1.RunDetail{}, err
	}
	secret := newSecrets(a.Registry.Script)
	out := v1.RunDetail{
		Run: fromRun(run, secret), Reason: run.Reason, Changes: []v1.Change{}, Series: []v1.Series{}, Binaries: []v1.Binary{},
	}
	if out.Record, err = a.record(ctx, &run); err != nil {
		return out, err
	}
	if out.Artifacts, err = a.artifacts(ctx, run.ID); err != nil {
		return out, err
	}
	if run.SHA256 != "" {
		out.Binaries = append(out.Binaries, v1.Binary{SHA256: run.SHA256})
		later, err := a.Store.Binaries(ctx, run.ID)
		if err != nil {
			return v1.RunDetail{}, err
		}
		for _, b := range later {
			out.Binaries = append(out.Binaries, v1.Binary{SHA256: b.SHA256, FromStep: max(b.FromStep, 0)})
		}
	}
	changes, err := a.Store.Changes(ctx, run.ID)
	if err != nil {
		return out, err
	}
	for _, c := range changes {
		out.Changes = append(out.Changes, fromChange(c, secret))
	}
	series, err := a.Store.Series(ctx, run.ID)
	if err != nil {
		return out, err
	}
	known := make([]string, 0, len(series))
	for _, one := range series {
		out.Series = append(out.Series, v1.Series{Name: one.Name, Count: one.Count, Last: one.Last.Value})
		known = append(known, one.Name)
	}
	return out, a.addSamples(ctx, &out, samples, known)
}

// addSamples adds whole series to what is told of a run.
func (a *API) addSamples(ctx context.Context, out *v1.RunDetail, names, known []string) error {
	for _, name := range names {
		if !slices.Contains(known, name) {
			err := script.Errorf(script.CodeNotFound, "run %s has no samples of %q", out.ID, name)
			if best := script.Suggest(name, known); best != "" {
				err = err.WithHint("did you mean %q?", best)
			}
			return err
		}
		points, err := a.samples(ctx, out.ID, name, store.SampleRange{Limit: maxSamples})
		if err != nil {
			return err
		}
		if out.Samples == nil {
			out.Samples = map[string][]v1.Point{}
		}
		out.Samples[name] = some(points)
	}
	return nil
}

func (a *API) samples(ctx context.Context, run, name string, r store.SampleRange) ([]v1.Point, error) {
	samples, err := a.Store.Samples(ctx, run, name, r)
	if err != nil {
		return nil, err
	}
	points := make([]v1.Point, 0, len(samples))
	for _, s := range samples {
		points = append(points, v1.Point{Step: v1.Step(s.Step), Time: s.Time, Value: s.Value})
	}
	return points, nil
}

func (a *API) chart(ctx context.Context, id, name string, part ChartPart) (v1.Chart, error) {
	run, err := a.findRun(ctx, id)
	if err != nil {
		return v1.Chart{}, err
	}
	buckets, read, err := a.Store.ChartOf(ctx, run.ID, name, part.Points, store.ChartRange{
		FromStep: part.FromStep.value, ToStep: part.ToStep.value, Since: part.Since, Until: part.Until,
	})
	out := v1.Chart{Run: run.ID, Name: name, RowsRead: read, Buckets: make([]v1.Bucket, 0, len(buckets))}
	for _, b := range buckets {
		out.Buckets = append(out.Buckets, v1.Bucket{
			FirstStep: v1.Step(b.FirstStep), LastStep: v1.Step(b.LastStep), FirstTime: b.FirstTime, LastTime: b.LastTime,
			Count: b.Count, NaN: b.NaN, Inf: b.Inf, NegInf: b.NegInf,
			Min: script.Float(b.Min), Max: script.Float(b.Max), Mean: script.Float(b.Mean),
			First: script.Float(b.First), Last: script.Float(b.Last),
		})
	}
	return out, err
}

func fromRun(r store.Run, secret *secrets) v1.Run {
	return v1.Run{
		ID: r.ID, Script: r.Script, State: r.State, Started: r.Started, Finished: v1.Time(r.Finished), ExitCode: r.ExitCode,
		Parameters: values(secret.hide(r.Script, r.Parameters)), Results: values(r.Results),
	}
}

func fromChange(c store.Change, secret *secrets) v1.Change {
	if secret.of(c.Script)[c.Name] {
		c.Old, c.New = script.String(v1.Hidden), script.String(v1.Hidden)
	}
	return v1.Change{
		Time: c.Time, Step: v1.Step(c.Step), Revision: c.Revision, Name: c.Name, Old: c.Old, New: c.New,
		Author: c.Author, Status: c.Status,
	}
}

// values returns m, never nil: JSON objects are never null.
func values(m map[string]script.Value) map[string]script.Value {
	if m == nil {
		return map[string]script.Value{}
	}
	return m
}
