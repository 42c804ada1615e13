//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlhost/mlhost/internal/proc"
)

// victimEnv makes the test's program a chaos that is to be killed; it names
// the directory of programs to use.
const victimEnv = "MLHOST_CHAOS_VICTIM"

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(guardEnv) != "":
		exit(stand(os.Getenv(guardEnv)))
	case os.Getenv(victimEnv) != "":
		exit(suffer(os.Getenv(victimEnv)))
	}
	os.Exit(m.Run())
}

// TestRows puts every promise to the test, small.
func TestRows(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some minutes")
	}
	l := testLab(t)
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			o := r.run(t.Context(), l, t.Output())
			if o.Skipped != "" {
				t.Skip(o.Skipped)
			}
			for _, b := range o.Broken {
				t.Error(b)
			}
			t.Log(o.Counts)
		})
	}
}

func testLab(t *testing.T) *lab {
	t.Helper()
	l, err := newLab(0.05)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(l.dir); err == nil {
			t.Errorf("%s is left", l.dir)
		}
	})
	if err := l.build(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}

// However a chaos ends, its guard ends what it has started.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds mlhost")
	}
	programs := testLab(t).dir
	for _, end := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		t.Run(end.String(), func(t *testing.T) {
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), self)
			cmd.Env = append(os.Environ(), victimEnv+"="+programs)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			// The guard has this open too: it is at its end when both have ended.
			errors, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			dir, err := bufio.NewReader(out).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			dir = strings.TrimSpace(dir)
			if n := len(proc.WithEnv(markName, dir)); n < 3 {
				t.Errorf("%d processes run, that is too few to be the host and its scripts", n)
			}
			if err := cmd.Process.Signal(end); err != nil {
				t.Fatal(err)
			}
			said := bufio.NewScanner(errors)
			for said.Scan() {
				t.Log(said.Text())
			}
			_ = cmd.Wait() // it was killed
			if left := proc.WithEnv(markName, dir); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
			if _, err := os.Stat(dir); err == nil {
				t.Errorf("%s is left", dir)
			}
		})
	}
}

// suffer starts a host with scripts, tells where, and waits for its end.
func suffer(programs string) error {
	l, err := newLab(1)
	if err != nil {
		return err
	}
	l.mlhost, l.plugin = filepath.Join(programs, "mlhost"), filepath.Join(programs, "counter")
	h, err := l.newHost()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := h.begin(ctx, fmt.Sprintf("script \"a\" {\n  plugin = %[1]q\n}\nscript \"b\" {\n  plugin = %[1]q\n}\n", l.plugin)); err != nil {
		return err
	}
	fmt.Println(l.dir)
	<-ctx.Done()
	return nil
}
