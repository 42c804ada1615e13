package config

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Block documents one kind of block. What stands here is what is read: a
// setting that is not listed is refused.
type Block struct {
	Name     string
	Label    string // what stands in quotes behind the name; "" for none
	Doc      string
	Settings []Setting
	Blocks   []string // those inside
	Free     bool     // holds any names
}

// Setting documents one attribute of a block.
type Setting struct {
	Name string
	Type string
	// Default is what holds without it, as HCL where it can be written so; ""
	// for none. Required ones have no default.
	Default  string
	Required bool
	Doc      string
}

// Schema lists all blocks, those at the top level first.
func Schema() []Block { return slices.Clone(schema) }

// Top reports whether the block stands by itself.
func (b Block) Top() bool {
	return !slices.ContainsFunc(schema, func(other Block) bool { return slices.Contains(other.Blocks, b.Name) })
}

// written is what of the default can stand in a configuration.
func (s Setting) written() (string, bool) {
	return s.Default, s.Default != "" && !strings.HasPrefix(s.Default, "the ") && !strings.HasPrefix(s.Default, "no ")
}

var schema = []Block{
	{
		Name: "host", Doc: "The host itself. All of it takes effect when a host starts.",
		Settings: []Setting{
			{Name: "name", Type: "string", Default: "the machine's host name", Doc: "what the host is called, in its state directory and in `--host NAME`"},
			{Name: "listen", Type: "string", Default: `"127.0.0.1:10117"`, Doc: "address for HTTP and for connector commands of operators; `\"\"` turns it off, port 0 takes a free one. `MLHOST_LISTEN` holds in place of the default"},
			{Name: "tls_cert", Type: "path", Doc: "certificate (PEM). Without one only addresses of this machine can be listened on"},
			{Name: "tls_key", Type: "path", Doc: "the certificate's private key (PEM)"},
			{Name: "keep_runs", Type: "int", Default: `1000`, Doc: "ended runs of each script that are kept, with their samples and logs; `0` keeps all"},
			{Name: "keep_for", Type: "duration", Default: `"0s"`, Doc: "runs that ended longer ago are removed; `\"0s\"` keeps them. The last run of a script is always kept"},
			{Name: "allowed_hosts", Type: "list of strings", Default: `[]`, Doc: "further names that callers may call the host by, for example that of a proxy"},
		},
	},
	{
		Name: "connector", Doc: "The connector's protocol: JSON over TCP. All of it takes effect when a host starts.",
		Settings: []Setting{
			{Name: "listen", Type: "string", Default: `"127.0.0.1:10118"`, Doc: "address for scripts; `\"\"` turns it off, port 0 takes a free one. `MLHOST_CONNECTOR_LISTEN` holds in place of the default"},
			{Name: "auth", Type: "string", Default: `"user"`, Doc: "who is answered, here and on the host's `listen`: `\"user\"`, processes of the host's own user; `\"token\"`, who sends the token; `\"none\"`, everybody who can connect"},
		},
	},
	{Name: "locals", Free: true, Doc: "Values with names of one's own: `local.NAME` elsewhere. There may be several such blocks."},
	{
		Name: "input", Label: "NAME", Doc: "A value from outside, `input.NAME` elsewhere: `--input NAME=VALUE`, else the last `--input-file` that has it, else `MLHOST_INPUT_NAME`, else the default.",
		Settings: []Setting{
			{Name: "type", Type: "type", Default: `"any"`, Doc: "`bool`, `int`, `float`, `string`, `list`, `map` or `any`"},
			{Name: "default", Type: "any", Doc: "its value where nobody gives one; without it the input has to be given"},
			{Name: "doc", Type: "string", Doc: "what it is"},
		},
	},
	{
		Name: "script", Label: "NAME", Doc: "A script: `source`, `module` or `plugin` says what runs.",
		Settings: []Setting{
			{Name: "source", Type: "path", Doc: "a file that an interpreter runs; Python also runs a folder with a `__main__.py`, and an archive"},
			{Name: "module", Type: "string", Doc: "a Python module: `\"pkg.train\"` runs what `python -m pkg.train` would"},
			{Name: "plugin", Type: "path", Doc: "a plugin binary"},
			{Name: "interpreter", Type: "string or list", Default: "the nearest .venv upward from the source, then $VIRTUAL_ENV, then python3 from PATH; for a file whose first line names Python, that one", Doc: "a program, or a list of a program and its arguments; one with a slash is a path. Files that are not Python need it"},
			{Name: "launcher", Type: "string or list", Doc: "what starts the Python processes in place of the interpreter: `[\"torchrun\", \"--nproc_per_node=2\"]`"},
			{Name: "protocol", Type: "string", Doc: "`\"lines\"`: the script speaks JSON lines itself"},
			{Name: "sha256", Type: "string", Doc: "what the plugin's SHA-256 sum must be"},
			{Name: "args", Type: "list of strings", Default: `[]`, Doc: "command line arguments"},
			{Name: "env", Type: "map of strings", Default: `{}`, Doc: "environment variables, added to the host's"},
			{Name: "directory", Type: "path", Default: "the configuration's", Doc: "the working directory"},
			{Name: "stdin", Type: "path", Default: "no input (/dev/null)", Doc: "a file to read from"},
			{Name: "parameters", Type: "map", Default: `{}`, Doc: "values by name; only what stands here, or in a parameter block, is passed to the script"},
			{Name: "stalled_after", Type: "duration", Default: "no limit", Doc: "no step and no output for so long: state `stalled`"},
			{Name: "depends_on", Type: "list of scripts", Default: `[]`, Doc: "`script.NAME`: started when that has finished well; `script.NAME.ready`: when it is ready"},
			{Name: "stop_grace", Type: "duration", Default: `"10s"`, Doc: "how long a stop waits before the script is killed"},
			{Name: "on_host_exit", Type: "string", Default: `"survive"`, Doc: "or `\"stop\"`: what happens to the script when the host gets SIGTERM"},
			{Name: "reload", Type: "string", Default: `"manual"`, Doc: "what a changed source does: `\"manual\"`, `ps` says \"source changed\"; `\"auto\"`, the script starts again; `\"off\"`, nothing. A plugin's changed binary is taken up unless it is `\"off\"`"},
			{Name: "autostart", Type: "bool", Default: `true`, Doc: "started with the host"},
		},
		Blocks: []string{"parameter", "variable", "restart"},
	},
	{
		Name: "scripts", Label: "NAME", Doc: "A folder: every file in it that the patterns take is a script, known by its name without the ending, and started by hand.",
		Settings: []Setting{
			{Name: "directory", Type: "path", Required: true, Doc: "the folder; those below it are not searched"},
			{Name: "include", Type: "list of strings", Default: `["*.py"]`, Doc: "patterns for file names: `*`, `?`, `[a-z]`"},
			{Name: "exclude", Type: "list of strings", Default: `[]`, Doc: "patterns for those that are left out"},
			{Name: "interpreter", Type: "string or list", Default: "the same as that of a script", Doc: "needed where the patterns take other files than Python's"},
		},
	},
	{
		Name: "route", Label: "NAME", Doc: "From a script's variable to a script's parameter; or, with a `topic`, for messages from scripts to scripts.",
		Settings: []Setting{
			{Name: "from", Type: "reference", Required: true, Doc: "`script.NAME.variable.X`; with a topic a list of scripts"},
			{Name: "to", Type: "reference", Required: true, Doc: "`script.NAME.parameter.X`; with a topic a list of scripts"},
			{Name: "topic", Type: "string", Doc: "lets messages of this topic pass; a message's topic is its data's `\"type\"`, else `\"data\"`"},
			{Name: "when", Type: "expression", Default: "no condition: the route fires at each sample", Doc: "the route fires when this turns true, not as long as it is"},
			{Name: "value", Type: "expression", Default: "the sample, `from`", Doc: "the parameter's new value"},
			{Name: "window", Type: "int", Default: `100`, Doc: "how many samples `history` has at most; up to 100000"},
			{Name: "cooldown", Type: "duration", Default: `"0s"`, Doc: "the least time from one change to the next. A `when` that is still true afterwards fires then"},
			{Name: "every", Type: "duration", Default: "no limit", Doc: "at most one change in this time; for routes without `when`"},
			{Name: "min_change", Type: "number", Default: `0`, Doc: "a value closer to the current one than this is not set"},
			{Name: "on_nan", Type: "string", Default: `"skip"`, Doc: "`\"skip\"`: a sample that is NaN is passed over; `\"fire\"`: it counts as a `when` that is true"},
			{Name: "enabled", Type: "bool", Default: `true`, Doc: "`false`: the route is checked and does nothing"},
		},
	},
	{
		Name: "collaboration", Doc: "Which messages may pass between scripts.",
		Settings: []Setting{
			{Name: "default", Type: "string", Default: `"allow"`, Doc: "`\"deny\"`: only what topic routes and allow blocks name"},
		},
	},
	{
		Name: "allow", Label: "NAME", Doc: "Messages that may pass where `collaboration` says \"deny\".",
		Settings: []Setting{
			{Name: "from", Type: "list of scripts", Required: true, Doc: "`[script.NAME]`"},
			{Name: "to", Type: "list of scripts", Required: true, Doc: "`[script.NAME]`"},
			{Name: "topics", Type: "list of strings", Default: "the list of all", Doc: "which topics"},
		},
	},
	{
		Name: "notify", Label: "NAME", Doc: "An address (a webhook) that is told when something happens to scripts.",
		Settings: []Setting{
			{Name: "url", Type: "string", Required: true, Doc: "what is told, by POST; `env(\"NAME\")` where it holds a secret. It is shown to nobody"},
			{Name: "on", Type: "list of strings", Default: `["failed", "lost", "stalled", "stuck", "nan"]`, Doc: "the occasions: these, `\"finished\"`, `\"stopped\"` and `\"backoff\"`"},
			{Name: "scripts", Type: "list of scripts", Default: "the list of all", Doc: "`[script.NAME]`: only of these"},
			{Name: "timeout", Type: "duration", Default: `"10s"`, Doc: "how long one attempt may take"},
			{Name: "headers", Type: "map of strings", Default: `{}`, Doc: "further headers of the request; their values are shown to nobody"},
		},
	},
	{
		Name: "parameter", Label: "NAME", Doc: "Refines a parameter: what the script declares can be narrowed, not widened.",
		Settings: []Setting{
			{Name: "value", Type: "any", Doc: "its value"},
			{Name: "type", Type: "type", Default: "the script's", Doc: "`bool`, `int`, `float`, `string`, `list`, `map` or `any`"},
			{Name: "min", Type: "number", Default: "the script's", Doc: "the least value"},
			{Name: "max", Type: "number", Default: "the script's", Doc: "the greatest value"},
			{Name: "step", Type: "number", Default: "the script's", Doc: "values lie so far apart, counted from `min`"},
			{Name: "scale", Type: "string", Default: "the script's", Doc: "`\"linear\"` or `\"log\"`: how it is shown"},
			{Name: "choices", Type: "list", Default: "the script's", Doc: "the values that are allowed"},
			{Name: "pattern", Type: "string", Default: "the script's", Doc: "a regular expression (RE2) that the whole string must match"},
			{Name: "unit", Type: "string", Default: "the script's", Doc: "its unit"},
			{Name: "doc", Type: "string", Default: "the script's", Doc: "what it is"},
			{Name: "group", Type: "string", Default: "the script's", Doc: "what it is shown together with"},
			{Name: "mutability", Type: "string", Default: "the script's", Doc: "when a change can take effect: `\"live\"`, `\"boundary\"` (at the next step), `\"restart\"` or `\"fixed\"`"},
			{Name: "sensitive", Type: "bool", Default: "the script's", Doc: "its value is shown to nobody"},
			{Name: "pass", Type: "string", Doc: "passed as an option: `\"--lr\"` before the value, `\"--lr=\"` joined to it"},
			{Name: "env", Type: "string", Doc: "passed as an environment variable"},
			{Name: "file", Type: "path", Doc: "passed in a JSON object in this file, with all others that name it"},
		},
	},
	{
		Name: "variable", Label: "NAME", Doc: "A variable to read from the script.",
		Settings: []Setting{
			{Name: "pattern", Type: "string", Default: "no pattern: it is taken from whatever reports it, or from a Python script's memory", Doc: "a regular expression (RE2) for lines of output; its first group is the value"},
		},
	},
	{
		Name: "restart", Doc: "Whether a script that has ended is started again.",
		Settings: []Setting{
			{Name: "policy", Type: "string", Default: `"on-failure"`, Doc: "`\"never\"`, `\"on-failure\"` or `\"always\"`"},
			{Name: "max_attempts", Type: "int", Default: `5`, Doc: "so many within the window, then the script is `failed`"},
			{Name: "window", Type: "duration", Default: `"10m"`, Doc: "the time in which attempts are counted"},
			{Name: "backoff", Type: "duration", Default: `"1s"`, Doc: "the pause before the first attempt; it doubles with each"},
			{Name: "max_backoff", Type: "duration", Default: `"60s"`, Doc: "the longest pause"},
		},
	},
}

// blockNamed are those of the schema.
var blockNamed = func() map[string]Block {
	byName := map[string]Block{}
	for _, b := range schema {
		byName[b.Name] = b
	}
	return byName
}()

// body is what HCL needs to read a block.
func (b Block) body() *hcl.BodySchema {
	s := &hcl.BodySchema{Blocks: headers(b.Blocks...)}
	for _, a := range b.Settings {
		s.Attributes = append(s.Attributes, hcl.AttributeSchema{Name: a.Name})
	}
	return s
}

func headers(names ...string) []hcl.BlockHeaderSchema {
	var out []hcl.BlockHeaderSchema
	for _, name := range names {
		h := hcl.BlockHeaderSchema{Type: name}
		if blockNamed[name].Label != "" {
			h.LabelNames = []string{"name"}
		}
		out = append(out, h)
	}
	return out
}

// rootSchema are the blocks of the top level.
var rootSchema = func() *hcl.BodySchema {
	var names []string
	for _, b := range schema {
		if b.Top() {
			names = append(names, b.Name)
		}
	}
	return &hcl.BodySchema{Blocks: headers(names...)}
}()
