package api

import (
	"context"
	"errors"
	"maps"

	"github.com/mlhost/mlhost/host/registry"
	"github.com/mlhost/mlhost/host/store"
	"github.com/mlhost/mlhost/shared/script"
)

// Record answers what can be read from the store of a host that does not run:
// the same API, with the last known of everything. What would need the host is
// refused with code host_not_running.
type Record struct {
	*API
}

// OpenRecord opens the store of the host in dir for reading. Options need no
// more than the host's name and our version.
func OpenRecord(ctx context.Context, dir string, o Options) (*Record, error) {
	kept, err := store.OpenReadOnly(dir)
	if err != nil {
		return nil, err
	}
	o.Store, o.Bus, o.Registry = kept, nil, registry.New()
	o.Send = func(context.Context, script.Message) (script.Reply, error) { return script.Reply{}, errNoHost() }
	o.Do = func(context.Context, Command) (Outcome, error) { return Outcome{}, errNoHost() }
	scripts, err := kept.Scripts(ctx)
	for _, s := range scripts {
		if err != nil {
			break
		}
		var known registry.Script
		known, err = Restored(ctx, kept, s)
		if known.State.Live() {
			known.Reason = "when last heard of; no host is running"
		}
		o.Registry.Define(known.Name, registry.Info{Managed: true})
		o.Registry.Restore(known)
	}
	if err != nil {
		return nil, errors.Join(err, kept.Close())
	}
	return &Record{API: New(o)}, nil
}

// Close closes the store.
func (r *Record) Close() error { return r.Store.Close() }

// Restored returns what the store knew of a script when its host went down, in
// the form in which the registry takes it back.
func Restored(ctx context.Context, kept *store.Store, s store.Script) (registry.Script, error) {
	out := registry.Script{
		Name: s.Name, State: s.State, Reason: s.Reason, Managed: true, PID: s.PID, PluginPID: s.PluginPID, Step: -1,
		Described: s.Described, Description: s.Description, Revision: s.Revision, Owners: s.Owners,
	}
	used := map[string]script.Value{}
	if s.Last != nil {
		if err := addRun(ctx, kept, &out, s.Last, used); err != nil {
			return out, err
		}
	}
	for _, spec := range s.Description.Parameters {
		p := registry.Parameter{Spec: spec, Value: spec.Default, Owner: s.Owners[spec.Name]}
		if v, ok := used[spec.Name]; ok {
			p.Value = v
		}
		if v, ok := s.Values[spec.Name]; ok && !v.Equal(p.Value) {
			if p.Next = &v; s.State.Ended() { // as the registry of a host that runs has it
				p.Value, p.Next = v, nil
			}
		}
		out.Parameters = append(out.Parameters, p)
	}
	return out, nil
}

// addRun adds what is known of the script's last run; used gets the values
// that its parameters had in the end.
func addRun(ctx context.Context, kept *store.Store, out *registry.Script, run *store.Run, used map[string]script.Value) error {
	out.Run, out.Started, out.Finished, out.ExitCode = run.ID, run.Started, run.Finished, run.ExitCode
	out.Restarts, out.Step, out.Plugin, out.SHA256 = run.Attempt, run.Step, run.Plugin, run.SHA256
	maps.Copy(used, run.Parameters)
	changes, err := kept.Changes(ctx, run.ID)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if c.Status == script.NeedsRestart {
			continue
		}
		out.Revision = max(out.Revision, c.Revision)
		if c.Status != script.Pending || c.Step >= 0 && c.Step <= run.Step { // the others wait
			used[c.Name] = c.New
		}
	}
	variables, err := kept.Variables(ctx, run.ID)
	if err != nil {
		return err
	}
	for _, v := range variables {
		out.Variables = append(out.Variables, registry.Variable{
			Name: v.Name, Type: v.Type, Value: v.Last.Value, Step: v.Last.Step, Time: v.Last.Time, ReadOnly: v.ReadOnly,
		})
	}
	results, err := kept.Results(ctx, run.ID)
	for _, r := range results {
		out.Results = append(out.Results, registry.Result(r))
	}
	return err
}
