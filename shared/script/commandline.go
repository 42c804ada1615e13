package script

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// CommandLine is what parameters add to a script's command line and to its
// environment.
type CommandLine struct {
	Before []string // positional arguments: they come before the script's own
	Args   []string // the script's own, with what belongs to subcommands among them
	After  []string // options: they come behind them
	Last   []string // positional arguments that look like options, behind "--"
	Env    []string
	// Dropped tells of values that cannot be passed and that the configuration
	// does not give: they were set for an earlier run.
	Dropped []error
}

// Discovered gathers what carries the values of discovered parameters; args
// are the script's own arguments. What cannot be passed is an error of code
// rejected with the place in the configuration that gives the value.
func (l *CommandLine) Discovered(args []string, parameters []LaunchParameter, values map[string]Value) error {
	var places []LaunchParameter
	var pieces []piece
	commands := CommandsOf(args, parameters, values)
	for _, p := range parameters {
		v, ok := values[p.Spec.Name]
		if !ok || v.IsNull() || !p.Discovered || p.Pass != "" || p.Env != "" || p.File != "" {
			continue
		}
		a := p.Argument
		if a != nil && a.Form == ArgPosition && len(a.Commands) == 0 && p.Refused == "" {
			places = append(places, p)
			continue
		}
		carried, err := p.Passed(v)
		if err == nil && a != nil && (len(a.Commands) > 0 || len(a.Before) > 0) {
			var own piece
			if own, err = commands.piece(a, carried); err == nil {
				pieces = append(pieces, own)
				continue
			}
		}
		if err != nil {
			if err := l.refuse(&p, err); err != nil {
				return err
			}
			continue
		}
		l.After = append(l.After, carried...)
	}
	l.Args = commands.with(pieces)
	return l.positions(parameters, places, values)
}

// Passed returns the arguments that carry a value of a discovered parameter,
// none where no argument does, or the reason why it cannot be passed.
func (p *LaunchParameter) Passed(v Value) ([]string, error) {
	switch {
	case p.Refused != "":
		return nil, errors.New(p.Refused)
	case p.Argument == nil:
		return nil, nil
	}
	return p.Argument.Args(&p.Spec, v)
}

// positions puts positional arguments one behind the other: each needs those
// before it.
func (l *CommandLine) positions(all, places []LaunchParameter, values map[string]Value) error {
	slices.SortStableFunc(places, func(a, b LaunchParameter) int { return cmp.Compare(a.Argument.Position, b.Argument.Position) })
	for i, p := range places {
		args, err := p.Passed(values[p.Spec.Name])
		if p.Argument.Position != i+1 {
			err = fmt.Errorf("it is the positional argument number %d, and %s before it has no value", p.Argument.Position, position(all, i+1))
		}
		if err != nil {
			if err := l.refuse(&p, err); err != nil {
				return err
			}
			break
		}
		l.Before = append(l.Before, args...)
	}
	if slices.ContainsFunc(l.Before, func(arg string) bool { return len(arg) > 1 && arg[0] == '-' }) {
		l.Last, l.Before = append([]string{"--"}, l.Before...), nil
	}
	return nil
}

// position names the positional argument at a place.
func position(all []LaunchParameter, place int) string {
	for _, p := range all {
		if p.Argument != nil && p.Argument.Form == ArgPosition && p.Argument.Position == place && len(p.Argument.Commands) == 0 {
			return p.Spec.Name
		}
	}
	return "another"
}

// refuse returns an error for what the configuration gives, and notes what it
// does not.
func (l *CommandLine) refuse(p *LaunchParameter, why error) error {
	if p.Set {
		return &Error{Code: CodeRejected, At: p.At, Message: fmt.Sprintf("parameter %q cannot be passed to the script: %s", p.Spec.Name, why)}
	}
	l.Dropped = append(l.Dropped, fmt.Errorf("the value that was set for %s before is not used: it cannot be passed to the script: %w", p.Spec.Name, why))
	return nil
}
