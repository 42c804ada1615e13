package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/bus"
	"github.com/mlhost/mlhost/host/store"
	"github.com/mlhost/mlhost/shared/script"
)

const (
	viewerSize   = 4096             // events that may wait for one viewer
	keepAlive    = 15 * time.Second // a comment on a quiet stream, so that a dead viewer is noticed
	writeTimeout = 30 * time.Second // a viewer that takes nothing for so long is cut off
	replayPage   = 1000
)

type eventsInput struct {
	Scripts []string `query:"script,explode" doc:"events of these scripts only"`
	Kinds   []string `query:"kind,explode" doc:"events of these kinds only; gap always comes"`
	Thin    float64  `query:"thin" minimum:"0" maximum:"60" doc:"the newest sample of each series, step and progress only every so many seconds; 0: all of them"`
	Full    []string `query:"full,explode" doc:"scripts that are not thinned"`
	Logs    []string `query:"logs,explode" doc:"log lines of these scripts only"`
	After   string   `header:"Last-Event-ID" doc:"also what happened behind the event of this id"`
}

// eventRoutes registers the event stream. Each of its messages has an event's
// id and kind, and a v1.Event as its data. What a viewer misses, because it is
// too slow or comes back too late, it is told by an event of kind "gap".
func (a *API) eventRoutes(api huma.API) {
	op := huma.Operation{
		OperationID: "events", Method: http.MethodGet, Path: "/api/v1/events", Summary: "What happens, as server-sent events",
		Responses: map[string]*huma.Response{"200": {
			Description: "A stream of events",
			Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}},
		}},
	}
	huma.Register(api, op, func(_ context.Context, in *eventsInput) (*huma.StreamResponse, error) {
		after, err := a.checkEvents(in)
		if err != nil {
			return nil, problem(err)
		}
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			r, w := humago.Unwrap(ctx)
			v := &viewer{registry: a.Registry, w: w, control: http.NewResponseController(w)}
			if in.Thin > 0 {
				v.thin = newThinner(in.Full)
			}
			// What goes wrong here is that the viewer has gone, or the host goes.
			streaming, stop := untilEnd(r.Context())
			defer stop()
			if err := a.stream(streaming, v, in, after); err != nil {
				a.Logger.Debug("event stream ended", "error", err)
			}
		}}, nil
	})
}

func (a *API) checkEvents(in *eventsInput) (after uint64, err error) {
	if a.Bus == nil {
		return 0, errNoHost()
	}
	for _, name := range in.Scripts {
		if _, err := a.find(name); err != nil {
			return 0, err
		}
	}
	if err := checkKinds(in.Kinds); err != nil {
		return 0, err
	}
	if in.After == "" {
		return 0, nil
	}
	after, err = strconv.ParseUint(in.After, 10, 64)
	if err != nil {
		return 0, script.Errorf(script.CodeUsage, "Last-Event-ID %q is no number", in.After)
	}
	return after, nil
}

func checkKinds(kinds []string) error {
	known := script.Kinds()
	for _, kind := range kinds {
		if slices.Contains(known, kind) {
			continue
		}
		err := script.Errorf(script.CodeUsage, "no event is of kind %q", kind)
		if best := script.Suggest(kind, known); best != "" {
			return err.WithHint("did you mean %q?", best)
		}
		return err.WithHint("the kinds are %s", strings.Join(known, ", "))
	}
	return nil
}

func errNoHost() *script.Error {
	return script.Errorf(script.CodeHostDown, "no host is running").WithHint("start one with `mlhost run CONFIG`")
}

// stream writes what happened behind the given event, where one was given, and
// then what happens, until ctx ends.
func (a *API) stream(ctx context.Context, v *viewer, in *eventsInput, after uint64) error {
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.Header().Set("Cache-Control", "no-store")
	sub, err := a.subscribe(ctx, v, in, after)
	if err != nil {
		return err
	}
	defer sub.Close()
	if err := v.flush(); err != nil {
		return err
	}
	quiet := time.NewTicker(keepAlive)
	defer quiet.Stop()
	var release <-chan time.Time
	if v.thin != nil {
		ticker := time.NewTicker(time.Duration(in.Thin * float64(time.Second)))
		defer ticker.Stop()
		release = ticker.C
	}
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-quiet.C:
			sub.Mark()
		case <-release:
			if v.thin.holds() {
				if err = v.release(""); err == nil {
					err = v.flush()
				}
			}
		case e, ok := <-sub.C:
			if !ok {
				return nil
			}
			err = v.drain(e, sub.C)
		}
		if err != nil {
			return err
		}
	}
}

// subscribe begins a viewer's stream: anew, or behind an event. Between what
// it writes and what the subscription delivers nothing is missing.
func (a *API) subscribe(ctx context.Context, v *viewer, in *eventsInput, after uint64) (*bus.Subscription, error) {
	filter := bus.Filter{Scripts: in.Scripts, Kinds: in.Kinds, Logs: in.Logs}
	if in.After == "" {
		sub := a.Bus.Subscribe(filter, viewerSize)
		return sub, nil
	}
	if newest := a.Bus.Newest(); after > newest {
		v.last = newest
		if err := v.gap(v1.GapData{
			Code: v1.GapUnknown, Reason: fmt.Sprintf("this host has had no event %d yet: its state is another one", after), To: newest,
			Kinds: wanted(script.Kinds(), in.Kinds), Until: time.Now(),
		}); err != nil {
			return nil, err
		}
		after = newest
	}
	v.last = after
	for {
		page := a.Bus.Resume(filter, viewerSize, after)
		if page.Missed > 0 {
			if err := a.replay(ctx, v, in, after, page.Missed); err != nil {
				return nil, err
			}
			after = page.Missed
			continue
		}
		for _, e := range page.Events {
			if err := v.take(e); err != nil {
				return nil, closed(page.Live, err)
			}
		}
		after = page.Next
		v.last = max(v.last, after)
		if page.Live != nil {
			return page.Live, nil
		}
		if err := v.flush(); err != nil {
			return nil, err
		}
	}
}

func closed(sub *bus.Subscription, err error) error {
	if sub != nil {
		sub.Close()
	}
	return err
}

// wanted returns those of the kinds that a viewer has asked for; without any
// it has asked for all.
func wanted(kinds, asked []string) []string {
	out := []string{}
	for _, kind := range kinds {
		if len(asked) == 0 || slices.Contains(asked, kind) {
			out = append(out, kind)
		}
	}
	return out
}

// replay writes what the store has kept of the events behind one and up to
// another, and before it that the rest is missing.
func (a *API) replay(ctx context.Context, v *viewer, in *eventsInput, after, to uint64) error {
	if missing := wanted(store.Passing(), in.Kinds); len(missing) > 0 {
		since, err := a.Store.EventTime(ctx, after)
		if err != nil {
			return err
		}
		if err := v.gap(v1.GapData{
			Code: v1.GapPast, Reason: "this host does not remember it, as it was too long ago or before it was started: the runs have their samples and logs", From: after + 1, To: to,
			Kinds: missing, Since: v1.Time(since), Until: time.Now(),
		}); err != nil {
			return err
		}
	}
	for {
		events, err := a.Store.Events(ctx, store.EventRange{After: after, To: to, Scripts: in.Scripts, Kinds: in.Kinds, Limit: replayPage})
		if err != nil {
			return err
		}
		for _, e := range events {
			after = e.ID
			if err := v.write(e); err != nil {
				return err
			}
		}
		if len(events) < replayPage {
			v.last = max(v.last, to)
			return v.flush()
		}
	}
}

// gap writes that events are missing. It has the ID of the event before them:
// whoever is cut off behind it is told again.
func (v *viewer) gap(g v1.GapData) error {
	data, err := json.Marshal(g)
	if err != nil {
		return fmt.Errorf("write gap: %w", err)
	}
	return v.message(v1.Event{ID: v.last, Time: g.Until, Kind: v1.KindGap, Data: data})
}
