package api

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/store"
	"github.com/mlhost/mlhost/shared/script"
)

type logsInput struct {
	ScriptPath
	Run    string `query:"run" doc:"of this run; by default the last one"`
	Stream string `query:"stream" enum:"stdout,stderr,log" doc:"of this stream only"`
	Tail   int    `query:"tail" minimum:"0" maximum:"1000000" doc:"only the last so many; 0: all"`
}

type logPageInput struct {
	ScriptPath
	Run    string    `query:"run" doc:"of this run; by default the last one"`
	Before string    `query:"before" doc:"older of a page: what is before it"`
	After  string    `query:"after" doc:"newer of a page: what is behind it"`
	Around time.Time `query:"around" doc:"lines before and behind this time"`
	Stream string    `query:"stream" enum:"stdout,stderr,log" doc:"of this stream only"`
	Level  string    `query:"level" enum:"debug,info,warn,error" doc:"of at least this level; what was only printed has none"`
	Search string    `query:"search" maxLength:"1000" doc:"lines with this text; case does not matter"`
	Limit  int       `query:"limit" minimum:"1" maximum:"10000" default:"200" doc:"at most so many lines"`
}

func (a *API) logPage(ctx context.Context, in *logPageInput) (v1.LogPage, error) {
	out := v1.LogPage{Script: in.Script, Lines: []v1.Log{}}
	run, err := a.logRun(ctx, in.Script, in.Run)
	if err != nil || run == "" {
		return out, err
	}
	page, err := a.Store.LogPage(ctx, run, store.LogQuery{
		Before: in.Before, After: in.After, Around: in.Around, Stream: in.Stream, Level: in.Level, Search: in.Search, Limit: in.Limit,
	})
	out.Run, out.Older, out.Newer, out.More = run, page.Older, page.Newer, page.More
	for _, l := range page.Lines {
		out.Lines = append(out.Lines, fromLog(in.Script, run, l))
	}
	return out, err
}

func fromLog(name, run string, l store.Log) v1.Log {
	return v1.Log{
		Time: l.Time, Script: name, Run: run, Stream: l.Stream, Level: l.Level, Text: l.Text, Partial: l.Partial, Seq: l.Seq,
	}
}

// logRoutes registers the log of a script: a v1.Log per line.
func (a *API) logRoutes(api huma.API) {
	register(api, http.MethodGet, "/api/v1/scripts/{script}/logs/page", "logs-page", "A page of what a script has printed and logged, the newest one by default", a.logPage)
	op := huma.Operation{
		OperationID: "logs", Method: http.MethodGet, Path: "/api/v1/scripts/{script}/logs", Summary: "What a script has printed and logged",
		Responses: map[string]*huma.Response{"200": {
			Description: "JSON lines",
			Content:     map[string]*huma.MediaType{"application/x-ndjson": {Schema: &huma.Schema{Type: huma.TypeString}}},
		}},
	}
	huma.Register(api, op, func(ctx context.Context, in *logsInput) (*huma.StreamResponse, error) {
		run, err := a.logRun(ctx, in.Script, in.Run)
		if err != nil {
			return nil, problem(err)
		}
		filter := store.LogFilter{Tail: in.Tail}
		if in.Stream != "" {
			filter.Streams = []string{in.Stream}
		}
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			r, w := humago.Unwrap(ctx)
			if err := writeLogs(w, in.Script, run, a.logs(r.Context(), run, filter)); err != nil {
				// The answer has begun: the reader sees that it is cut off.
				a.Logger.Debug("log stream ended", "script", in.Script, "error", err)
				panic(http.ErrAbortHandler)
			}
		}}, nil
	})
}

// logRun returns the id of the run whose log is wanted, "" where the script
// has not run.
func (a *API) logRun(ctx context.Context, name, id string) (string, error) {
	one, err := a.findRan(ctx, name)
	if err != nil || id == "" {
		return one.Run, err
	}
	run, err := a.Store.Run(ctx, id)
	if err == nil && run.Script != name {
		err = script.Errorf(script.CodeNotFound, "run %s is one of %s, not of %s", run.ID, run.Script, name)
	}
	return run.ID, err
}

func (a *API) logs(ctx context.Context, run string, f store.LogFilter) iter.Seq2[store.Log, error] {
	if run == "" {
		return func(func(store.Log, error) bool) {}
	}
	return a.Store.Logs(ctx, run, f)
}

func writeLogs(w http.ResponseWriter, name, run string, lines iter.Seq2[store.Log, error]) error {
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for l, err := range lines {
		if err != nil {
			return err
		}
		if err := enc.Encode(fromLog(name, run, l)); err != nil {
			return err
		}
	}
	return nil
}
