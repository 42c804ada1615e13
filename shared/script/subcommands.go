package script

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Commands are the words of subcommands that a command line has, and where
// they stand in it.
type Commands struct {
	args []string // the script's own, and the words that parameters give
}

// CommandsOf returns a command line's words: args are the script's own, and a
// parameter that chooses a subcommand adds its value behind them.
func CommandsOf(args []string, parameters []LaunchParameter, values map[string]Value) Commands {
	c := Commands{args: slices.Clone(args)}
	var chosen []LaunchParameter
	for _, p := range parameters {
		if _, ok := values[p.Spec.Name].Text(); ok && p.Discovered && p.Argument != nil && p.Argument.Form == ArgCommand && p.Refused == "" {
			chosen = append(chosen, p)
		}
	}
	slices.SortStableFunc(chosen, func(a, b LaunchParameter) int { return cmp.Compare(a.Argument.depth(), b.Argument.depth()) })
	for _, p := range chosen {
		if _, err := c.End(p.Argument); err != nil {
			continue // its own subcommand is not chosen: told where its value is passed
		}
		word, _ := values[p.Spec.Name].Text()
		c.args = append(c.args, word)
	}
	return c
}

func (a *Argument) depth() int {
	if len(a.Commands) == 0 {
		return 0
	}
	return len(a.Commands[0])
}

// End returns the place behind the words of the subcommand that an argument
// belongs to, 0 for one of the script itself; an error where the command line
// has none of its subcommands.
func (c Commands) End(a *Argument) (int, error) {
	if len(a.Commands) == 0 {
		return 0, nil
	}
	for _, path := range a.Commands {
		at, found := 0, true
		for _, word := range path {
			next := c.find([]string{word}, at)
			if found = next >= 0; !found {
				break
			}
			at = next + 1
		}
		if found {
			return at, nil
		}
	}
	var names []string
	for _, path := range a.Commands {
		names = append(names, fmt.Sprintf("%q", strings.Join(path, " ")))
	}
	return 0, fmt.Errorf("it belongs to the subcommand %s, which args does not have", strings.Join(names, " or "))
}

// find returns where the first of the words stands, from a place on; -1 where
// none does. What follows an option may be its value, so that comes last.
func (c Commands) find(words []string, from int) int {
	maybe := -1
	for i := from; i < len(c.args); i++ {
		if c.args[i] == "--" {
			break
		}
		if !slices.Contains(words, c.args[i]) {
			continue
		}
		if i > 0 && len(c.args[i-1]) > 1 && c.args[i-1][0] == '-' && !strings.Contains(c.args[i-1], "=") {
			maybe = i
			continue
		}
		return i
	}
	return maybe
}

// piece is what one parameter adds to a command line, and before which of the
// script's own arguments.
type piece struct {
	at       int // len(args): behind them
	position int // a positional argument's place among those of its subcommand; options come behind all
	args     []string
}

// piece gives arguments of a parameter their place.
func (c Commands) piece(a *Argument, args []string) (piece, error) {
	end, err := c.End(a)
	if err != nil {
		return piece{}, err
	}
	p := piece{at: len(c.args), position: math.MaxInt, args: args}
	switch {
	case a.Form == ArgPosition:
		if slices.ContainsFunc(args, func(arg string) bool { return len(arg) > 1 && arg[0] == '-' }) {
			return p, fmt.Errorf("%q would be taken for an option", args[0])
		}
		p.at, p.position = end, a.Position
	case len(a.Before) > 0:
		if at := c.find(a.Before, end); at >= 0 {
			p.at = at
		}
	}
	return p, nil
}

// with returns the command line with the pieces in their places.
func (c Commands) with(pieces []piece) []string {
	slices.SortStableFunc(pieces, func(a, b piece) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.position, b.position))
	})
	var out []string
	for i := 0; i <= len(c.args); i++ {
		for _, p := range pieces {
			if p.at == i {
				out = append(out, p.args...)
			}
		}
		if i < len(c.args) {
			out = append(out, c.args[i])
		}
	}
	return out
}

// Of returns the arguments among which an option stands: those of its
// subcommand, and for one that has subcommands behind it those before them.
func (c Commands) Of(a *Argument) []string {
	from, err := c.End(a)
	if err != nil {
		return nil
	}
	to := len(c.args)
	if at := c.find(a.Before, from); at >= 0 {
		to = at
	}
	return c.args[from:to]
}

// Word returns the subcommand that the command line has of those that an
// argument chooses between, "" for none.
func (c Commands) Word(a *Argument, choices []string) string {
	from, err := c.End(a)
	if err != nil {
		return ""
	}
	if at := c.find(choices, from); at >= 0 {
		return c.args[at]
	}
	return ""
}
