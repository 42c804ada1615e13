package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/host/router"
	"github.com/mlhost/mlhost/shared/script"
)

// outlineFile remembers, in the host's directory, the configuration that it
// carries out: a host that is started again does what has changed meanwhile.
const outlineFile = "config.json"

// configAuthor sets parameters whose values the configuration has changed.
const configAuthor = "config"

// reloadState is what is true of the configuration besides its content.
type reloadState struct {
	// Guarded by Host.reloading.
	applied config.Outline    // what is carried out
	late    config.Plan       // what a host before this one had not done, and what needs its scripts
	runs    map[string]string // those scripts' runs

	mu     sync.Mutex
	status v1.ConfigStatus
}

// Plan tells what carrying out another configuration would do: to, or, where
// it is nil, the host's own as its files are now.
func (h *Host) Plan(ctx context.Context, to *config.Outline) (config.Plan, error) {
	h.reloading.Lock()
	defer h.reloading.Unlock()
	if to == nil {
		c, err := h.load()
		if err != nil {
			return config.Plan{}, err
		}
		o := c.Outline()
		to = &o
	}
	return config.Compare(h.reload.applied, *to, h.situation), nil
}

// Reload carries out the configuration as its files are now, and returns what
// was done. A configuration that is not right changes nothing.
func (h *Host) Reload(ctx context.Context) (config.Plan, error) {
	return h.reloadConfig(ctx, func(config.Change) bool { return true })
}

// reloadConfig carries out the part of the plan that may picks; the rest is
// kept for later and shown.
func (h *Host) reloadConfig(ctx context.Context, may func(config.Change) bool) (config.Plan, error) {
	h.reloading.Lock()
	defer h.reloading.Unlock()
	c, err := h.load()
	h.noteProblem(err)
	if err != nil {
		return config.Plan{}, err
	}
	to := c.Outline()
	plan := config.Compare(h.reload.applied, to, h.situation)
	return h.carryOut(ctx, c, to, plan, may)
}

// load reads the configuration and checks it against what is known of scripts.
func (h *Host) load() (*config.Config, error) {
	if h.options.Load == nil {
		return nil, script.Errorf(script.CodeRejected, "this host has no configuration that could be read again")
	}
	c, diags := h.options.Load()
	if diags.HasErrors() {
		return nil, config.Error(diags)
	}
	known := map[string]script.Description{}
	for _, s := range h.registry.Snapshot() {
		now, ok := c.Script(s.Name)
		before, was := h.config.Load().Script(s.Name)
		if ok && was && s.Described && now.Plugin == before.Plugin && now.Source == before.Source {
			known[s.Name] = s.Description
		}
	}
	return c, config.Error(append(c.Check(known), h.missingFiles(c)...))
}

// missingFiles tells of programs and files that a script is newly said to
// need and that are not there. What has vanished since it was taken up harms
// nothing but its next start.
func (h *Host) missingFiles(c *config.Config) (diags hcl.Diagnostics) {
	carried := h.config.Load()
	for _, s := range c.Scripts {
		if old, was := carried.Script(s.Name); !was || !s.SameFiles(old) {
			diags = append(diags, s.CheckFiles()...)
		}
	}
	return diags
}

// situation tells a plan how a script is now.
func (h *Host) situation(name string) config.Situation {
	s, _ := h.registry.Script(name)
	return config.Situation{
		Live: s.State.Live() || s.State == script.Backoff || s.State == script.Waiting,
		Mutability: func(parameter string) script.Mutability {
			p, _ := s.Parameter(parameter)
			return p.Spec.Mutability
		},
		Owner: func(parameter string) string { return s.Owners[parameter] },
	}
}

// carryOut does what may picks of a plan. What cannot be done is in the error,
// and stays to be done. h.reloading is held.
func (h *Host) carryOut(ctx context.Context, c *config.Config, to config.Outline, plan config.Plan, may func(config.Change) bool) (config.Plan, error) {
	ctx = context.WithoutCancel(ctx) // half a reload is worse than a late one
	before := h.config.Load()
	var done config.Plan
	var pending []string
	var errs []error
	for _, change := range plan.Changes {
		if change.Kind == config.KindScript && !may(change) {
			h.postpone(before, c, &to, change)
			pending = append(pending, change.Name)
			continue
		}
		done.Changes = append(done.Changes, change)
	}
	var sets, starts []config.Change
	for _, change := range done.Changes {
		if change.Kind != config.KindScript {
			continue
		}
		if err := h.changeScript(ctx, c, change); err != nil {
			errs = append(errs, err)
			h.postpone(before, c, &to, change)
			continue
		}
		if change.Action == config.Replace {
			starts = append(starts, change)
		}
		if change.Action == config.Update || change.Action == config.Replace {
			sets = append(sets, change)
		}
	}
	h.config.Store(c) // from here on others read c, which is not changed any more
	select {
	case h.refolder <- struct{}{}:
	default: // it is told already
	}
	h.router.Configure(c, func(route string) bool { return h.reload.applied.Routes[route].Equal(to.Routes[route]) })
	h.notifier.Configure(c.Notifies)
	h.changeHost(c, to, plan)
	errs = append(errs, h.reclaimRoutes(ctx))
	for _, change := range sets {
		if err := h.setConfigured(ctx, change); err != nil {
			errs = append(errs, err)
			keepValues(to.Scripts[change.Name], change)
		}
	}
	for _, change := range starts {
		errs = append(errs, h.supervisor.Start(ctx, change.Name))
	}
	errs = append(errs, h.remember(to))
	h.notePending(pending)
	err := errors.Join(errs...)
	h.noteRefused(err)
	return done, err
}

// changeHost carries out what counts at once of the host's own settings. The
// others are left in to as they are, so that the next plan has them again.
func (h *Host) changeHost(c *config.Config, to config.Outline, plan config.Plan) {
	var waiting []string
	for _, change := range plan.Changes {
		if change.Kind != config.KindHost {
			continue
		}
		for _, a := range change.Attributes {
			switch {
			case a.Effect == config.EffectHostRestart:
				waiting = append(waiting, a.Path)
				if to.Host[a.Path] = a.Old; a.Old.IsNull() {
					delete(to.Host, a.Path)
				}
			case a.Path == "connector.auth":
				h.ports.server.SetAuth(c.Connector.Auth)
			case strings.HasPrefix(a.Path, "host.keep_"):
				select {
				case h.retidy <- struct{}{}:
				default: // it is told already
				}
			}
		}
	}
	h.noteWaiting(waiting)
}

// keepValues notes that a script's values are still those from before the
// change, so that the next plan has them again.
func keepValues(a config.Attributes, change config.Change) {
	for _, c := range change.Attributes {
		switch {
		case !strings.HasPrefix(c.Path, "parameters."):
		case c.Old.IsNull():
			delete(a, c.Path)
		default:
			a[c.Path] = c.Old
		}
	}
}

// postpone leaves a script as it is carried out now.
func (h *Host) postpone(before, c *config.Config, to *config.Outline, change config.Change) {
	old, had := before.Script(change.Name)
	c.Scripts = slices.DeleteFunc(c.Scripts, func(s *config.Script) bool { return s.Name == change.Name })
	delete(to.Scripts, change.Name)
	if had {
		c.Scripts = append(c.Scripts, old)
		to.Scripts[change.Name] = h.reload.applied.Scripts[change.Name]
	}
}

// changeScript makes what a change wants of the supervisor and the registry;
// a run that is to be replaced has ended then.
func (h *Host) changeScript(ctx context.Context, c *config.Config, change config.Change) error {
	conf, _ := c.Script(change.Name)
	switch change.Action {
	case config.Create:
		h.define(conf, nil)
		h.reader.add([]*config.Script{conf})
		return h.supervisor.Add(conf)
	case config.Delete:
		if err := h.supervisor.Remove(ctx, change.Name); err != nil {
			return err
		}
		h.registry.Remove(change.Name)
		return nil
	case config.Replace:
		if err := h.supervisor.Stop(ctx, change.Name); err != nil {
			return err
		}
	}
	if err := h.supervisor.Configure(conf); err != nil {
		return err
	}
	h.define(conf, nil)
	h.reader.add([]*config.Script{conf})
	return nil
}

// setConfigured sets the parameters of a script whose configured values have
// changed.
func (h *Host) setConfigured(ctx context.Context, change config.Change) error {
	values := map[string]script.Value{}
	for _, a := range change.Attributes {
		if name, ok := strings.CutPrefix(a.Path, "parameters."); ok && !a.New.IsNull() && a.Effect != config.EffectNextRun {
			values[name] = a.New
		}
	}
	if len(values) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, setTimeout)
	defer cancel()
	_, err := h.Send(ctx, script.Message{
		ID: router.NewID(), Kind: script.SetParameter, Source: configAuthor, Target: change.Name, Time: time.Now(),
		Batch: &script.Batch{Values: values, Author: configAuthor},
	})
	if err != nil {
		return fmt.Errorf("set the parameters of %s that the configuration has changed: %w", change.Name, err)
	}
	return nil
}

// setTimeout is how long a script may take to accept configured values.
const setTimeout = 30 * time.Second

// reclaimRoutes gives parameters to the routes that move them now, and takes
// them from routes that are gone.
func (h *Host) reclaimRoutes(ctx context.Context) error {
	routes := map[string]bool{}
	for _, r := range h.config.Load().Routes {
		if r.Enabled {
			routes["route:"+r.Name] = true
		}
	}
	for _, s := range h.registry.Snapshot() {
		for name, owner := range s.Owners {
			if !strings.HasPrefix(owner, "route:") || routes[owner] && h.routeOwner(s.Name, name) == owner {
				continue
			}
			if err := h.Emit(ctx, h.event(s.Name, script.OwnerChanged{Name: name})); err != nil {
				return err
			}
		}
	}
	return h.claimRoutes(ctx)
}

// beginConfig compares the configuration with what a host before this one
// carried out, and does what needs no running script.
func (h *Host) beginConfig(ctx context.Context, resumes bool) error {
	h.reloading.Lock()
	defer h.reloading.Unlock()
	now := h.config.Load().Outline()
	earlier, known := h.remembered()
	h.reload.applied, h.reload.runs = now, map[string]string{}
	if !resumes || !known {
		return h.remember(now)
	}
	for _, change := range config.Compare(earlier, now, h.situation).Changes {
		if change.Kind != config.KindScript || change.Action == config.Create || change.Action == config.Delete {
			continue // the sweep stops what is gone
		}
		if s, _ := h.registry.Script(change.Name); s.State.Live() {
			h.reload.late.Changes = append(h.reload.late.Changes, change)
			h.reload.runs[change.Name] = s.Run
		} else if err := h.setConfigured(ctx, change); err != nil {
			h.logger.Warn("configuration", "error", err)
		}
	}
	return nil
}

// catchUp does the rest for scripts that have been taken over: what fits them
// counts now, and those that must be started anew are.
func (h *Host) catchUp(ctx context.Context) error {
	h.reloading.Lock()
	defer h.reloading.Unlock()
	var errs []error
	for _, change := range h.reload.late.Changes {
		if s, _ := h.registry.Script(change.Name); !s.State.Live() || s.Run != h.reload.runs[change.Name] {
			continue // it has ended, and what begins now begins with the present configuration
		}
		if change.Action == config.Replace {
			errs = append(errs, h.supervisor.Stop(ctx, change.Name))
		}
		errs = append(errs, h.setConfigured(ctx, change))
		if change.Action == config.Replace {
			errs = append(errs, h.supervisor.Start(ctx, change.Name))
		}
	}
	h.reload.late = config.Plan{}
	return errors.Join(append(errs, h.remember(h.reload.applied))...)
}

// remember keeps what is carried out now.
func (h *Host) remember(o config.Outline) error {
	h.reload.applied = o
	data, err := json.MarshalIndent(o, "", " ")
	if err != nil {
		return fmt.Errorf("remember configuration: %w", err)
	}
	path := filepath.Join(h.dir, outlineFile)
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return fmt.Errorf("remember configuration: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("remember configuration: %w", err)
	}
	return nil
}

// remembered returns what a host before this one carried out; false where that
// is not known.
func (h *Host) remembered() (config.Outline, bool) {
	var o config.Outline
	data, err := os.ReadFile(filepath.Join(h.dir, outlineFile))
	if err == nil {
		err = json.Unmarshal(data, &o)
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			h.logger.Warn("what the host before this one carried out is not known", "error", err)
		}
		return config.Outline{}, false
	}
	return o, true
}
