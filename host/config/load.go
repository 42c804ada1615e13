package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Options say what a configuration is loaded with.
type Options struct {
	Inputs     map[string]string // --input NAME=VALUE
	InputFiles []string          // --input-file, later ones win
	Env        func(name string) (string, bool)
}

// scope is what expressions see, and the sources they stand in.
type scope struct {
	ctx   *hcl.EvalContext
	files map[string]*hcl.File
	env   func(string) (string, bool)
}

// loader is one Load.
type loader struct {
	*scope
	config *Config
	diags  hcl.Diagnostics

	reported map[string]bool
}

// Load reads the configuration at path: a file, or a directory whose files
// are merged in name order. The Config is never nil; it is whole when the
// diagnostics have no error.
func Load(path string, options Options) (*Config, hcl.Diagnostics) {
	l := newLoader(path, options)
	names, err := configFiles(path)
	if err != nil {
		l.report(unreadable(path, err))
		return l.config, l.diags
	}
	if len(names) == 1 && names[0] == path {
		l.setDir(filepath.Dir(path))
	} else {
		l.setDir(path)
	}
	var bodies []hcl.Body
	broken, total := false, 0
	for _, name := range names {
		file, diags := parseFile(name, l.files)
		l.report(diags...)
		if file != nil {
			if total += len(file.Bytes); total > maxTotalSize {
				l.report(fault(hcl.Range{}, "Configuration too large", "The files of %s have more than 16 MiB together.", path))
				break
			}
		}
		broken = broken || diags.HasErrors()
		if file != nil {
			bodies = append(bodies, file.Body)
		}
	}
	l.load(hcl.MergeBodies(bodies), options, broken)
	return l.config, sorted(l.diags)
}

func newLoader(path string, options Options) *loader {
	files := map[string]*hcl.File{}
	l := &loader{
		scope: &scope{files: files, env: options.Env},
		config: &Config{
			Host:          Host{Listen: DefaultListen, KeepRuns: DefaultKeepRuns},
			Connector:     Connector{Listen: DefaultConnectorListen, Auth: "user"},
			Collaboration: Collaboration{Default: "allow"},
			Files:         files,
		},
		reported: map[string]bool{},
	}
	if l.env == nil {
		l.env = os.LookupEnv
	}
	if address, ok := l.env(ListenEnv); ok {
		l.config.Host.Listen = address
	}
	if address, ok := l.env(ConnectorListenEnv); ok {
		l.config.Connector.Listen = address
	}
	l.setDir(filepath.Dir(path))
	return l
}

// setDir names the directory that relative paths and file() are below.
func (l *loader) setDir(dir string) {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	l.config.Dir = dir
	l.ctx = &hcl.EvalContext{Variables: map[string]cty.Value{}, Functions: loadFunctions(dir, l.env)}
}

// load decodes the merged body. After a syntax error (broken) whole blocks
// may be missing, so what does not fit together is not reported.
func (l *loader) load(body hcl.Body, options Options, broken bool) {
	content, diags := body.Content(rootSchema)
	for _, d := range diags {
		if d.Summary == "Unsupported argument" && !strings.Contains(d.Detail, "Did you mean") {
			d.Detail += " Only blocks stand here. Shared values stand in a locals block, values for inputs in a file of their own that --input-file names."
		}
	}
	l.report(diags...)
	blocks := content.Blocks.ByType()
	l.loadInputs(blocks["input"], options)
	l.loadLocals(blocks["locals"])
	l.loadHost(blocks["host"])
	l.loadConnector(blocks["connector"])
	l.loadCollaboration(blocks["collaboration"])
	l.loadScripts(blocks["script"])
	l.loadFolders(blocks["scripts"])
	l.loadRoutes(blocks["route"])
	l.loadAllows(blocks["allow"])
	l.loadNotifies(blocks["notify"])
	if !broken {
		l.report(l.config.checkNames()...)
		l.report(l.config.checkCycles()...)
	}
}

// report adds diagnostics, with hints, each once.
func (l *loader) report(diags ...*hcl.Diagnostic) {
	for _, d := range diags {
		var src []byte
		if d.Subject != nil && l.files[d.Subject.Filename] != nil {
			src = l.files[d.Subject.Filename].Bytes
		}
		hint(d, src)
		key := fmt.Sprint(d.Subject, d.Summary, d.Detail)
		if !l.reported[key] {
			l.reported[key] = true
			l.diags = append(l.diags, d)
		}
	}
}

// path makes a configured path absolute.
func (l *loader) path(p string) string {
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(l.config.Dir, p)
}

// source returns the text of a range.
func (s *scope) source(r hcl.Range) string {
	f := s.files[r.Filename]
	if f == nil || r.Start.Byte < 0 || r.End.Byte > len(f.Bytes) || r.Start.Byte > r.End.Byte {
		return ""
	}
	return string(f.Bytes[r.Start.Byte:r.End.Byte])
}

// json reports whether the range stands in a file of the JSON variant.
func (s *scope) json(r hcl.Range) bool { return isJSON(r.Filename) }
