package script

import "slices"

// Launch is what a wrapper plugin is told about the foreign script that it
// runs. The host writes it as JSON beside the run's files and names that file
// on the wrapper's command line.
type Launch struct {
	Script      string            `json:"script"`
	Source      string            `json:"source"`             // absolute path; with Module the file that it was found in, "" for one that was not
	Module      string            `json:"module,omitempty"`   // a Python module to be run as by python -m
	Interpreter []string          `json:"interpreter"`        // command and its arguments; the source comes behind it
	Launcher    []string          `json:"launcher,omitempty"` // command that starts the Python processes, in place of the interpreter
	Profile     string            `json:"profile"`            // "python" or "generic"
	Protocol    string            `json:"protocol"`           // "" or "lines"
	Args        []string          `json:"args"`
	Env         map[string]string `json:"env"` // added to the host's environment
	Directory   string            `json:"directory"`
	Stdin       string            `json:"stdin"` // a file; "" is /dev/null
	Parameters  []LaunchParameter `json:"parameters"`
	Variables   []LaunchVariable  `json:"variables"`
	RunDir      string            `json:"run_dir"`
}

// Target is what the interpreter or the launcher is told to run.
func (l Launch) Target() []string {
	if l.Module != "" {
		return []string{"-m", l.Module}
	}
	return []string{l.Source}
}

// Command is the command line as the configuration has it, without what the
// wrapper adds.
func (l Launch) Command() []string {
	program := l.Interpreter
	if len(l.Launcher) > 0 {
		program = l.Launcher
	}
	return slices.Concat(program, l.Target(), l.Args)
}

// LaunchParameter says how one parameter gets into a script. At most one of
// Pass, Env, File, Argument and Constant is set; with none of them the value
// waits until the script registers a parameter of that name.
type LaunchParameter struct {
	Spec ParameterSpec `json:"spec"`
	Set  bool          `json:"set"`            // the config gives a value: Spec.Default, or for a discovered one what the run is started with
	Pass string        `json:"pass,omitempty"` // "--lambda"
	Env  string        `json:"env,omitempty"`
	File string        `json:"file,omitempty"` // a JSON file that the wrapper writes
	At   string        `json:"at,omitempty"`   // file:line of the config

	// Discovered: reading the script found it. Its Spec.Default is the script's
	// own, and a value goes in only where the config or a person gave one.
	Discovered bool      `json:"discovered,omitempty"`
	Argument   *Argument `json:"argument,omitempty"` // what of the command line carries it
	Constant   string    `json:"constant,omitempty"` // the module-level literal that it replaces
	Dest       string    `json:"dest,omitempty"`     // its name in the parsed namespace
	// Config is what the configuration says of it beyond the value; what the
	// running script declares goes before the rest of Spec.
	Config  *ParameterSpec `json:"config,omitempty"`
	Refused string         `json:"refused,omitempty"` // why no value can be passed: "it belongs to a subcommand"
}

// LaunchVariable is a variable that the configuration names.
type LaunchVariable struct {
	Name    string `json:"name"`
	Pattern string `json:"pattern,omitempty"` // RE2; the first group is the value
}
