package config

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/mlhost/mlhost/shared/script"
)

// checkArgs reports an option that args holds too: two values for one
// parameter contradict each other.
func (s *Script) checkArgs(p *Parameter, known script.LaunchParameter, found *script.Catalogue) hcl.Diagnostics {
	given := ArgumentIn(s.Args, known, found)
	if given == "" {
		return nil
	}
	return hcl.Diagnostics{fault(p.value.Range(), "Given twice",
		"The parameter %q is given here, and args holds %q for it. Remove one of them.%s", p.Name, given, declaredAt(known.Spec))}
}

// ArgumentIn returns the argument that gives a parameter its value, "" where
// none does.
func ArgumentIn(args []string, known script.LaunchParameter, found *script.Catalogue) string {
	a := known.Argument
	if a == nil {
		return ""
	}
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	words := script.CommandsOf(args, nil, nil)
	if a.Form == script.ArgCommand {
		var choices []string
		for _, c := range known.Spec.Choices {
			word, _ := c.Text()
			choices = append(choices, word)
		}
		return words.Word(a, choices)
	}
	for _, arg := range words.Of(a) {
		if slices.ContainsFunc(spellings(a), func(flag string) bool { return sameOption(arg, flag) }) || abbreviates(arg, a, found) {
			return arg
		}
	}
	return ""
}

func spellings(a *script.Argument) []string {
	flags := append([]string{a.Flag, a.Off}, a.Aliases...)
	return slices.DeleteFunc(flags, func(flag string) bool { return flag == "" })
}

// sameOption reports whether an argument is the option flag, alone or with its
// value behind it.
func sameOption(arg, flag string) bool {
	if strings.HasSuffix(flag, "=") {
		return strings.HasPrefix(strings.TrimLeft(arg, "+"), flag)
	}
	if short := len(flag) == 2 && flag[0] == '-' && flag[1] != '-'; short && strings.HasPrefix(arg, flag) {
		return true // -l0.1
	}
	name, _, _ := strings.Cut(arg, "=")
	dashes := func(s string) string { return strings.ReplaceAll(s, "_", "-") }
	return name == flag || strings.HasPrefix(flag, "--") && dashes(name) == dashes(flag)
}

// abbreviates reports whether an argument is the beginning of an option, of no
// other one, and none itself: --learn for --learning-rate.
func abbreviates(arg string, a *script.Argument, found *script.Catalogue) bool {
	name, _, _ := strings.Cut(arg, "=")
	if !a.Abbreviates || len(name) < 3 || !strings.HasPrefix(name, "--") {
		return false
	}
	begins := func(flag string) bool { return strings.HasPrefix(flag, name) }
	if !slices.ContainsFunc(spellings(a), begins) {
		return false
	}
	for _, other := range found.Parameters {
		if o := other.Argument; o != nil && o != a && slices.ContainsFunc(spellings(o), begins) {
			return false
		}
	}
	return true
}
