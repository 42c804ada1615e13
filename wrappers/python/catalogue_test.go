package python

import (
	"bufio"
	"encoding/json"
	"io"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/shared/script"
)

// parsing is a script whose parser has every form of option; it answers each
// list of arguments with what the real parser makes of it.
const parsing = `
import argparse, json, sys

def no_exit(self, message):
    raise ValueError(message)

argparse.ArgumentParser.error = no_exit
parser = argparse.ArgumentParser()
parser.add_argument("data")
parser.add_argument("out", nargs="?", default="here")
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("-n", type=int, default=1)
parser.add_argument("-wd", type=float, default=0.0)
parser.add_argument("--name", default="a")
parser.add_argument("--layers", type=int, nargs="+", default=[1])
parser.add_argument("--betas", type=float, nargs=2, default=[0.9, 0.99])
parser.add_argument("--words", nargs="*", default=["x"])
parser.add_argument("--tag", action="append")
parser.add_argument("--more", action="append", default=["own"])
parser.add_argument("--fast", action="store_true")
parser.add_argument("--no-cuda", dest="cuda", action="store_false")
parser.add_argument("--amp", action="store_true", dest="amp")
parser.add_argument("--no-amp", action="store_false", dest="amp")
parser.add_argument("--truth", type=bool, default=True)
parser.add_argument("-v", "--verbose", action="count", default=0)
parser.add_argument("--opt", choices=["sgd", "adam"], default="sgd")

for line in sys.stdin:
    try:
        args = vars(parser.parse_args(json.loads(line)))
    except ValueError as e:
        args = {"error": str(e)}
    print(json.dumps(args), flush=True)
args = parser.parse_args()
`

// parser is the script as a process.
type parser struct {
	catalogue script.Catalogue
	in        io.WriteCloser
	out       *bufio.Reader
}

func newParser(t testing.TB, text string) *parser {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed on this machine")
	}
	path := filepath.Join(t.TempDir(), "train.py")
	if err := writeWhole(path, []byte(text)); err != nil {
		t.Fatal(err)
	}
	found, err := Discover(t.Context(), DiscoverOptions{Cache: t.TempDir()}, []string{path})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, path)
	p := &parser{catalogue: found[0].Catalogue()}
	if p.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.in.Close()
		_ = cmd.Wait() // the last parse has no arguments
	})
	return p
}

// arguments is the command line for some values, or why there is none.
func (p *parser) arguments(values map[string]script.Value) ([]string, error) {
	parameters := slices.Clone(p.catalogue.Parameters)
	for i := range parameters {
		_, parameters[i].Set = values[parameters[i].Spec.Name]
	}
	var line script.CommandLine
	err := line.Discovered(nil, parameters, values)
	return slices.Concat(line.Before, line.Args, line.After, line.Last), err
}

// parse is what the real parser makes of arguments.
func (p *parser) parse(t testing.TB, args []string) map[string]script.Value {
	t.Helper()
	request, err := json.Marshal(args)
	if err == nil {
		_, err = p.in.Write(append(request, '\n'))
	}
	if err != nil {
		t.Fatal(err)
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]script.Value
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestArgumentsRoundTrip(t *testing.T) {
	p := newParser(t, parsing)
	str, num, list := script.String, script.Float, script.List
	data := map[string]script.Value{"data": str("d.csv")}
	for _, test := range []struct {
		name string
		v    script.Value
	}{
		{"lr", num(0.01)}, {"lr", num(-1e-5)}, {"n", script.Int(-3)}, {"n", script.Int(7)}, {"wd", num(-1e-9)}, {"wd", num(2)},
		{"name", str("")}, {"name", str("--lr")}, {"name", str("a b = c")}, {"name", str("-x")}, {"name", str("ä\n\"'")},
		{"layers", list(script.Int(3), script.Int(-4))}, {"betas", list(num(-1e-7), num(0.5))},
		{"words", list()}, {"words", list(str("a"), str(""))}, {"tag", list(str("-a"), str("b"))}, {"more", list(str("own"), str("x"))},
		{"fast", script.Bool(true)}, {"fast", script.Bool(false)}, {"cuda", script.Bool(false)}, {"cuda", script.Bool(true)},
		{"amp", script.Bool(true)}, {"amp", script.Bool(false)}, {"truth", script.Bool(false)}, {"truth", script.Bool(true)},
		{"verbose", script.Int(3)}, {"verbose", script.Int(0)}, {"opt", str("adam")}, {"out", str("there")}, {"data", str("-1e-5")}, {"data", str("--x")},
	} {
		values := map[string]script.Value{"data": data["data"], test.name: test.v}
		args, err := p.arguments(values)
		if err != nil {
			t.Errorf("%s = %s: %v", test.name, test.v, err)
			continue
		}
		got := p.parse(t, args)
		if !got[test.name].Same(test.v) || !got["data"].Same(values["data"]) {
			t.Errorf("%s = %s by %q: the parser has %v", test.name, test.v, args, got)
		}
	}
	for _, test := range []struct {
		name string
		v    script.Value
		why  string
	}{
		{"fast", script.Int(1), "only true and false"}, {"verbose", script.Int(-1), "counts"}, {"more", list(str("x")), "begin with"},
		{"words", list(str("-x")), "taken for an option"}, {"betas", list(num(1)), "takes 2 values"}, {"layers", list(), "at least one"},
		{"out", str("x"), "data before it has no value"}, {"name", str("a\x00b"), "NUL"}, {"tag", list(str("--")), "end of the options"}, {"name", list(), "takes one value"},
	} {
		if _, err := p.arguments(map[string]script.Value{test.name: test.v}); err == nil || !strings.Contains(err.Error(), test.why) {
			t.Errorf("%s = %s: %v", test.name, test.v, err)
		}
	}
}

func FuzzArguments(f *testing.F) {
	p := newParser(f, parsing)
	f.Add("d", "n", 0.5, int64(3), true)
	f.Add("-1e-5", "--lr=3", -1e-300, int64(-9), false)
	f.Add("-", "-", -0.5, int64(math.MinInt64), false)
	f.Fuzz(func(t *testing.T, data, name string, lr float64, n int64, on bool) {
		if math.IsNaN(lr) || math.IsInf(lr, 0) || !utf8.ValidString(data) || !utf8.ValidString(name) || strings.ContainsRune(data+name, 0) || name == "--" || data == "--" {
			t.Skip()
		}
		values := map[string]script.Value{
			"data": script.String(data), "name": script.String(name), "lr": script.Float(lr), "n": script.Int(n), "fast": script.Bool(on),
			"truth": script.Bool(on), "amp": script.Bool(on), "layers": script.List(script.Int(n), script.Int(1)),
			"betas": script.List(script.Float(lr), script.Float(-lr)), "tag": script.List(script.String(name), script.String(data)),
		}
		args, err := p.arguments(values)
		if err != nil {
			t.Fatal(err)
		}
		got := p.parse(t, args)
		for key, v := range values {
			if !got[key].Same(v) {
				t.Errorf("%s = %q by %q: the parser has %v", key, v, args, got)
			}
		}
	})
}

// What the source of a script tells of ways in becomes the catalogue.
func TestCatalogue(t *testing.T) {
	dir := t.TempDir()
	read := func(text string) script.Catalogue {
		t.Helper()
		path := writeScript(t, filepath.Join(dir, "s.py"), text)
		found, err := Discover(t.Context(), DiscoverOptions{Cache: filepath.Join(dir, "cache")}, []string{path})
		if err != nil || found[0].Unreadable {
			t.Fatal(found, err)
		}
		return found[0].Catalogue()
	}
	for _, test := range []struct {
		source, name string
		v            script.Value
		want         []string
		refused      string
	}{
		{"RATE: float = 0.1\n", "RATE", script.Float(1), nil, ""},
		{"import fire\ndef main(lr=0.1, name='a'): pass\nfire.Fire(main)\n", "name", script.String("10's"), []string{`--name='10\'s'`}, ""},
		{"import fire\ndef main(on=False): pass\nfire.Fire(main)\n", "on", script.Bool(true), []string{"--on=True"}, ""},
		{"import click\n@click.command()\n@click.option('--fast/--slow', default=True)\ndef main(fast): pass\nmain()\n", "fast", script.Bool(false), []string{"--slow"}, ""},
		{"import click\n@click.command()\n@click.option('-l', '--lr', type=float)\ndef main(lr): pass\nmain()\n", "lr", script.Float(-1e-5), []string{"--lr=-1e-05"}, ""},
		{"import click\n@click.command()\n@click.option('--tag', multiple=True)\ndef main(tag): pass\nmain()\n", "tag", script.List(script.String("a"), script.String("b")), []string{"--tag=a", "--tag=b"}, ""},
		{"import typer\ndef main(fast: bool = True): pass\ntyper.run(main)\n", "fast", script.Bool(false), []string{"--no-fast"}, ""},
		{"from absl import flags\nflags.DEFINE_list('x', [], '')\n", "x", script.List(script.String("a"), script.String("b")), []string{"--x=a,b"}, ""},
		{"from absl import flags\nflags.DEFINE_bool('x', True, '')\n", "x", script.Bool(false), []string{"--x=false"}, ""},
		{"import tyro, dataclasses\n@dataclasses.dataclass\nclass O:\n    on: bool = True\n@dataclasses.dataclass\nclass A:\n    o: O\ntyro.cli(A)\n", "o.on", script.Bool(false), []string{"--o.no-on"}, ""},
		{"\"\"\"Usage: x [--lr=<r>]\n\n  --lr=<r>  rate [default: 0.1]\n\"\"\"\nfrom docopt import docopt\na = docopt(__doc__)\n", "--lr", script.String("1"), []string{"--lr=1"}, ""},
		{"import argparse\np = argparse.ArgumentParser()\np.add_argument('--on', action=argparse.BooleanOptionalAction)\np.parse_args()\n", "on", script.Bool(false), []string{"--no-on"}, ""},
		{"import argparse\np = argparse.ArgumentParser()\ns = p.add_subparsers()\nq = s.add_parser('go')\nq.add_argument('--x')\np.parse_args()\n", "x", script.String("1"), []string{"--x=1"}, ""},
		{"import argparse, os\np = argparse.ArgumentParser()\ns = p.add_subparsers()\nq = s.add_parser(os.sep)\nq.add_argument('--x')\np.parse_args()\n", "x", script.String("1"), nil, "subcommand"},
	} {
		c := read(test.source)
		p, ok := c.Parameter(test.name)
		if !ok {
			t.Errorf("%q: no %s in %+v", test.source, test.name, c)
			continue
		}
		args, err := p.Passed(test.v)
		if diff := cmp.Diff(test.want, args); diff != "" || (err != nil) != (test.refused != "") || err != nil && !strings.Contains(err.Error(), test.refused) {
			t.Errorf("%q: %v %s", test.source, err, diff)
		}
	}
	c := read("import os\nRATE = 0.1\nname = os.environ.get('RUN_NAME', 'x')\n")
	if p, _ := c.Parameter("RATE"); p.Constant != "RATE" || p.Spec.Origin.Line != 2 || p.Spec.Origin.File != filepath.Join(dir, "s.py") {
		t.Errorf("a constant: %+v", p)
	}
	if p, _ := c.Parameter("RUN_NAME"); p.Env != "RUN_NAME" || !p.Spec.Default.Same(script.String("x")) || p.Spec.Origin.Style != "env" {
		t.Errorf("an environment variable: %+v", p)
	}
}

func TestHydraOverrides(t *testing.T) {
	a := script.Argument{Form: script.ArgOverride, Flag: "a.b=", Text: script.TextHydra}
	for text, want := range map[string]string{
		"adam": "a.b=adam", "": "a.b=''", "null": "a.b='null'", "1": "a.b='1'", "it's": `a.b='it\'s'`, `back\`: `a.b='back\\'`, "a b": "a.b='a b'", "x,y": "a.b='x,y'",
	} {
		if got, err := a.Args(&script.ParameterSpec{}, script.String(text)); err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%q: %q %v, want %q", text, got, err, want)
		}
	}
	nested := script.Map(map[string]script.Value{"k": script.List(script.Float(1e-5), script.Null(), script.Bool(true))})
	if got, err := a.Args(&script.ParameterSpec{}, nested); err != nil || got[0] != "a.b={k:[1.0e-05,null,true]}" {
		t.Errorf("%q %v", got, err)
	}
	if _, err := a.Args(&script.ParameterSpec{}, script.String("${x}")); err == nil {
		t.Error("an interpolation was passed")
	}
}
