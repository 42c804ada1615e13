package interpreter

import (
	"fmt"
	"strings"

	"github.com/mlhost/mlhost/shared/script"
)

// passArgs turns a value into arguments behind a flag.
//
//	pass "--lr"      0.1 → --lr 0.1    true → --lr    false → nothing    [1, 2] → --lr 1 2
//	pass "--lr="     0.1 → --lr=0.1    true → --lr=true                  [1, 2] → --lr=1 --lr=2
//
// A map is passed as JSON, null and an empty list not at all.
func passArgs(flag string, v script.Value) []string {
	join := strings.HasSuffix(flag, "=")
	if v.IsNull() {
		return nil
	}
	if b, ok := v.Bool(); ok && !join {
		if b {
			return []string{flag}
		}
		return nil
	}
	list, ok := v.List()
	if !ok {
		list = []script.Value{v}
	}
	var args []string
	for _, e := range list {
		switch {
		case join:
			args = append(args, flag+plainText(e))
		case len(args) == 0:
			args = append(args, flag, plainText(e))
		default:
			args = append(args, plainText(e))
		}
	}
	return args
}

// plainText is a value as a program reads it from an argument or from its
// environment: strings bare, lists and maps as JSON.
func plainText(v script.Value) string {
	if v.IsNull() {
		return ""
	}
	return v.String()
}

// passed gathers what the launch's parameters add to a command line and an
// environment; args are the script's own arguments. A parameter without a value adds nothing.
func passed(args []string, parameters []script.LaunchParameter, values map[string]script.Value) (line script.CommandLine, err error) {
	if err := line.Discovered(args, parameters, values); err != nil {
		return line, err
	}
	for _, p := range parameters {
		v, ok := values[p.Spec.Name]
		if !ok || v.IsNull() {
			continue
		}
		var added []string
		switch {
		case p.Pass != "":
			added = passArgs(p.Pass, v)
			line.After = append(line.After, added...)
		case p.Env != "":
			added = []string{p.Env + "=" + plainText(v)}
			line.Env = append(line.Env, added...)
		}
		for _, text := range added {
			if strings.ContainsRune(text, 0) {
				return line, &script.Error{
					Code: script.CodeRejected, At: p.At,
					Message: fmt.Sprintf("parameter %q holds a NUL character, which neither an argument nor the environment can carry", p.Spec.Name),
				}
			}
		}
	}
	return line, nil
}
