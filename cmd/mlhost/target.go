package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

// source says what to run, and with which inputs.
type source struct {
	path       string
	module     string   // a Python module, in place of path
	args       []string // for a single script
	inputs     []string // NAME=VALUE
	inputFiles []string
}

// flags adds the flags for inputs to a verb.
func (s *source) flags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&s.inputs, "input", nil, "give an input of the configuration a value: NAME=VALUE (or MLHOST_INPUT_NAME)")
	cmd.Flags().StringArrayVar(&s.inputFiles, "input-file", nil, "a file with values for inputs")
}

// load reads the configuration, or makes one of a script or a folder.
func (a *app) load(s source) (*config.Config, hcl.Diagnostics, error) {
	if s.module != "" {
		if len(s.inputs)+len(s.inputFiles) > 0 {
			return nil, nil, script.Errorf(script.CodeUsage, "inputs are for a configuration; -m runs one module")
		}
		cfg, diags := config.Module(s.module, s.args)
		return cfg, diags, nil
	}
	inputs, err := parsePairs(s.inputs)
	if err != nil {
		return nil, nil, err
	}
	if len(s.inputs)+len(s.inputFiles) > 0 && !config.IsConfig(s.path) {
		return nil, nil, script.Errorf(script.CodeUsage, "inputs are for a configuration; %s is none", s.path)
	}
	cfg, diags := config.Open(s.path, s.args, config.Options{Inputs: inputs, InputFiles: s.inputFiles, Env: a.getenv})
	return cfg, diags, nil
}

// showDiagnostics writes diagnostics for people.
func (a *app) showDiagnostics(w *os.File, files map[string]*hcl.File, diags hcl.Diagnostics) error {
	width := uint(0)
	if isTerminal(w) {
		if columns, _, err := term.GetSize(int(w.Fd())); err == nil && columns > 0 {
			width = uint(columns)
		}
	}
	return config.WriteDiagnostics(w, files, diags, width, a.color(w))
}

// color reports whether to write colours to w.
func (a *app) color(w *os.File) bool {
	return isTerminal(w) && !a.noColor && a.env("NO_COLOR") == "" && a.env("TERM") != "dumb"
}

// configError tells what is wrong with a configuration: excerpts for people,
// one error for programs.
func (a *app) configError(cfg *config.Config, diags hcl.Diagnostics) error {
	if a.json {
		return config.Error(diags)
	}
	if err := a.showDiagnostics(a.stderr, cfg.Files, diags); err != nil {
		return err
	}
	return silent(exitConfig)
}

func (a *app) validateVerb() *cobra.Command {
	var s source
	cmd := &cobra.Command{
		Use:   "validate [CONFIG]",
		Short: "Check a configuration without running it",
		Args:  args(0, 1, "a configuration"),
	}
	s.flags(cmd)
	return a.do(cmd, a.validate(&s))
}

func (a *app) fmtVerb() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:     "fmt [PATH…]",
		Short:   "Write configuration files in the usual form",
		Example: "mlhost fmt\nmlhost fmt --check config.hcl\nmlhost fmt -",
		Args:    cobra.ArbitraryArgs,
	}
	cmd.Flags().BoolVar(&check, "check", false, "write nothing; exit with 6 if a file would change")
	return a.do(cmd, a.format(&check))
}

// hclFiles lists the files that fmt is for.
func hclFiles(paths []string) ([]string, error) {
	if len(paths) == 0 {
		paths = []string{"."}
	}
	var out []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, script.Errorf(script.CodeNotFound, "there is no %s", path)
		}
		if !info.IsDir() {
			out = append(out, path)
			continue
		}
		found, err := filepath.Glob(filepath.Join(path, "*.hcl"))
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", path, err)
		}
		out = append(out, found...)
	}
	return out, nil
}

// replaceFile writes data to path by way of a new file.
func replaceFile(path string, data []byte) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".fmt-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := io.Copy(f, strings.NewReader(string(data))); err != nil {
		f.Close()
		return err
	}
	if err := f.Chmod(info.Mode().Perm()); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
