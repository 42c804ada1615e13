package host

import (
	"context"
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/mlhost/mlhost/host/api"
	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/host/supervisor"
	"github.com/mlhost/mlhost/shared/script"
)

// reloadScript lets a script run with its program as it is now.
func (h *Host) reloadScript(ctx context.Context, c api.Command) (api.Outcome, error) {
	how, err := h.supervisor.Reload(ctx, c.Script, supervisor.ReloadOptions{Now: c.Now})
	out := h.outcomeOf(c.Script)
	out.Reloaded = string(how)
	if err == nil && how == supervisor.Restarted {
		var record map[string]script.Value
		if record, err = h.store.Record(ctx, out.Run); err == nil {
			out.Checkpoint = supervisor.CheckpointIn(record)
		}
	}
	return out, err
}

// holdParameters keeps a script's parameters as they are until unlock: while
// its process is being replaced nobody sets one.
func (h *Host) holdParameters(name string) (values func() (map[string]script.Value, uint64), unlock func()) {
	unlock = h.setting.lock(name)
	return func() (map[string]script.Value, uint64) {
		s, _ := h.registry.Script(name)
		out := make(map[string]script.Value, len(s.Parameters))
		for _, p := range s.Parameters {
			out[p.Spec.Name] = p.Value
		}
		return out, s.Revision
	}, unlock
}

// accepts reports whether the routes and the rules of the configuration go
// with a description that a script is about to have.
func (h *Host) accepts(name string, d script.Description) error {
	h.reloading.Lock()
	defer h.reloading.Unlock()
	known := map[string]script.Description{}
	for _, s := range h.registry.Snapshot() {
		if s.Described {
			known[s.Name] = s.Description
		}
	}
	before := map[string]bool{}
	for _, diag := range h.config.Load().Check(known) {
		before[diagnosticKey(diag)] = true
	}
	known[name] = d
	var found hcl.Diagnostics
	for _, diag := range h.config.Load().Check(known) {
		if diag.Severity == hcl.DiagError && !before[diagnosticKey(diag)] {
			found = append(found, diag)
		}
	}
	if found.HasErrors() {
		return config.Error(found)
	}
	return nil
}

func diagnosticKey(d *hcl.Diagnostic) string {
	at := ""
	if d.Subject != nil {
		at = d.Subject.String()
	}
	return fmt.Sprintf("%s %s: %s", at, d.Summary, d.Detail)
}
