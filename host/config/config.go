package config

import (
	"cmp"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/mlhost/mlhost/shared/script"
)

// Config is a whole configuration: all files of it, merged.
type Config struct {
	Dir           string // absolute; relative paths in the configuration are below it
	Host          Host
	Connector     Connector
	Scripts       []*Script // declared ones first, then those found in folders
	Folders       []*Folder
	Routes        []*Route
	TopicRoutes   []*TopicRoute
	Collaboration Collaboration
	Allows        []*Allow
	Notifies      []*Notify

	// Files are the parsed sources by the name that diagnostics carry; they
	// are kept for WriteDiagnostics even when Load fails.
	Files map[string]*hcl.File
}

// Script returns the script of that name.
func (c *Config) Script(name string) (*Script, bool) {
	i := slices.IndexFunc(c.Scripts, func(s *Script) bool { return s.Name == name })
	if i < 0 {
		return nil, false
	}
	return c.Scripts[i], true
}

// Names returns the names of all scripts, sorted.
func (c *Config) Names() []string {
	names := make([]string, len(c.Scripts))
	for i, s := range c.Scripts {
		names[i] = s.Name
	}
	slices.SortFunc(names, cmp.Compare)
	return names
}

// Host is the host block.
type Host struct {
	Name   string // "": the machine's host name
	Listen string // "" turns TCP off
	// TLSCert and TLSKey are absolute paths, "" without TLS: then Listen is an
	// address of this machine alone.
	TLSCert string
	TLSKey  string
	// AllowedHosts are names by which HTTP callers may reach the host besides
	// its addresses, localhost and the certificate's names.
	AllowedHosts []string
	KeepRuns     int           // ended runs of each script; 0: all
	KeepFor      time.Duration // after their end; 0: for ever
	Range        hcl.Range
}

// Connector is the connector block.
type Connector struct {
	Listen string // "" turns the connector's own port off
	Auth   string // "user", "token" or "none"; governs both ports
	Range  hcl.Range
}

// DefaultKeepRuns is how many ended runs of a script are kept where the
// configuration says nothing.
const DefaultKeepRuns = 1000

// The addresses that hold where the configuration names none.
const (
	DefaultListen          = "127.0.0.1:10117"
	DefaultConnectorListen = "127.0.0.1:10118"
)

// The environment variables whose values hold in place of the defaults above.
const (
	ListenEnv          = "MLHOST_LISTEN"
	ConnectorListenEnv = "MLHOST_CONNECTOR_LISTEN"
)

// Script is one script block, or one file of a scripts folder.
type Script struct {
	Name      string
	Range     hcl.Range // of the block's header
	NameRange hcl.Range
	Folder    string // the scripts block that it was found by; "" for a declared one

	Source      string   // absolute path; "" for a plugin, and for a module that is not below the working directory
	Module      string   // a Python module that is run as by python -m; Source is its file
	Launcher    []string // what starts the Python processes, like torchrun, made absolute where it names a file
	Interpreter []string // as configured, made absolute where it names a file; nil: by default (see Launch)
	Protocol    string   // "" or "lines"
	Plugin      string   // absolute path of a plugin binary; "" for a source
	SHA256      string   // lower-case hex pin of the plugin; "" for none
	Args        []string
	Env         map[string]string
	Directory   string // absolute working directory
	Stdin       string // absolute path; "" is /dev/null
	Parameters  []*Parameter
	Variables   []*Variable

	Restart      Restart
	StalledAfter time.Duration // 0: never stalled
	StopGrace    time.Duration
	DependsOn    []Dependency
	OnHostExit   string // "survive" or "stop"
	Reload       string // "manual", "auto" or "off"
	Autostart    bool

	SourceRange      hcl.Range // of the source, module or plugin attribute
	InterpreterRange hcl.Range
	LauncherRange    hcl.Range
	StdinRange       hcl.Range

	scope *scope
}

// Restart is a restart policy.
type Restart struct {
	Policy      string // "never", "on-failure" or "always"
	MaxAttempts int
	Window      time.Duration
	Backoff     time.Duration
	MaxBackoff  time.Duration
}

// The restart policies.
const (
	RestartNever     = "never"
	RestartOnFailure = "on-failure"
	RestartAlways    = "always"
)

// Dependency is a script that another one waits for: until it has finished
// well, or until it is ready.
type Dependency struct {
	Script string
	Ready  bool
	Range  hcl.Range
}

// Parameter is what the configuration says of one parameter: a value, which
// stays an expression until Resolve, and refinements of its description.
type Parameter struct {
	Name      string
	Range     hcl.Range // of the block or the entry in parameters
	NameRange hcl.Range

	Pass string // command line option that carries the value
	Env  string // environment variable that carries it
	File string // absolute path of a JSON file that carries it

	value  hcl.Expression // nil: no value
	refine refinement
	scope  *scope
}

// Variable is a variable block.
type Variable struct {
	Name    string
	Pattern string // RE2 with a group; "": sampled by its name
	Range   hcl.Range
}

// Folder is a scripts block.
type Folder struct {
	Name        string
	Directory   string // absolute
	Include     []string
	Exclude     []string
	Interpreter []string
	Range       hcl.Range
}

// VariableRef names a script's variable.
type VariableRef struct{ Script, Variable string }

// ParameterRef names a script's parameter.
type ParameterRef struct{ Script, Parameter string }

// Route moves a parameter by a variable.
type Route struct {
	Name        string
	Range       hcl.Range
	From        VariableRef
	To          ParameterRef
	Window      int  // `history` is up to so many samples
	Conditional bool // there is a `when`: fires when it turns true; otherwise at each sample
	Cooldown    time.Duration
	Every       time.Duration
	MinChange   float64
	OnNaN       string // "skip" or "fire"
	Enabled     bool

	// References lists what the expressions read beyond from, to, history,
	// previous and step, each once.
	References []Reference

	when, value *routeExpr
	uses        map[string]bool // "from", "to", … : what the expressions read
	ranges      struct{ from, to hcl.Range }
	scope       *scope
}

// What a route does with a NaN that its expressions read.
const (
	OnNaNSkip = "skip" // it does not fire
	OnNaNFire = "fire" // it fires, as if `when` had turned true
)

// RefKind tells what of a script a Reference reads.
type RefKind string

// The kinds of references.
const (
	RefVariable  RefKind = "variable"
	RefParameter RefKind = "parameter"
	RefState     RefKind = "state"
)

// Reference is one thing that a route's expression reads of a script.
type Reference struct {
	Script string
	Kind   RefKind
	Name   string // "" for the state
	Range  hcl.Range
}

// Snapshot is the world that a route's expressions are evaluated on.
type Snapshot struct {
	From     script.Value   // the sample that the route looks at
	Previous script.Value   // the sample before it; null at the first
	To       script.Value   // the target's value now
	History  []script.Value // oldest first, From last, at most Window
	Step     int64          // -1 where the script counts none; read as null
	Lookup   func(Reference) (script.Value, bool)
}

// TopicRoute lets messages of a topic pass from scripts to scripts.
type TopicRoute struct {
	Name     string
	Range    hcl.Range
	Topic    string
	From, To []string
	Enabled  bool

	refs []scriptRef
}

// Collaboration is the collaboration block.
type Collaboration struct {
	Default string // "allow" or "deny"
	Range   hcl.Range
}

// Allow is an allow block: From may send messages of Topics to To.
type Allow struct {
	Name     string
	Range    hcl.Range
	From, To []string
	Topics   []string // none: all topics

	refs []scriptRef
}
