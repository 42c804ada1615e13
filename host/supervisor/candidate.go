package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// successor makes a Process that may take over the run of p. It has no process
// of the machine yet.
func (p *Process) successor() (*Process, error) {
	next := newProcess(p.unit)
	next.traffic, next.done = p.traffic, p.done
	next.run, next.home, next.logger = p.run, p.home, p.logger
	next.began = p.began
	next.instance = instance{
		Run: p.run, Script: p.name, BootID: p.instance.BootID, Launched: p.s.clock.Now(), Generation: max(p.instance.Generation, 1),
	}
	for {
		next.instance.Generation++
		next.dir = next.instance.processDir(p.home)
		err := makeRunDir(next.dir)
		if err == nil {
			return next, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
}

// launchBeside starts a program beside p, which goes on, and finds out what it
// takes. On an error nothing of it is left.
func (p *Process) launchBeside(ctx context.Context, program program) (*Process, error) {
	next, err := p.successor()
	if err != nil {
		return nil, err
	}
	next.program = program
	next.program.command.mark, next.program.command.runDir = next.instance.mark(), next.dir
	if err := next.appear(ctx, p); err != nil {
		return nil, joined(err, next.vanish())
	}
	return next, nil
}

// appear launches the process and lets it describe itself. The record of p
// names it from before its launch on.
func (p *Process) appear(ctx context.Context, of *Process) error {
	if err := of.proposes(p); err != nil {
		return err
	}
	if err := p.connect(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, p.s.options.StartTimeout)
	defer cancel()
	d, err := p.describe(ctx)
	if err != nil {
		return p.explain("describe itself", err)
	}
	p.plain, p.described = d, d
	p.record()
	return of.proposes(p)
}

// proposes notes next in p's record as a process that may take over, nil for
// none.
func (p *Process) proposes(next *Process) error {
	p.traffic.records.Lock()
	defer p.traffic.records.Unlock()
	if p.traffic.over {
		if next == nil {
			return nil
		}
		return script.Errorf(script.CodeUnavailable, "the run ended meanwhile")
	}
	p.instance.Candidate = nil
	if next != nil {
		in := next.instance
		p.instance.Candidate = &in
	}
	return writeInstance(p.home, p.instance, false)
}

// vanish ends a process that did not take over from p, with all its files.
func (p *Process) vanish() error {
	var err error
	if p.conn != nil {
		err = p.conn.Close()
	}
	if p.child != nil {
		err = errors.Join(err, p.child.kill())
	}
	if e := os.RemoveAll(p.dir); e != nil {
		err = errors.Join(err, fmt.Errorf("remove the directory of a process: %w", e))
	}
	return err
}

// fits decides whether next could take over from p with the values given.
func (p *Process) fits(ctx context.Context, next *Process, values map[string]script.Value) error {
	was, is := p.Description(), next.plain
	if was.Name != "" && is.Name != "" && was.Name != is.Name {
		return script.Errorf(script.CodeRejected, "it is another script: it calls itself %q, and the one that runs %q", is.Name, was.Name)
	}
	_, specs, diags := p.config().Resolve(is)
	if err := config.Error(diags); err != nil {
		return err
	}
	next.described.Parameters = specs
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if _, err := next.fit(name, values[name]); err != nil {
			return script.Errorf(script.CodeRejected, "%s is set to %s, and does not fit: %s", name, values[name], err)
		}
	}
	if err := takesState(was, is); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, p.s.options.CallTimeout)
	defer cancel()
	return next.validate(ctx, values)
}

// fitsWaiting decides whether the process could take the changes that wait for
// a later step of the script.
func (p *Process) fitsWaiting(changes []wire.Waiting) error {
	for _, c := range changes {
		if _, err := p.fit(c.Name, c.Value); err != nil {
			return script.Errorf(script.CodeRejected, "%s is to be %s at step %d, and that does not fit: %s", c.Name, c.Value, c.Step, err)
		}
	}
	return nil
}

// takesState reports whether a script can go on from the checkpoint of
// another build of it.
func takesState(was, is script.Description) error {
	if !is.Has(script.CapabilityCheckpoint) {
		return script.Errorf(script.CodeRejected, "it takes no checkpoints, and the one that runs makes them").
			WithHint("`mlhost reload --now` ends the run and starts a new one")
	}
	if was.State == nil && is.State == nil {
		return nil
	}
	form := func(s *script.StateSchema) string {
		if s == nil {
			return "that is not named"
		}
		return fmt.Sprintf("%s version %d", s.Name, s.Version)
	}
	compatible := was.State != nil && is.State != nil && was.State.Name == is.State.Name &&
		(was.State.Version == is.State.Version || slices.Contains(is.State.CanRestoreFrom, was.State.Version))
	if compatible {
		return nil
	}
	err := script.Errorf(script.CodeRejected, "it cannot restore a state of the form %s; its own is %s", form(was.State), form(is.State))
	return err.WithHint("list the version in CanRestoreFrom when Restore can read it, or use `mlhost reload --now`")
}

// difference names the parameters in which two builds of a plugin differ.
func difference(was, is []script.ParameterSpec) string {
	old := map[string]script.ParameterSpec{}
	for _, s := range was {
		old[s.Name] = s
	}
	var parts []string
	for _, s := range is {
		before, known := old[s.Name]
		delete(old, s.Name)
		switch {
		case !known:
			parts = append(parts, "+ "+s.Name)
		case before.Type != s.Type:
			parts = append(parts, fmt.Sprintf("~ %s %s → %s", s.Name, before.Type, s.Type))
		case !sameBounds(before, s):
			parts = append(parts, "~ "+s.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		parts = append(parts, "- "+name)
	}
	return strings.Join(parts, ", ")
}

func sameBounds(a, b script.ParameterSpec) bool {
	return a.Min.Equal(b.Min) && a.Max.Equal(b.Max) && a.Step.Equal(b.Step) && a.Default.Equal(b.Default) &&
		a.Mutability == b.Mutability && slices.EqualFunc(a.Choices, b.Choices, script.Value.Equal)
}

// present returns the values that are in use, but for those that are just the
// defaults: another build may have others.
func (p *Process) present(values map[string]script.Value) map[string]script.Value {
	out := map[string]script.Value{}
	d := p.Description()
	for name, v := range values {
		spec, declared := d.Parameter(name)
		if _, given := p.values[name]; given || declared && !v.Equal(spec.Default) {
			out[name] = v
		}
	}
	return out
}

// sameProgram is what executes the binary that p runs, though another one may
// have taken the place of the original.
func (p *Process) sameProgram() (program, error) {
	same := p.program
	if same.command.path == "" { // an earlier host has started it
		same = pluginProgram(p.config())
		same.sum = p.program.sum
	}
	if p.s.binaries.dir != "" {
		same.command.path = filepath.Join(p.s.binaries.dir, same.sum)
	}
	if !fileExists(same.command.path) {
		return same, script.Errorf(script.CodeNotFound, "the copy of its binary, %s, is gone", same.command.path)
	}
	return same, nil
}
