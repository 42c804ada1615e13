package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// plugins answers `plugin list`.
type plugins struct {
	Plugins []pluginFile `json:"plugins"`
}

type pluginFile struct {
	Name   string `json:"name"`
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

func (a *app) pluginListVerb() *cobra.Command {
	return a.do(&cobra.Command{
		Use:     "list [DIR…]",
		Short:   "List plugins: those that come with mlhost, or those of directories",
		Example: "mlhost plugin list\nmlhost plugin list bin",
		Args:    cobra.ArbitraryArgs,
	}, func(_ context.Context, dirs []string) error {
		if len(dirs) == 0 {
			exe, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find own executable: %w", err)
			}
			dirs = []string{filepath.Join(filepath.Dir(exe), "plugins")}
		}
		out := plugins{Plugins: []pluginFile{}}
		for _, dir := range dirs {
			found, err := findPlugins(dir)
			if err != nil {
				return err
			}
			out.Plugins = append(out.Plugins, found...)
		}
		return a.print(out, func(w io.Writer) error {
			if len(out.Plugins) == 0 {
				a.note("no plugins in %v", dirs)
			}
			t := table{header: []string{"PLUGIN", "SHA256", "PATH"}}
			for _, p := range out.Plugins {
				t.add(p.Name, p.SHA256[:12], p.Path)
			}
			return t.write(w)
		})
	})
}

// findPlugins lists the executables of a directory; one that is not there has
// none.
func findPlugins(dir string) ([]pluginFile, error) {
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list plugins: %w", err)
	}
	var out []pluginFile
	for _, e := range entries {
		path, err := filepath.Abs(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("list plugins: %w", err)
		}
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
			continue // not a program
		}
		sum, err := fileSum(path)
		if err != nil {
			return nil, err
		}
		out = append(out, pluginFile{Name: e.Name(), Path: path, SHA256: sum})
	}
	return out, nil
}

func fileSum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read plugin: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read plugin: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
