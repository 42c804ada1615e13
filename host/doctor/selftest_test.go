package doctor

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// Whoever asks may go away at any moment: the host of the self-test is stopped
// all the same.
func TestSelfTestGivenUp(t *testing.T) {
	dir := t.TempDir()
	begun, calls := filepath.Join(dir, "begun"), filepath.Join(dir, "calls")
	if err := os.WriteFile(begun, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "mlhost")
	// As the real one, it has left a host behind when it is killed after its start.
	text := "#!/bin/sh\ncase $5 in\nrun) rm " + begun + "; sleep 0.2; echo run >>" + calls + " ;;\ndown) echo down >>" + calls + " ;;\nesac\n"
	if err := os.WriteFile(program, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(begun); err != nil {
				cancel()
				return
			}
		}
	}()
	if err := (Options{Executable: program}).tryScript(ctx); err == nil {
		t.Error("what was given up has passed")
	}
	if got, err := os.ReadFile(calls); err != nil || string(got) != "run\ndown\n" {
		t.Errorf("it was called for %q: %v", got, err)
	}
}
