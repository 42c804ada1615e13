package script

import (
	"slices"
	"strings"
	"testing"
)

// Each parameter's part of a command line stands behind the word of its
// subcommand and before that of the next.
func TestSubcommandPlaces(t *testing.T) {
	option := func(name string, before []string, commands ...[]string) LaunchParameter {
		return LaunchParameter{Spec: ParameterSpec{Name: name}, Discovered: true, Set: true, Argument: &Argument{Form: ArgValue, Flag: "--" + name, Before: before, Commands: commands}}
	}
	position := func(name string, place int, commands ...[]string) LaunchParameter {
		p := option(name, nil, commands...)
		p.Argument = &Argument{Form: ArgPosition, Position: place, Commands: commands}
		return p
	}
	word := func(name string, commands ...[]string) LaunchParameter {
		p := option(name, nil, commands...)
		p.Argument = &Argument{Form: ArgCommand, Commands: commands}
		return p
	}
	all := []LaunchParameter{
		option("root", []string{"fit", "db"}), option("plain", nil), option("lr", nil, []string{"fit"}, []string{"db", "init"}), option("db", []string{"init"}, []string{"db"}),
		position("data", 1, []string{"fit"}), position("out", 2, []string{"fit"}), word("command"), word("what", []string{"db"}),
	}
	for _, test := range []struct{ args, set, want, refused string }{
		{"fit", "root lr data out", "--root=1 fit 1 1 --lr=1", ""},
		{"-v fit --x 2", "lr root plain", "-v --root=1 fit --x 2 --lr=1 --plain=1", ""},
		{"--name fit fit", "root", "--name fit --root=1 fit", ""},
		{"db init", "lr db root", "--root=1 db --db=1 init --lr=1", ""},
		{"db", "lr", "", `the subcommand "fit" or "db init"`},
		{"-- fit", "lr", "", "subcommand"},
		{"", "command=db what=init lr", "db init --lr=1", ""},
		{"", "command=fit root", "--root=1 fit", ""},
		{"fit", "data=-x", "", "taken for an option"},
	} {
		values := map[string]Value{}
		for name := range strings.FieldsSeq(test.set) {
			name, value, ok := strings.Cut(name, "=")
			if !ok {
				value = "1"
			}
			values[name] = String(value)
		}
		var line CommandLine
		err := line.Discovered(strings.Fields(test.args), all, values)
		if test.refused != "" {
			if err == nil || !strings.Contains(err.Error(), test.refused) {
				t.Errorf("%+v: %v", test, err)
			}
			continue
		}
		if got := strings.Join(slices.Concat(line.Before, line.Args, line.After, line.Last), " "); err != nil || got != test.want {
			t.Errorf("%+v: %q %v", test, got, err)
		}
	}
}
