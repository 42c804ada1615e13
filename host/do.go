package host

import (
	"bytes"
	"context"
	"io"
	"os"
	"slices"

	"github.com/mlhost/mlhost/host/api"
	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/host/router"
	"github.com/mlhost/mlhost/shared/script"
)

// Do carries out one of the operator's verbs.
func (h *Host) Do(ctx context.Context, c api.Command) (api.Outcome, error) {
	switch c.Verb {
	case api.Down:
		if c.Hurry {
			h.Hurry()
		}
		h.Down()
		return api.Outcome{}, nil
	case api.Scan:
		err := h.scan(ctx)
		return api.Outcome{Scripts: h.registry.Names()}, err
	}
	if err := h.known(c.Script); err != nil {
		return api.Outcome{}, err
	}
	if _, ok := h.hand(c.Script); ok && c.Verb == api.Reload {
		return api.Outcome{}, script.Errorf(script.CodeRejected, "script %q was started by hand: it is not reloaded", c.Script)
	}
	if c.Verb == api.Reload {
		return h.reloadScript(ctx, c)
	}
	if c.Verb == api.Release {
		return h.outcomeOf(c.Script), h.release(ctx, c)
	}
	if s, ok := h.hand(c.Script); ok {
		if err := h.doHand(ctx, s, c); err != nil || c.Verb != api.Stop {
			return h.outcomeOf(c.Script), err
		}
		return api.Outcome{State: script.Stopped, Run: s.Run()}, nil
	}
	err := h.doProcess(ctx, c)
	return h.outcomeOf(c.Script), err
}

// doProcess carries out a verb about a script's process.
func (h *Host) doProcess(ctx context.Context, c api.Command) error {
	switch c.Verb {
	case api.Start:
		return h.supervisor.StartWith(ctx, c.Script, h.extraArgs(c)...)
	case api.Stop:
		return h.supervisor.Stop(ctx, c.Script)
	case api.Pause:
		return h.supervisor.Pause(ctx, c.Script)
	case api.Resume:
		return h.supervisor.Resume(ctx, c.Script)
	case api.Restart:
		return h.supervisor.Restart(ctx, c.Script)
	default:
		return script.Errorf(script.CodeUsage, "there is no verb %q", c.Verb)
	}
}

func (h *Host) outcomeOf(name string) api.Outcome {
	s, _ := h.registry.Script(name)
	return api.Outcome{State: s.State, Run: s.Run, PID: s.PID}
}

// known tests that there is a script of the name.
func (h *Host) known(name string) error {
	if _, ok := h.registry.Brief(name); ok {
		return nil
	}
	return h.registry.Unknown(name)
}

// release gives a parameter that a person took back to the route that moves
// it, or to the script itself.
func (h *Host) release(ctx context.Context, c api.Command) error {
	s, _ := h.registry.Script(c.Script)
	p, ok := s.Parameter(c.Parameter)
	if !ok {
		names := make([]string, 0, len(s.Parameters))
		for _, p := range s.Parameters {
			names = append(names, p.Spec.Name)
		}
		err := script.Errorf(script.CodeNotFound, "script %q has no parameter %q", c.Script, c.Parameter)
		err.Hint = script.SuggestAmong(c.Parameter, names)
		return err
	}
	owner := h.routeOwner(c.Script, c.Parameter)
	if p.Owner != owner {
		if err := h.Emit(ctx, h.event(c.Script, script.OwnerChanged{Name: c.Parameter, Owner: owner})); err != nil {
			return err
		}
	}
	if owner != "" || !s.State.Live() {
		return nil
	}
	return h.giveBack(ctx, c)
}

// giveBack has a script that runs take back what was laid over a parameter of
// its own.
func (h *Host) giveBack(ctx context.Context, c api.Command) error {
	defer h.setting.lock(c.Script)()
	m := script.Message{Target: c.Script, Batch: &script.Batch{ID: router.NewID(), Author: c.Author, Release: []string{c.Parameter}}}
	reply, err := h.setOn(ctx, c.Script, *m.Batch)
	if err != nil {
		return err
	}
	if reply.Rejected() {
		return rejection(c.Script, reply.Outcomes)
	}
	if len(reply.Outcomes) == 0 {
		return nil
	}
	return h.recordSet(ctx, m, reply)
}

// routeOwner names the route that moves the parameter, "" if there is none.
func (h *Host) routeOwner(name, parameter string) string {
	for _, r := range h.config.Load().Routes {
		if r.Enabled && r.To.Script == name && r.To.Parameter == parameter {
			return "route:" + r.Name
		}
	}
	return ""
}

// connectorVerb carries out a verb that came by the connector protocol.
func (h *Host) connectorVerb(ctx context.Context, verb, name, author string) error {
	_, err := h.Do(ctx, api.Command{Verb: api.Verb(verb), Script: name, Author: author})
	return err
}

// withConnector is the argument by which a script of the original Python API
// is told to speak with a host.
const withConnector = "--with-connector"

// execute starts a script for a client of the connector protocol.
func (h *Host) execute(ctx context.Context, name, author string, connected bool) error {
	_, err := h.Do(ctx, api.Command{Verb: api.Start, Script: name, Author: author, WithConnector: connected})
	return err
}

// extraArgs are what a start adds to a script's configured arguments.
func (h *Host) extraArgs(c api.Command) []string {
	s, ok := h.config.Load().Script(c.Script)
	if !ok || !c.WithConnector || !usesInterface(s) || slices.Contains(s.Args, withConnector) {
		return nil
	}
	return []string{withConnector}
}

// usesInterface reports whether a script is one of the original Python API, so
// that it knows the argument: its source names the module. A script that
// cannot be read is none.
func usesInterface(s *config.Script) bool {
	if s.Source == "" {
		return false
	}
	f, err := os.Open(s.Source)
	if err != nil {
		return false
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1<<20))
	return err == nil && bytes.Contains(text, []byte("script_interface"))
}

// command answers a request that a script makes to the host itself.
func (h *Host) command(ctx context.Context, m script.Message) (script.Reply, error) {
	switch m.Topic {
	case "connector":
		if fields, _ := m.Data.Map(); fields["command"].Equal(script.String("connector_address")) {
			return script.Reply{ID: m.ID, Value: h.connectorAddress()}, nil
		}
		return script.Reply{ID: m.ID, Value: h.connector.Handle(ctx, m.Source, m.Data)}, nil
	default:
		return script.Reply{}, script.Errorf(script.CodeNoAnswerer, "the host does not answer %q", m.Topic)
	}
}
