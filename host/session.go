package host

import (
	"context"

	"github.com/mlhost/mlhost/host/api"
	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/host/registry"
	"github.com/mlhost/mlhost/host/store"
	"github.com/mlhost/mlhost/host/supervisor"
	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// beginSession begins a session, or continues the one that a host before this
// one left open: ended scripts stay ended then, and set values stay set.
func (h *Host) beginSession(ctx context.Context) error {
	_, open, err := h.store.OpenSession(ctx)
	if err != nil {
		return err
	}
	if !open {
		if _, err := h.store.BeginSession(ctx); err != nil {
			return err
		}
	}
	for _, s := range h.config.Load().Scripts {
		h.define(s, nil)
		if err := h.supervisor.Add(s); err != nil {
			return err
		}
	}
	h.reader.add(h.config.Load().Scripts)
	if !open {
		return h.beginConfig(ctx, false)
	}
	known, err := h.store.Scripts(ctx)
	if err != nil {
		return err
	}
	if err := h.loseHands(ctx, known); err != nil {
		return err
	}
	for _, s := range known {
		if _, ok := h.config.Load().Script(s.Name); ok {
			if err := h.restore(ctx, s); err != nil {
				return err
			}
		}
	}
	return h.beginConfig(ctx, true)
}

// restore makes true again what the store last knew of a script. One that had
// ended is not started by itself, and one that still runs goes on.
func (h *Host) restore(ctx context.Context, s store.Script) error {
	now, err := api.Restored(ctx, h.store, s)
	if err != nil {
		return err
	}
	h.registry.Restore(now)
	return h.supervisor.Recall(s.Name, now.Run, s.State, s.Reason)
}

// learn takes in what reading a script found, unless its configuration is
// another one by now.
func (h *Host) learn(s *config.Script, found *script.Catalogue) {
	h.reloading.Lock()
	defer h.reloading.Unlock()
	if now, ok := h.config.Load().Script(s.Name); ok && now == s {
		h.define(s, found)
	}
}

// define makes a configured script known before it has said anything: by what
// reading it found, where that is known.
func (h *Host) define(s *config.Script, found *script.Catalogue) {
	plugin := s.Plugin
	if plugin == "" {
		plugin = "interpreter"
	}
	// What a script that is not described yet will declare is open.
	open := script.Description{Name: s.Name, Capabilities: []string{script.CapabilityDynamic}}
	values, specs, _ := s.Resolve(open) // mistakes were shown when the config was loaded
	info := registry.Info{Managed: true, Plugin: plugin, SHA256: s.SHA256, Specs: specs, Values: values}
	if found != nil {
		d := s.Description(found)
		info.Values, d.Parameters, _ = s.Resolve(d)
		info.Description = &d
	}
	h.registry.Define(s.Name, info)
}

// claimRoutes makes routes the owners of the parameters that they move, but
// for those that a person took in this session.
func (h *Host) claimRoutes(ctx context.Context) error {
	for _, r := range h.config.Load().Routes {
		if !r.Enabled {
			continue
		}
		s, _ := h.registry.Script(r.To.Script)
		if owner := s.Owners[r.To.Parameter]; owner != "" {
			continue
		}
		claim := h.event(r.To.Script, script.OwnerChanged{Name: r.To.Parameter, Owner: "route:" + r.Name})
		if err := h.Emit(ctx, claim); err != nil {
			return err
		}
	}
	return nil
}

// serveLink carries the messages of one script's process.
func (h *Host) serveLink(ctx context.Context, p *supervisor.Process, link wire.Link) error {
	return h.router.Serve(ctx, p.Name(), link)
}
