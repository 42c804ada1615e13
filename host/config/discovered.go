package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/mlhost/mlhost/shared/script"
)

// IsRead reports whether the script is one that discovery reads.
func (s *Script) IsRead() bool {
	return s.Plugin == "" && s.Source != "" && s.Protocol == "" && s.Profile() == ProfilePython
}

// LaunchWith is Launch for a script that was read: what was found of it stands
// beside what is configured. found may be nil.
func (s *Script) LaunchWith(runDir string, found *script.Catalogue) script.Launch {
	l := s.Launch(runDir)
	if found == nil {
		return l
	}
	own := l.Parameters[:0]
	byName := map[string]script.LaunchParameter{}
	for i, p := range s.Parameters {
		known, ok := found.Parameter(p.Name)
		switch {
		case !ok:
			own = append(own, l.Parameters[i])
		case known.Env != "": // it has no place among the parameters
			own = append(own, p.launchAs(known, l.Parameters[i]))
		default:
			byName[p.Name] = p.launchAs(known, l.Parameters[i])
		}
	}
	l.Parameters = own
	for _, known := range found.Parameters {
		if joined, ok := byName[known.Spec.Name]; ok {
			known = joined
		}
		l.Parameters = append(l.Parameters, known)
	}
	return l
}

// launchAs joins what was found of a parameter with what the configuration
// says of it. A way in that the configuration names goes before the script's.
func (p *Parameter) launchAs(known, configured script.LaunchParameter) script.LaunchParameter {
	value, spec, _ := p.resolve(known.Spec) // Check reported what is wrong
	known.Spec, known.Set, known.At = spec, !value.IsNull(), configured.At
	known.Config = &configured.Spec
	if p.Pass != "" || p.Env != "" || p.File != "" {
		known.Pass, known.Env, known.File = p.Pass, p.Env, p.File
		known.Argument, known.Constant, known.Refused = nil, "", ""
	}
	return known
}

// Description is what is known of a script that was read before it has run.
func (s *Script) Description(found *script.Catalogue) script.Description {
	d := script.Description{Name: s.Name, Capabilities: []string{script.CapabilityDynamic, script.CapabilityLogs, script.CapabilityPause}}
	if found == nil {
		return d
	}
	for _, p := range found.Parameters {
		d.Parameters = append(d.Parameters, p.Spec)
	}
	for _, p := range s.Parameters {
		known, ok := found.Parameter(p.Name)
		if _, listed := d.Parameter(p.Name); ok && !listed {
			d.Parameters = append(d.Parameters, known.Spec) // an environment variable
		}
	}
	return d
}

// CheckFound reports what of the configured values a script that was read
// cannot take: names that were most likely meant otherwise, values that no
// argument can carry, and options that stand in args too.
func (s *Script) CheckFound(found *script.Catalogue) hcl.Diagnostics {
	if found == nil {
		return nil
	}
	var diags hcl.Diagnostics
	for _, p := range s.Parameters {
		known, ok := found.Parameter(p.Name)
		if !ok {
			diags = append(diags, s.checkUnfound(p, found)...)
			continue
		}
		value, spec, problems := p.resolve(known.Spec)
		if problems.HasErrors() || value.IsNull() || p.Pass != "" || p.Env != "" || p.File != "" {
			continue
		}
		known.Spec = spec
		if _, err := known.Passed(value); err != nil {
			diags = append(diags, fault(p.value.Range(), "Cannot be passed", "The parameter %q cannot be passed to the script: %s%s", p.Name, sentence(err.Error()), declaredAt(known.Spec)))
			continue
		}
		if _, err := s.commands(found).End(argumentOf(known)); err != nil {
			diags = append(diags, fault(p.value.Range(), "Cannot be passed",
				"The parameter %q cannot be passed to the script: %s Put the subcommand into args.%s", p.Name, sentence(err.Error()), declaredAt(known.Spec)))
			continue
		}
		diags = append(diags, s.checkPlace(p, known, found)...)
		diags = append(diags, s.checkArgs(p, known, found)...)
	}
	return diags
}

// commands are the words of subcommands that args and the configured
// parameters have.
func (s *Script) commands(found *script.Catalogue) script.Commands {
	values := map[string]script.Value{}
	for _, p := range s.Parameters {
		known, ok := found.Parameter(p.Name)
		if a := argumentOf(known); ok && a.Form == script.ArgCommand && p.Pass == "" && p.Env == "" && p.File == "" {
			values[p.Name], _, _ = p.resolve(known.Spec)
		}
	}
	return script.CommandsOf(s.Args, found.Parameters, values)
}

func argumentOf(p script.LaunchParameter) *script.Argument {
	if p.Argument == nil {
		return &script.Argument{}
	}
	return p.Argument
}

// checkUnfound warns of a name that reading the script did not find, and that
// is close to one that it did. The running script may register it all the same.
func (s *Script) checkUnfound(p *Parameter, found *script.Catalogue) hcl.Diagnostics {
	if p.Pass != "" || p.Env != "" || p.File != "" || p.value == nil {
		return nil
	}
	names := found.Names()
	best := script.Suggest(p.Name, names)
	if best == "" {
		return nil
	}
	return hcl.Diagnostics{warning(p.NameRange, "Parameter not found",
		"Reading %s found no parameter %q. Did you mean %q? The value is held until the running script registers the name.%s",
		filepath.Base(s.Source), p.Name, best, knownList("parameters", names))}
}

// checkPlace reports a positional argument that comes behind one without a
// value.
func (s *Script) checkPlace(p *Parameter, known script.LaunchParameter, found *script.Catalogue) hcl.Diagnostics {
	if known.Argument == nil || known.Argument.Form != script.ArgPosition || len(known.Argument.Commands) > 0 {
		return nil
	}
	var missing []string
	for _, before := range found.Parameters {
		a := before.Argument
		if a == nil || a.Form != script.ArgPosition || len(a.Commands) > 0 || a.Position >= known.Argument.Position {
			continue
		}
		if !slices.ContainsFunc(s.Parameters, func(p *Parameter) bool { return p.Name == before.Spec.Name && p.value != nil }) {
			missing = append(missing, before.Spec.Name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return hcl.Diagnostics{fault(p.value.Range(), "Cannot be passed",
		"The parameter %q is a positional argument, and those before it have no value: %s.%s", p.Name, strings.Join(missing, ", "), declaredAt(known.Spec))}
}

// declaredAt tells where a script that was read declares a parameter, "" where
// that is not known.
func declaredAt(spec script.ParameterSpec) string {
	o := spec.Origin
	if o.Line == 0 || o.Style == "config" {
		return ""
	}
	return fmt.Sprintf(" It is declared at %s:%d (%s).", shortPath(o.File), o.Line, o.Style)
}

// shortPath is the path below the current directory, where it is there.
func shortPath(path string) string {
	if dir, err := os.Getwd(); err == nil {
		if short, err := filepath.Rel(dir, path); err == nil && !strings.HasPrefix(short, "..") {
			return short
		}
	}
	return path
}
