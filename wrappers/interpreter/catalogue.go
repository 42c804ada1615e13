package interpreter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlhost/mlhost/shared/script"
)

// catalogued is a discovered parameter as the start line tells the shim of it.
type catalogued struct {
	Name       string            `json:"name"`
	Dest       string            `json:"dest,omitempty"`
	Type       script.Type       `json:"type"`
	Style      string            `json:"style"`
	File       string            `json:"file,omitempty"`
	Line       int               `json:"line"`
	Mutability script.Mutability `json:"mutability"`
	Constant   string            `json:"constant,omitempty"`
	Set        bool              `json:"set"`
}

// catalogue lists the discovered parameters, none but for Python scripts. Set
// are those that have a value of the configuration, or of a person.
func (r *run) catalogue() []catalogued {
	if r.launch.Profile != profilePython {
		return nil
	}
	var list []catalogued
	for _, p := range r.launch.Parameters {
		if !p.Discovered {
			continue
		}
		_, set := r.values[p.Spec.Name]
		list = append(list, catalogued{
			Name: p.Spec.Name, Dest: p.Dest, Type: p.Spec.Type, Style: p.Spec.Origin.Style, File: p.Spec.Origin.File, Line: p.Spec.Origin.Line,
			Mutability: p.Spec.Mutability, Constant: p.Constant, Set: set,
		})
	}
	return list
}

// dropDefaults takes out of the values those of discovered parameters that
// nobody gave: the script has its own.
func (r *run) dropDefaults() {
	given := r.session.Given()
	for _, p := range r.launch.Parameters {
		if _, ok := given[p.Spec.Name]; p.Discovered && !ok {
			delete(r.values, p.Spec.Name)
		}
	}
}

// meet compares what the script declares of a parameter with what reading it
// had found, and fills in what only the latter knows.
func (r *run) meet(spec *script.ParameterSpec, p *script.LaunchParameter) {
	if len(r.launch.Parameters) == 0 || spec.Origin.Style == "lines" {
		return
	}
	if p == nil || !p.Discovered {
		if p == nil && r.readStatically() && isParsed(spec.Origin.Style) {
			r.differences.add(spec.Name)
		}
		return
	}
	if spec.Origin.Line == 0 {
		spec.Origin = p.Spec.Origin
	}
	if spec.Doc == "" {
		spec.Doc = p.Spec.Doc
	}
	if spec.Default.IsNull() {
		spec.Default = fitType(spec.Type, p.Spec.Default)
	}
	if len(spec.Choices) == 0 && spec.Type == p.Spec.Type {
		spec.Choices = p.Spec.Choices
	}
}

// readStatically reports whether discovery found anything in the script.
func (r *run) readStatically() bool {
	return slices.ContainsFunc(r.launch.Parameters, func(p script.LaunchParameter) bool { return p.Discovered })
}

// isParsed reports whether parameters of the style come from a parser of the
// script's, which discovery should have seen: not what a library offers while
// it trains.
func isParsed(style string) bool {
	switch style {
	case "argparse", "click", "typer", "absl", "fire", "HfArgumentParser", "tyro", "simple_parsing", "jsonargparse", "hydra":
		return true
	}
	return false
}

// differences are the names that the script's real parser has and discovery
// had not found; people are told once, of all of a burst.
type differences struct {
	names []string
	told  bool
}

func (d *differences) add(name string) {
	if !d.told && !slices.Contains(d.names, name) {
		d.names = append(d.names, name)
	}
}

// tellDifferences warns of parameters that were not found by reading.
func (r *run) tellDifferences() {
	d := &r.differences
	if len(d.names) == 0 || d.told {
		return
	}
	d.told = true
	r.session.Emit(script.Warned{Text: fmt.Sprintf("the script's parser has parameters that reading it had not found: %s", listed(d.names))})
}

// forgetLine takes parameters back that discovery claimed.
type forgetLine struct {
	Names  []string
	Reason string
}

// forget removes from the description what the running script does not have,
// and says what became of values that were given for it.
func (r *run) forget(l forgetLine) {
	var names, used []string
	for _, name := range l.Names {
		r.mu.Lock()
		_, declared := r.declared[name]
		again := r.forgot[name]
		delete(r.declared, name)
		r.forgot[name] = true
		r.mu.Unlock()
		p := r.configured(name)
		if !declared && (p == nil || !p.Discovered || again) {
			continue
		}
		names = append(names, name)
		if _, ok := r.values[name]; ok {
			used = append(used, name)
		}
	}
	if len(names) == 0 {
		return
	}
	r.session.Retract(names...)
	r.tellNews()
	reason := l.Reason
	if reason == "" {
		reason = "the running script does not have it"
	}
	text := fmt.Sprintf("reading the script had found %s, but %s", listed(names), clipText(reason))
	if len(used) > 0 {
		text += fmt.Sprintf("; the values given for %s are not used by it", listed(used))
	}
	r.session.Emit(script.Warned{Text: text})
}

// listed joins names, and cuts a long list.
func listed(names []string) string {
	const most = 20
	if len(names) > most {
		return fmt.Sprintf("%s … (%d in all)", strings.Join(names[:most], ", "), len(names))
	}
	return strings.Join(names, ", ")
}

// passable tells why a value cannot be passed when the script starts again.
func (r *run) passable(p *script.LaunchParameter, v script.Value) error {
	if _, err := p.Passed(v); err != nil {
		return err
	}
	_, err := script.CommandsOf(r.launch.Args, r.launch.Parameters, r.values).End(p.Argument)
	return err
}

// Validate refuses values that no argument can carry to the script's next run.
// What the script has in use already needs none.
func (w *Wrapper) Validate(values map[string]script.Value) error {
	for _, p := range w.launch.Parameters {
		v, ok := values[p.Spec.Name]
		if !ok || v.IsNull() || !p.Discovered || p.Pass != "" || p.Env != "" || p.File != "" || v.Same(p.Spec.Default) || w.uses(p.Spec.Name, v) {
			continue
		}
		if _, err := p.Passed(v); err != nil {
			return fmt.Errorf("the parameter %s cannot be passed to the script: %w", p.Spec.Name, err)
		}
	}
	return nil
}

// uses reports whether the running script has said that it uses the value.
func (w *Wrapper) uses(name string, v script.Value) bool {
	select {
	case <-w.begun:
	default:
		return false
	}
	w.run.mu.Lock()
	defer w.run.mu.Unlock()
	used, ok := w.run.inUse[name]
	return ok && used.Same(v)
}
