package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/shared/script"
)

//go:embed starter
var starter embed.FS

// starterFiles are the files of a new plugin by their templates.
var starterFiles = map[string]string{
	"main.go.txt":      "main.go",
	"main_test.go.txt": "main_test.go",
	"config.hcl.txt":   "config.hcl",
	"README.md.txt":    "README.md",
	"gitignore.txt":    ".gitignore",
}

const module = "github.com/mlhost/mlhost"

var scriptName = pattern(`^[A-Za-z_][A-Za-z0-9_-]*$`)

func (a *app) pluginNewVerb() *cobra.Command {
	var name, checkout string
	cmd := &cobra.Command{
		Use:     "new DIR",
		Short:   "Write a plugin to start from, in Go",
		Example: "mlhost plugin new tuner\ncd tuner && go build -o bin/tuner . && mlhost run config.hcl",
		Args:    args(1, 1, "a directory"),
	}
	cmd.Flags().StringVar(&name, "name", "", "the plugin's name (default: the directory's)")
	cmd.Flags().StringVar(&checkout, "source", "", "checkout of mlhost that go.mod points to (default: the one this program was built from)")
	return a.do(cmd, func(_ context.Context, got []string) error {
		dir, err := filepath.Abs(got[0])
		if err != nil {
			return fmt.Errorf("find directory: %w", err)
		}
		if name == "" {
			name = filepath.Base(dir)
		}
		if !scriptName().MatchString(name) {
			return script.Errorf(script.CodeUsage, "%q cannot be a plugin's name: letters, digits, _ and -, not beginning with a digit", name).
				WithHint("choose one with --name")
		}
		files, err := newPlugin(name, checkout)
		if err != nil {
			return err
		}
		if err := writeNew(dir, files); err != nil {
			return err
		}
		return a.print(map[string]any{"name": name, "directory": dir}, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "wrote the plugin %s; next:\n  cd %s\n  go build -o bin/%s .\n  mlhost run config.hcl\n", name, got[0], name)
			return err
		})
	})
}

// newPlugin makes the files of a plugin.
func newPlugin(name, checkout string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for template, path := range starterFiles {
		data, err := starter.ReadFile("starter/" + template)
		if err != nil {
			return nil, fmt.Errorf("read starter: %w", err)
		}
		files[path] = bytes.ReplaceAll(data, []byte("NAME"), []byte(name))
	}
	checkout, err := findCheckout(checkout)
	if err != nil {
		return nil, err
	}
	mod, err := os.ReadFile(filepath.Join(checkout, "go.mod"))
	if err != nil {
		return nil, fmt.Errorf("read go.mod: %w", err)
	}
	if files["go.sum"], err = os.ReadFile(filepath.Join(checkout, "go.sum")); err != nil {
		return nil, fmt.Errorf("read go.sum: %w", err)
	}
	files["go.mod"] = pluginMod(name, checkout, string(mod))
	return files, nil
}

// pluginMod makes a plugin's go.mod of ours: the same versions of everything,
// so that it builds with what is downloaded already, and ourselves by path as
// long as the module is not published. `go mod tidy` drops what is not used.
func pluginMod(name, checkout, ours string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "module %s\n", name)
	_, rest, _ := strings.Cut(ours, "\n") // without our own module line
	b.WriteString(rest)
	fmt.Fprintf(&b, "\nrequire %s v0.0.0\n\nreplace %s => %s\n", module, module, modPath(checkout))
	return []byte(b.String())
}

// modPath quotes a path for go.mod where it has to be.
func modPath(path string) string {
	if strings.ContainsAny(path, " \t()[]{},'\"`") {
		return fmt.Sprintf("%q", path)
	}
	return path
}

// findCheckout finds the sources of mlhost: the given directory, else the one
// that holds this program, else the one where it was compiled.
func findCheckout(given string) (string, error) {
	if given != "" {
		abs, err := filepath.Abs(given)
		if err != nil || !isCheckout(abs) {
			return "", script.Errorf(script.CodeNotFound, "%s is no checkout of mlhost", given)
		}
		return abs, nil
	}
	var candidates []string
	if exe, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			exe = real
		}
		candidates = append(candidates, filepath.Dir(filepath.Dir(exe)))
	}
	if _, file, _, ok := runtime.Caller(0); ok {
		candidates = append(candidates, filepath.Dir(filepath.Dir(filepath.Dir(file))))
	}
	for _, dir := range candidates {
		if isCheckout(dir) {
			return dir, nil
		}
	}
	return "", script.Errorf(script.CodeNotFound, "the sources of mlhost were not found").
		WithHint("name a checkout with --source DIR")
}

func isCheckout(dir string) bool {
	data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	return err == nil && strings.HasPrefix(string(data), "module "+module+"\n")
}

// writeNew writes files into a directory that must not hold any of them yet.
func writeNew(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return script.Errorf(script.CodeIO, "make directory: %v", err)
	}
	for path := range files {
		if _, err := os.Lstat(filepath.Join(dir, path)); err == nil {
			return script.Errorf(script.CodeRejected, "%s exists already; nothing was written", filepath.Join(dir, path))
		} else if !errors.Is(err, os.ErrNotExist) {
			return script.Errorf(script.CodeIO, "%v", err)
		}
	}
	for path, data := range files {
		if err := os.WriteFile(filepath.Join(dir, path), data, 0o644); err != nil {
			return script.Errorf(script.CodeIO, "write file: %v", err)
		}
	}
	return nil
}
