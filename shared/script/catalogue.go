package script

import "slices"

// Catalogue is what reading a script, without running it, told of what it
// takes.
type Catalogue struct {
	Style      string            // "argparse", …; "constants", "sys.argv" or "none" without a parser
	Parameters []LaunchParameter // Discovered, and none of them Set
	Env        []EnvRead         // environment variables that the script reads
	Problems   []string          // what was not understood: "train.py:12: …"
	Resume     string            // the parameter that takes a checkpoint to go on from; "": none is seen
}

// EnvRead is a place where a script reads an environment variable.
type EnvRead struct {
	Name    string
	Default Value // the text where the variable is not set; null: none is known
	Origin  Origin
}

// Parameter returns what was found out about the named parameter; an
// environment variable counts as one where no parameter has its name.
func (c *Catalogue) Parameter(name string) (LaunchParameter, bool) {
	if c == nil {
		return LaunchParameter{}, false
	}
	if i := slices.IndexFunc(c.Parameters, func(p LaunchParameter) bool { return p.Spec.Name == name }); i >= 0 {
		return c.Parameters[i], true
	}
	for _, e := range c.Env {
		if e.Name == name {
			return LaunchParameter{
				Spec:       ParameterSpec{Name: name, Type: TypeAny, Default: e.Default, Mutability: Restart, Confidence: Likely, Origin: e.Origin},
				Discovered: true, Env: name,
			}, true
		}
	}
	return LaunchParameter{}, false
}

// Names lists what may be set, environment variables last.
func (c *Catalogue) Names() []string {
	if c == nil {
		return nil
	}
	var names []string
	for _, p := range c.Parameters {
		names = append(names, p.Spec.Name)
	}
	for _, e := range c.Env {
		if !slices.Contains(names, e.Name) {
			names = append(names, e.Name)
		}
	}
	return names
}
