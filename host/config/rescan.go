package config

import (
	"errors"
	"io/fs"
	"os"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// Rescan looks into the folders again. It returns the configuration with the
// scripts that are new and without those whose files are gone, but for the
// ones that keep holds on to; c itself is not changed. A folder that cannot be
// read is an error, and nothing has changed then.
func (c *Config) Rescan(keep func(*Script) bool) (next *Config, added, gone []*Script, diags hcl.Diagnostics) {
	copied := *c
	next = &copied
	next.Scripts = nil
	for _, s := range c.Scripts {
		if s.Gone() && !keep(s) {
			gone = append(gone, s)
			continue
		}
		next.Scripts = append(next.Scripts, s)
	}
	known := len(next.Scripts)
	scope := &scope{ctx: &hcl.EvalContext{}, files: c.Files, env: os.LookupEnv}
	for _, f := range c.Folders {
		l := &loader{scope: scope, config: next, reported: map[string]bool{}}
		l.expand(f, f.Range)
		diags = append(diags, l.diags...)
	}
	if diags.HasErrors() {
		return c, nil, nil, diags
	}
	return next, slices.Clone(next.Scripts[known:]), gone, nil
}

// Gone reports whether the script was found in a folder and its file is not
// there any more.
func (s *Script) Gone() bool {
	if s.Folder == "" {
		return false
	}
	_, err := os.Stat(s.Source)
	return errors.Is(err, fs.ErrNotExist)
}

// Holds reports whether a file of the name is a script of the folder.
func (f *Folder) Holds(name string) bool { return f.holds(name) }
