package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/wrappers/python"
)

// readPatience is how long `run` waits for scripts to be read before it checks
// without.
const readPatience = 5 * time.Second

// discoverOptions tell where results are kept, and where the libraries are of
// the interpreter that a script would run in.
func discoverOptions(state string, scripts ...*config.Script) python.DiscoverOptions {
	byFolder := map[string][]string{}
	return python.DiscoverOptions{Cache: filepath.Join(state, ".discovered"), Libraries: func(path string) []string {
		for _, s := range scripts {
			if s.MainFile() == path {
				return python.SitePackages(s.Launch("").Interpreter)
			}
		}
		folder := filepath.Dir(path)
		if _, known := byFolder[folder]; !known {
			byFolder[folder] = nil
			if cfg, diags := config.Single(path, nil); !diags.HasErrors() && len(cfg.Scripts) == 1 {
				byFolder[folder] = python.SitePackages(cfg.Scripts[0].Launch("").Interpreter)
			}
		}
		return byFolder[folder]
	}}
}

// discoverer is how a host reads scripts.
func discoverer(state string) func(context.Context, *config.Script) (script.Catalogue, error) {
	return func(ctx context.Context, s *config.Script) (script.Catalogue, error) {
		found, err := python.Discover(ctx, discoverOptions(state, s), []string{s.MainFile()})
		if err != nil {
			return script.Catalogue{}, err
		}
		if found[0].Unreadable {
			return script.Catalogue{}, errors.New(problemText(found[0]))
		}
		return found[0].Catalogue(), nil
	}
}

func problemText(d python.Discovered) string {
	return strings.Join(d.Catalogue().Problems, "; ")
}

// describeScripts reads the wanted scripts, and reports what does not fit to
// the configuration. What cannot be read is a warning, and taken as it comes.
func (a *app) describeScripts(ctx context.Context, cfg *config.Config, want func(*config.Script) bool) (map[string]script.Description, hcl.Diagnostics) {
	known := map[string]script.Description{}
	var scripts []*config.Script
	var paths []string
	for _, s := range cfg.Scripts {
		if s.IsRead() && want(s) && !s.CheckFiles().HasErrors() {
			scripts, paths = append(scripts, s), append(paths, s.MainFile())
		}
	}
	if len(scripts) == 0 {
		return known, nil
	}
	state, err := a.stateDir()
	if err == nil {
		var found []python.Discovered
		if found, err = python.Discover(ctx, discoverOptions(state, scripts...), paths); err == nil {
			var diags hcl.Diagnostics
			for i, s := range scripts {
				diags = append(diags, describeScript(s, &found[i], known)...)
			}
			return known, diags
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("they could not be read within %s", readPatience)
	}
	return known, hcl.Diagnostics{{
		Severity: hcl.DiagWarning, Summary: "The scripts' parameters are not known", Detail: strings.TrimSuffix(err.Error(), ".") + ". Values are checked when the scripts run.",
	}}
}

func describeScript(s *config.Script, found *python.Discovered, known map[string]script.Description) hcl.Diagnostics {
	if found.Unreadable {
		d := &hcl.Diagnostic{
			Severity: hcl.DiagWarning, Summary: "The script's parameters are not known",
			Detail: fmt.Sprintf("%s. What is configured for %q is checked when it runs.", strings.TrimSuffix(problemText(*found), "."), s.Name),
		}
		if s.SourceRange.Filename != "" {
			d.Subject = &s.SourceRange
		}
		return hcl.Diagnostics{d}
	}
	c := found.Catalogue()
	known[s.Name] = s.Description(&c)
	return s.CheckFound(&c)
}
