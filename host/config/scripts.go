package config

import (
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

var sha256Pattern = pattern(`^[0-9a-f]{64}$`)

// newScript returns a script with the defaults.
func (l *loader) newScript(name string, at hcl.Range) *Script {
	return &Script{
		Name: name, Range: at, NameRange: at,
		Directory: l.config.Dir,
		Restart: Restart{
			Policy: RestartOnFailure, MaxAttempts: 5, Window: 10 * time.Minute,
			Backoff: time.Second, MaxBackoff: time.Minute,
		},
		StopGrace:  10 * time.Second,
		OnHostExit: "survive",
		Reload:     "manual",
		Autostart:  true,
		scope:      l.scope,
	}
}

func (l *loader) loadScripts(blocks hcl.Blocks) {
	seen := map[string]hcl.Range{}
	for _, b := range blocks {
		name := b.Labels[0]
		l.checkName("script", name, b.LabelRanges[0])
		s := l.loadScript(b)
		if before, ok := seen[name]; ok {
			l.duplicate("script", name, b.DefRange, before)
			continue
		}
		seen[name] = b.DefRange
		l.config.Scripts = append(l.config.Scripts, s)
	}
}

func (l *loader) loadScript(b *hcl.Block) *Script {
	s := l.newScript(b.Labels[0], b.DefRange)
	s.NameRange = b.LabelRanges[0]
	body := l.open(b)
	body.executable(s)
	body.texts("args", &s.Args)
	body.table("env", &s.Env)
	body.checkEnv(s.Env)
	body.path("directory", &s.Directory)
	s.findModule()
	body.path("stdin", &s.Stdin)
	s.StdinRange = body.rangeOf("stdin")
	body.duration("stalled_after", &s.StalledAfter, time.Nanosecond)
	body.duration("stop_grace", &s.StopGrace, 0)
	body.choice("on_host_exit", &s.OnHostExit, "survive", "stop")
	body.choice("reload", &s.Reload, "manual", "auto", "off")
	body.boolean("autostart", &s.Autostart)
	nested := body.content.Blocks.ByType()
	body.restart(nested["restart"], &s.Restart)
	s.Parameters = body.parameters(nested["parameter"], s.Plugin != "")
	s.Variables = body.variables(nested["variable"], s.Plugin != "")
	s.DependsOn = body.dependencies("depends_on")
	return s
}

// executable reads what is run: a source or a module through an interpreter,
// or a plugin.
func (b *block) executable(s *Script) {
	b.path("source", &s.Source)
	b.module(&s.Module)
	b.path("plugin", &s.Plugin)
	s.SourceRange = b.at
	var kinds []string
	for _, kind := range []string{"source", "module", "plugin"} {
		if b.has(kind) {
			s.SourceRange = b.rangeOf(kind)
			kinds = append(kinds, kind)
		}
	}
	b.command("interpreter", &s.Interpreter)
	s.InterpreterRange = b.rangeOf("interpreter")
	b.command("launcher", &s.Launcher)
	s.LauncherRange = b.rangeOf("launcher")
	b.choice("protocol", &s.Protocol, "lines")
	if b.text("sha256", &s.SHA256) {
		s.SHA256 = strings.ToLower(s.SHA256)
		if !sha256Pattern().MatchString(s.SHA256) {
			b.fault("sha256", "Not a SHA-256 sum", "It has %d characters; 64 hexadecimal digits are needed, as sha256sum prints them.", len(s.SHA256))
		}
	}
	switch {
	case len(kinds) > 1:
		b.report(fault(b.nameRange(kinds[1]), "Both "+kinds[0]+" and "+kinds[1], "The script %q is a source file that an interpreter runs, a Python module, or a plugin binary. Remove one.", s.Name))
		return
	case len(kinds) == 0:
		b.report(fault(b.at, "Missing source", "The script %q needs source = \"FILE\", for a script that an interpreter runs, module = \"PACKAGE.MODULE\", for what python -m runs, or plugin = \"FILE\", for a plugin binary.", s.Name))
	case b.has("plugin"):
		for _, name := range []string{"interpreter", "launcher", "protocol", "stdin"} {
			if b.has(name) {
				b.report(fault(b.nameRange(name), "Not for a plugin", "%s is for scripts with a source; a plugin is started by itself.", name))
			}
		}
		return
	case s.Source != "" && !b.has("interpreter") && !s.namesPython():
		b.report(fault(b.rangeOf("source"), "Missing interpreter", "Only *.py files, and files whose first line names Python, have an interpreter by default. Add interpreter = %q.", likelyInterpreter(s.Source)))
	}
	b.launcher(s)
	if b.has("sha256") {
		b.report(fault(b.nameRange("sha256"), "Not for a source", "sha256 pins a plugin binary."))
	}
}

// interpreters are suggestions, not defaults: which R or node is meant is for
// the configuration to say.
var interpreters = map[string]string{
	".r": "Rscript", ".sh": "bash", ".bash": "bash", ".js": "node", ".mjs": "node", ".jl": "julia", ".pl": "perl",
	".rb": "ruby", ".lua": "lua", ".ts": "tsx", ".m": "octave", ".php": "php",
}

func likelyInterpreter(source string) string {
	if best := interpreters[strings.ToLower(filepath.Ext(source))]; best != "" {
		return best
	}
	return "PROGRAM"
}

func isPython(source string) bool {
	ext := strings.ToLower(filepath.Ext(source))
	return ext == ".py" || ext == ".pyw"
}

// path reads a path and makes it absolute.
func (b *block) path(name string, into *string) {
	var s string
	if !b.text(name, &s) {
		return
	}
	if s == "" || strings.ContainsRune(s, 0) {
		b.fault(name, "Invalid path", "%s must not be empty.", name)
		return
	}
	*into = b.loader.path(s)
}

// command reads a command, alone or with arguments as a list. A command with a
// slash is a path; others are looked up in PATH when they are started.
func (b *block) command(name string, into *[]string) {
	a := b.content.Attributes[name]
	if a == nil {
		return
	}
	var command []string
	if v, diags := b.compute(a.Expr, b.ctx); !diags.HasErrors() && v.Type() == cty.String {
		var s string
		if !b.text(name, &s) {
			return
		}
		command = []string{s}
	} else {
		b.texts(name, &command)
		if command == nil {
			return
		}
	}
	if len(command) == 0 || strings.TrimSpace(command[0]) == "" {
		b.fault(name, "Invalid "+name, "%s must name a program.", name)
		return
	}
	if strings.Contains(command[0], "/") {
		command[0] = b.loader.path(command[0])
	}
	*into = command
}

// checkEnv refuses names that no environment can hold, and those by which
// mlhost itself talks to a script.
func (b *block) checkEnv(env map[string]string) {
	for name := range env {
		switch {
		case name == "" || strings.ContainsAny(name, "=\x00"):
			b.fault("env", "Invalid variable name", "%q cannot be the name of an environment variable.", name)
		case strings.ContainsRune(env[name], 0):
			b.fault("env", "Invalid value", "The value of %s has a NUL character.", name)
		case name == "MLHOST_FD" || name == "MLHOST_RUN":
			b.fault("env", "Reserved variable name", "%s is set by mlhost itself.", name)
		}
	}
}

func (b *block) restart(blocks hcl.Blocks, r *Restart) {
	first := b.single(blocks)
	if first == nil {
		return
	}
	body := b.open(first)
	body.choice("policy", &r.Policy, RestartNever, RestartOnFailure, RestartAlways)
	body.whole("max_attempts", &r.MaxAttempts, 1, 1_000_000)
	body.duration("window", &r.Window, time.Nanosecond)
	body.duration("backoff", &r.Backoff, time.Millisecond)
	body.duration("max_backoff", &r.MaxBackoff, time.Millisecond)
	if r.MaxBackoff < r.Backoff {
		if body.has("max_backoff") {
			body.fault("max_backoff", "Out of range", "max_backoff (%s) is below backoff (%s).", r.MaxBackoff, r.Backoff)
		}
		r.MaxBackoff = r.Backoff
	}
}

func (b *block) variables(blocks hcl.Blocks, plugin bool) []*Variable {
	var vs []*Variable
	seen := map[string]hcl.Range{}
	for _, nested := range blocks {
		v := &Variable{Name: nested.Labels[0], Range: nested.DefRange}
		body := b.open(nested)
		if v.Name == "" {
			b.report(fault(nested.LabelRanges[0], "Invalid name", "A variable needs a name."))
		}
		if before, ok := seen[v.Name]; ok {
			b.duplicate("variable", v.Name, nested.DefRange, before)
			continue
		}
		seen[v.Name] = nested.DefRange
		if body.text("pattern", &v.Pattern) {
			body.checkPattern(v.Pattern)
		}
		if body.has("pattern") && plugin {
			b.report(fault(body.nameRange("pattern"), "Not for a plugin", "A plugin reports its variables itself; its output is not searched."))
		}
		vs = append(vs, v)
	}
	return vs
}

func (b *block) checkPattern(pattern string) {
	re, err := regexp.Compile(pattern)
	switch {
	case err != nil:
		b.fault("pattern", "Invalid pattern", "%s. The syntax is RE2: https://github.com/google/re2/wiki/Syntax", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	case re.NumSubexp() == 0:
		b.fault("pattern", "Pattern without a group", "The value is what the first group (…) of the pattern matches, as in \"loss=([0-9.]+)\".")
	}
}
