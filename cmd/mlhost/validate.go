package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"

	"github.com/hashicorp/hcl/v2"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/host/supervisor"
	"github.com/mlhost/mlhost/shared/script"
)

// validate checks a configuration and tells everything that is wrong with it.
func (a *app) validate(s *source) verb {
	return func(ctx context.Context, got []string) error {
		s.path = "."
		if len(got) > 0 {
			s.path = got[0]
		}
		cfg, diags, err := a.load(*s)
		if err != nil {
			return err
		}
		if !diags.HasErrors() {
			known, found := describePlugins(ctx, cfg)
			diags = append(append(diags, found...), cfg.CheckFiles()...)
			read, found := a.describeScripts(ctx, cfg, func(*config.Script) bool { return true })
			maps.Copy(known, read)
			diags = append(diags, found...)
			diags = append(diags, cfg.Check(known)...)
		}
		out := v1.Diagnostics{Valid: !diags.HasErrors(), Diagnostics: []v1.Diagnostic{}}
		for _, f := range config.Findings(diags) {
			out.Diagnostics = append(out.Diagnostics, v1.Diagnostic(f))
		}
		if err := a.print(out, func(io.Writer) error {
			if err := a.showDiagnostics(a.stdout, cfg.Files, diags); err != nil {
				return err
			}
			if out.Valid {
				_, err := fmt.Fprintf(a.stdout, "%s is valid: %s, %s\n", s.path, count(len(cfg.Scripts), "script"), count(len(cfg.Routes)+len(cfg.TopicRoutes), "route"))
				return err
			}
			return nil
		}); err != nil {
			return err
		}
		if !out.Valid {
			return silent(exitConfig)
		}
		return nil
	}
}

// describePlugins asks every plugin that a configuration names what it takes
// and reports. One that does not answer is reported; one that is not there is
// found with the other files.
func describePlugins(ctx context.Context, cfg *config.Config) (map[string]script.Description, hcl.Diagnostics) {
	sup := supervisor.New(supervisor.Options{})
	known := map[string]script.Description{}
	var diags hcl.Diagnostics
	for _, s := range cfg.Scripts {
		if s.Plugin == "" || s.CheckFiles().HasErrors() {
			continue
		}
		d, err := sup.Describe(ctx, s)
		if err != nil {
			e := script.AsError(err)
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: "The plugin does not describe itself", Detail: strings.TrimSpace(e.Message + ". " + e.Hint), Subject: &s.SourceRange,
			})
			continue
		}
		known[s.Name] = d
	}
	return known, diags
}

// format rewrites configuration files, or says which ones it would.
func (a *app) format(check *bool) verb {
	return func(_ context.Context, got []string) error {
		if len(got) == 1 && got[0] == "-" {
			return a.formatStdin()
		}
		paths, err := hclFiles(got)
		if err != nil {
			return err
		}
		changed := []string{}
		for _, path := range paths {
			differs, err := a.formatFile(path, *check)
			if err != nil {
				return err
			}
			if differs {
				changed = append(changed, path)
			}
		}
		if err := a.print(map[string]any{"changed": changed}, func(w io.Writer) error {
			for _, path := range changed {
				if _, err := fmt.Fprintln(w, path); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		if *check && len(changed) > 0 {
			return silent(exitFindings)
		}
		return nil
	}
}

func (a *app) formatFile(path string, check bool) (differs bool, err error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return false, script.Errorf(script.CodeIO, "read configuration: %v", err)
	}
	out, diags := config.Format(src, path)
	if diags.HasErrors() {
		return false, config.Error(diags)
	}
	if bytes.Equal(src, out) {
		return false, nil
	}
	if check {
		return true, nil
	}
	if err := replaceFile(path, out); err != nil {
		return false, script.Errorf(script.CodeIO, "write configuration: %v", err)
	}
	return true, nil
}

func (a *app) formatStdin() error {
	src, err := io.ReadAll(io.LimitReader(a.stdin, maxFile))
	if err != nil {
		return script.Errorf(script.CodeIO, "read stdin: %v", err)
	}
	out, diags := config.Format(src, "stdin")
	if diags.HasErrors() {
		return config.Error(diags)
	}
	_, err = a.stdout.Write(out)
	return err
}
