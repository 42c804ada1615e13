package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/bus"
	"github.com/mlhost/mlhost/host/registry"
	"github.com/mlhost/mlhost/shared/script"
)

const (
	viewerSize   = 4096             // events that may wait for one viewer
	keepAlive    = 15 * time.Second // a comment on a quiet stream, so that a dead viewer is noticed
	writeTimeout = 30 * time.Second // a viewer that takes nothing for so long is cut off
	replayPage   = 1000
)

type eventsInput struct {
	Script string   `query:"script" doc:"events of this script only"`
	Kinds  []string `query:"kind,explode" doc:"events of these kinds only"`
	After  string   `header:"Last-Event-ID" doc:"also those that were kept after the event of this id"`
}

// eventRoutes registers the event stream. Each of its messages has an event's
// id and kind, and a v1.Event as its data. A viewer that is too slow loses
// events and is told how many by one of kind "gap".
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
			v := &viewer{registry: a.Registry, w: w, control: http.NewResponseController(w), last: after}
			// What goes wrong here is that the viewer has gone, or the host goes.
			if err := a.stream(r.Context(), v, in, after); err != nil {
				a.Logger.Debug("event stream ended", "error", err)
			}
		}}, nil
	})
}

func (a *API) checkEvents(in *eventsInput) (after uint64, err error) {
	if a.Bus == nil {
		return 0, errNoHost()
	}
	if in.Script != "" {
		if _, err := a.find(in.Script); err != nil {
			return 0, err
		}
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

func errNoHost() *script.Error {
	return script.Errorf(script.CodeHostDown, "no host is running").WithHint("start one with `mlhost run CONFIG`")
}

// stream writes kept events after the given id, where one was given, and then
// what happens, until ctx ends. The subscription comes first, so that nothing
// is missed between the two.
func (a *API) stream(ctx context.Context, v *viewer, in *eventsInput, after uint64) error {
	sub := a.Bus.Subscribe(bus.Filter{Script: in.Script, Kinds: in.Kinds}, viewerSize)
	defer sub.Close()
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.Header().Set("Cache-Control", "no-store")
	if err := v.flush(); err != nil {
		return err
	}
	if in.After != "" {
		if err := a.replay(ctx, v, in, after); err != nil {
			return err
		}
	}
	quiet := time.NewTicker(keepAlive)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-quiet.C:
			if err := v.comment(); err != nil {
				return err
			}
		case e, ok := <-sub.C:
			if !ok {
				return nil
			}
			if err := v.drain(e, sub.C); err != nil {
				return err
			}
		}
	}
}

// replay writes what the store has kept after an event.
func (a *API) replay(ctx context.Context, v *viewer, in *eventsInput, after uint64) error {
	for {
		events, err := a.Store.Events(ctx, after, replayPage)
		if err != nil {
			return err
		}
		for _, e := range events {
			after = e.ID
			if in.Script != "" && e.Script != in.Script || len(in.Kinds) > 0 && !slices.Contains(in.Kinds, script.KindOf(e.Body)) {
				continue
			}
			if err := v.write(e); err != nil {
				return err
			}
		}
		if len(events) < replayPage {
			return v.flush()
		}
	}
}

// viewer writes events to one connection.
type viewer struct {
	registry *registry.Registry
	w        http.ResponseWriter
	control  *http.ResponseController
	last     uint64 // id of the newest event written
}

// drain writes e and whatever else is there already, then flushes once.
func (v *viewer) drain(e script.Event, more <-chan bus.Item) error {
	for {
		if e.ID == 0 || e.ID > v.last {
			if err := v.write(e); err != nil {
				return err
			}
		}
		select {
		case next, ok := <-more:
			if ok {
				e = next
				continue
			}
		default:
		}
		return v.flush()
	}
}

func (v *viewer) write(e script.Event) error {
	out, err := v1.FromEvent(Hide(v.registry.Script, e))
	if err != nil {
		return err
	}
	data, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("write event %d: %w", e.ID, err)
	}
	if err := v.deadline(); err != nil {
		return err
	}
	if e.ID > v.last {
		v.last = e.ID
	}
	_, err = fmt.Fprintf(v.w, "id: %d\nevent: %s\ndata: %s\n\n", v.last, out.Kind, data)
	return err
}

func (v *viewer) comment() error {
	if err := v.deadline(); err != nil {
		return err
	}
	if _, err := v.w.Write([]byte(": still here\n\n")); err != nil {
		return err
	}
	return v.control.Flush()
}

func (v *viewer) flush() error {
	if err := v.deadline(); err != nil {
		return err
	}
	return v.control.Flush()
}

func (v *viewer) deadline() error { return v.control.SetWriteDeadline(time.Now().Add(writeTimeout)) }
