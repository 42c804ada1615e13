package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestSeedCommands types the commands of the original connector, with the oldest
// Python that is supported and with the newest, as far as they are here.
func TestSeedCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("starts many processes")
	}
	pythons := pythons(t, 8, 14)
	chosen := pythons[:1]
	if len(pythons) > 1 {
		chosen = append(chosen, pythons[len(pythons)-1])
	}
	for _, python := range chosen {
		t.Run(filepath.Base(filepath.Dir(filepath.Dir(python))), func(t *testing.T) {
			bin := t.TempDir()
			for _, name := range []string{"python", "python3"} {
				// No link: an interpreter looks for its library from where it is.
				text := fmt.Sprintf("#!/bin/sh\nexec %s \"$@\"\n", python)
				if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			testscript.Run(t, testscript.Params{
				Dir: "testdata/seed",
				Setup: func(env *testscript.Env) error {
					env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
					return setup(env)
				},
				Cmds:                map[string]func(ts *testscript.TestScript, neg bool, args []string){"await": await},
				RequireExplicitExec: true,
			})
		})
	}
}

// pythons finds interpreters from 3.oldest on to 3.newest: pyenv's, else those on
// PATH.
func pythons(t *testing.T, oldest, newest int) []string {
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for minor := oldest; minor <= newest; minor++ {
		paths, err := filepath.Glob(filepath.Join(home, ".pyenv", "versions", fmt.Sprintf("3.%d.*", minor), "bin", "python3"))
		if err != nil {
			t.Fatal(err)
		}
		if path, err := exec.LookPath(fmt.Sprintf("python3.%d", minor)); err == nil && len(paths) == 0 {
			if exec.Command(path, "--version").Run() == nil { // a shim may have none behind it
				paths = []string{path}
			}
		}
		if len(paths) > 0 {
			found = append(found, paths[len(paths)-1])
		}
	}
	if len(found) == 0 {
		path, err := exec.LookPath("python3")
		if err != nil {
			t.Fatal(err)
		}
		found = []string{path}
	}
	return found
}
