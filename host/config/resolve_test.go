package config

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"

	"github.com/mlhost/mlhost/shared/script"
)

// described is what the script of these tests says of itself.
var described = script.Description{
	Parameters: []script.ParameterSpec{
		{Name: "epochs", Type: script.TypeInt, Default: script.Int(1), Min: script.Int(1), Max: script.Int(1000)},
		{Name: "learning_rate", Type: script.TypeFloat, Min: script.Float(0), Max: script.Float(1), ExclusiveMin: true},
		{Name: "batch", Type: script.TypeInt, Step: script.Int(8), Min: script.Int(8), Max: script.Int(100)},
		{Name: "optimizer", Type: script.TypeString, Choices: []script.Value{script.String("sgd"), script.String("adam")}},
		{Name: "shuffle", Type: script.TypeBool},
		{Name: "layers", Type: script.TypeList},
		{Name: "options", Type: script.TypeMap},
		{Name: "extra", Type: script.TypeAny},
		{Name: "guessed", Type: script.TypeInt, Max: script.Int(5), Confidence: script.Guess},
		{Name: "model.lr", Type: script.TypeFloat},
		{Name: "old", Type: script.TypeInt, Deprecated: "use epochs"},
	},
	Variables: []script.VariableSpec{{Name: "loss", Type: script.TypeFloat}, {Name: "name", Type: script.TypeString}, {Name: "train.loss", Type: script.TypeFloat}},
	Topics:    []script.TopicSpec{{Name: "checkpoint"}},
}

// scriptWith loads a configuration with one script that has these lines.
func scriptWith(t *testing.T, lines string) *Config {
	t.Helper()
	c, diags := loadScript(t, lines)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return c
}

func loadScript(t *testing.T, lines string) (*Config, hcl.Diagnostics) {
	t.Helper()
	t.Chdir(t.TempDir())
	write(t, "a.hcl", "input \"text\" {\n  default = \"7\"\n}\nscript \"s\" {\n  source = \"s.py\"\n"+lines+"\n}\n")
	return Load("a.hcl", Options{Env: func(string) (string, bool) { return "", false }})
}

func TestResolve(t *testing.T) {
	tests := []struct {
		lines string
		want  map[string]script.Value
	}{
		{"", map[string]script.Value{}},
		{`parameters = { epochs = 10, learning_rate = 1 }`, map[string]script.Value{"epochs": script.Int(10), "learning_rate": script.Float(1)}},
		{`parameters = { epochs = 1e2, learning_rate = 1e-3 }`, map[string]script.Value{"epochs": script.Int(100), "learning_rate": script.Float(0.001)}},
		{`parameters = { learning_rate = 0.1 }`, map[string]script.Value{"learning_rate": script.Float(0.1)}},
		{`parameters = { epochs = "10", shuffle = "true" }`, map[string]script.Value{"epochs": script.Int(10), "shuffle": script.Bool(true)}},
		{`parameters = { epochs = input.text }`, map[string]script.Value{"epochs": script.Int(7)}},
		{`parameters = { epochs = null }`, map[string]script.Value{}},
		{`parameters = { batch = 96, optimizer = "sgd" }`, map[string]script.Value{"batch": script.Int(96), "optimizer": script.String("sgd")}},
		{`parameters = { layers = [1, 2.5, "x", [true]] }`, map[string]script.Value{
			"layers": script.List(script.Int(1), script.Float(2.5), script.String("x"), script.List(script.Bool(true)))}},
		{`parameters = { options = { a = 1, b = null } }`, map[string]script.Value{
			"options": script.Map(map[string]script.Value{"a": script.Int(1), "b": script.Null()})}},
		{`parameters = { extra = 1.0 }`, map[string]script.Value{"extra": script.Float(1)}},
		{`parameters = { extra = -2e0 }`, map[string]script.Value{"extra": script.Float(-2)}},
		{`parameters = { extra = 1 }`, map[string]script.Value{"extra": script.Int(1)}},
		{`parameters = { extra = 9223372036854775807 }`, map[string]script.Value{"extra": script.Int(math.MaxInt64)}},
		{`parameters = { extra = -9223372036854775808 }`, map[string]script.Value{"extra": script.Int(math.MinInt64)}},
		{`parameters = { "model.lr" = 2 }`, map[string]script.Value{"model.lr": script.Float(2)}},
		{`parameters = merge({ epochs = 2 }, { batch = 8 })`, map[string]script.Value{"epochs": script.Int(2), "batch": script.Int(8)}},
		{`parameters = { for n in ["epochs", "batch"] : n => 8 }`, map[string]script.Value{"epochs": script.Int(8), "batch": script.Int(8)}},
		{"parameter \"epochs\" {\n value = 10\n max = 20\n}", map[string]script.Value{"epochs": script.Int(10)}},
		{"parameters = { epochs = 10 }\nparameter \"epochs\" {\n max = 20\n}", map[string]script.Value{"epochs": script.Int(10)}},
		{"parameter \"guessed\" {\n type = \"float\"\n value = 9.5\n max = 10\n}", map[string]script.Value{"guessed": script.Float(9.5)}},
	}
	for _, test := range tests {
		t.Run(test.lines, func(t *testing.T) {
			s := scriptWith(t, test.lines).Scripts[0]
			got, specs, diags := s.Resolve(described)
			if len(diags) > 0 {
				t.Fatal(diags)
			}
			if diff := cmp.Diff(test.want, got, cmp.Comparer(script.Value.Equal)); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
			if len(specs) != len(described.Parameters) {
				t.Errorf("%d specs", len(specs))
			}
		})
	}
}

// TestJSONNumbers: 1.0 stays a float, and integers stay exact, in JSON too.
func TestJSONNumbers(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "a.json", `{"script": {"s": {"source": "s.py", "env": {"//": "a comment", "A": "1"}, "parameters": {"a": 1.0, "b": 1, "c": 9007199254740993, "d": -1e3, "e": "1.0"}}}}`)
	c, diags := Load("a.json", Options{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	got, _, diags := c.Scripts[0].Resolve(script.Description{Capabilities: []string{script.CapabilityDynamic}})
	want := map[string]script.Value{
		"a": script.Float(1), "b": script.Int(1), "c": script.Int(9007199254740993), "d": script.Float(-1000), "e": script.String("1.0"),
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(script.Value.Equal)); diff != "" || diags.HasErrors() {
		t.Errorf("%v (-want +got):\n%s", diags, diff)
	}
	if len(c.Scripts[0].Env) != 1 {
		t.Errorf("env %v", c.Scripts[0].Env)
	}
}

func TestResolveRefuses(t *testing.T) {
	for lines, want := range map[string]string{
		`parameters = { epoch = 10 }`:                                         `no parameter "epoch". Did you mean "epochs"?`,
		`parameters = { epochs = 0.5 }`:                                       "wants a whole number, got 0.5",
		`parameters = { epochs = "many" }`:                                    `wants an int, got the string "many"`,
		`parameters = { epochs = true }`:                                      "wants an int, got a bool",
		`parameters = { epochs = 9223372036854775808 }`:                       "does not fit into 64 signed bits",
		`parameters = { epochs = 0 }`:                                         "below the minimum 1",
		`parameters = { epochs = 1001 }`:                                      "above the maximum 1000",
		`parameters = { learning_rate = 0 }`:                                  "which is excluded",
		`parameters = { learning_rate = 1e300 * 1e300 }`:                      "beyond the range of a 64-bit float",
		`parameters = { learning_rate = 1 / 0 }`:                              "not a finite number",
		`parameters = { batch = 9 }`:                                          "off step",
		`parameters = { optimizer = "sdg" }`:                                  `did you mean "sgd"?`,
		`parameters = { shuffle = "maybe" }`:                                  `wants a bool, got the string "maybe"`,
		`parameters = { layers = 1 }`:                                         "wants a list, got an int",
		`parameters = { options = [] }`:                                       "wants a map, got a list",
		`parameters = { optimizer = ["sgd"] }`:                                "wants a string, got a list",
		`parameters = { old = 1 }`:                                            "is deprecated: use epochs",
		"parameter \"epochs\" {\n type = \"float\"\n}":                        "cannot make it a float",
		"parameter \"epochs\" {\n max = 2000\n}":                              "outside the script's own limit, 1000",
		"parameter \"epochs\" {\n min = 0\n}":                                 "outside the script's own limit, 1",
		"parameter \"epochs\" {\n step = 0.5\n}":                              "wants a whole number",
		"parameter \"epochs\" {\n value = 30\n max = 20\n}":                   "above the maximum 20",
		"parameter \"optimizer\" {\n choices = [\"adam\", \"lion\"]\n}":       `A choice of the parameter "optimizer"`,
		"parameter \"extra\" {\n choices = [1, null]\n}":                      "null is none",
		"parameter \"optimizer\" {\n value = \"X\"\n pattern = \"[a-z]+\"\n}": "does not match the pattern",
	} {
		t.Run(lines, func(t *testing.T) {
			c, diags := loadScript(t, lines)
			var values map[string]script.Value
			if !diags.HasErrors() { // some of it shows without a description
				values, _, diags = c.Scripts[0].Resolve(described)
			}
			if len(diags) == 0 || !strings.Contains(diags[0].Detail, want) {
				t.Fatalf("%v, %v; want %q", values, diags, want)
			}
			for _, d := range diags {
				if d.Subject == nil || d.Subject.Filename != "a.hcl" || d.Subject.Start.Line < 5 {
					t.Errorf("no place: %v", d)
				}
			}
		})
	}
}

// TestResolveHolds: a script that declares parameters while it runs may be
// given any name; the value waits for its registration.
func TestResolveHolds(t *testing.T) {
	c := scriptWith(t, "parameters = { later = 1, epochs = 2 }\nparameter \"rate\" {\n type = \"float\"\n value = 1\n max = 2\n}")
	dynamic := described
	dynamic.Capabilities = []string{script.CapabilityDynamic}
	values, specs, diags := c.Scripts[0].Resolve(dynamic)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	if got := slices.Sorted(maps.Keys(values)); !slices.Equal(got, []string{"epochs", "later", "rate"}) {
		t.Errorf("values %v", got)
	}
	rate := specs[len(specs)-1]
	if rate.Name != "rate" || rate.Type != script.TypeFloat || !rate.Max.Equal(script.Float(2)) || !values["rate"].Equal(script.Float(1)) {
		t.Errorf("rate: %+v, %v", rate, values["rate"])
	}
	if rate.Origin.Style != "config" || rate.Origin.File != "a.hcl" || rate.Origin.Line == 0 {
		t.Errorf("origin %+v", rate.Origin)
	}
	registered := script.ParameterSpec{Name: "rate", Type: script.TypeFloat, Confidence: script.Sure, Min: script.Float(0)}
	refined, diags := c.Scripts[0].Parameters[2].Refine(registered)
	if len(diags) > 0 || !refined.Max.Equal(script.Float(2)) || !refined.Min.Equal(script.Float(0)) {
		t.Errorf("refined %+v, %v", refined, diags)
	}
}

func TestResolveRequired(t *testing.T) {
	c := scriptWith(t, "")
	_, _, diags := c.Scripts[0].Resolve(script.Description{Parameters: []script.ParameterSpec{{Name: "data", Type: script.TypeString, Required: true}}})
	if len(diags) != 1 || !strings.Contains(diags[0].Detail, `needs the parameter "data"`) {
		t.Error(diags)
	}
}

// TestCheck tests routes against descriptions.
func TestCheck(t *testing.T) {
	c := func(lines string) string {
		return "script \"s\" {\n source = \"s.py\"\n variable \"shown\" {\n }\n}\nscript \"bare\" {\n source = \"b.py\"\n}\n" + lines
	}
	route := func(from, to, more string) string {
		return c("route \"r\" {\n from = " + from + "\n to = " + to + "\n" + more + "\n}\n")
	}
	loss, lr := "script.s.variable.loss", "script.s.parameter.learning_rate"
	for name, test := range map[string]struct {
		src  string
		want string
	}{
		"fine":              {route(loss, lr, "when = plateau(history, 3)\nvalue = to * 0.5"), ""},
		"declared variable": {route("script.s.variable.shown", lr, ""), ""},
		"no description":    {route("script.bare.variable.x", "script.bare.parameter.y", "value = upper(from)"), ""},
		"unknown variable":  {route("script.s.variable.los", lr, ""), `no variable "los". Did you mean "loss"?`},
		"unknown parameter": {route(loss, "script.s.parameter.learnin_rate", ""), `Did you mean "learning_rate"?`},
		"unknown read":      {route(loss, lr, "when = script.s.parameter.epoch > 1"), `no parameter "epoch". Did you mean "epochs"?`},
		"dotted":            {route(loss, lr, "when = script.s.variable.train.loss > 1"), `Did you mean .variable["train.loss"]?`},
		"text and number":   {route("script.s.variable.name", lr, "when = true"), "wants a float, got a string"},
		"arithmetic":        {route("script.s.variable.name", "script.s.parameter.optimizer", "when = from == \"a\"\nvalue = [1]"), "wants a string, got a list"},
		"wrong operand":     {route(loss, lr, "value = to * script.s.parameter.layers.x"), ""}, // a list's content is open
		"constant":          {route(loss, lr, "value = 2"), "above the maximum 1"},
		"bool for number":   {route(loss, lr, "value = from > 1"), "wants a float, got a bool"},
		"string compare":    {route(loss, lr, "when = upper(from) == \"A\""), ""},
		"list function":     {route("script.s.variable.name", "script.s.parameter.optimizer", "when = mean(from) > 1"), "list of numbers"},
		"topic":             {c("route \"t\" {\n topic = \"checkpoin\"\n from = [script.bare]\n to = [script.s, script.bare]\n}\n"), `Did you mean "checkpoint"?`},
		"allowed topic":     {c("allow \"t\" {\n topics = [\"x\", \"checkpoint\"]\n from = [script.bare]\n to = [script.s]\n}\n"), `does not take the topic "x"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, "a.hcl", test.src)
			loaded, diags := Load("a.hcl", Options{})
			if !diags.HasErrors() {
				diags = loaded.Check(map[string]script.Description{"s": described})
			}
			switch {
			case test.want == "" && len(diags) > 0:
				t.Error(diags)
			case test.want != "" && (len(diags) != 1 || !strings.Contains(diags[0].Detail, test.want)):
				t.Errorf("%v; want %q", diags, test.want)
			}
		})
	}
}
