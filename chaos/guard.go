//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/mlhost/mlhost/internal/proc"
)

// markName marks every process of a lab: it is in the environment of the
// programs that the lab starts, and so in that of all that come of them.
const markName = "MLHOST_CHAOS"

// guard is a process that outlives this one for as long as it takes to end
// what this one has started, however this one ends.
type guard struct {
	cmd  *exec.Cmd
	life io.Closer // the guard acts when nobody holds its other end
}

// newGuard starts the guard of a directory: this program, once more.
func newGuard(dir string) (*guard, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(context.Background(), self)
	cmd.Env = append(os.Environ(), guardEnv+"="+dir)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // what ends a terminal's programs does not end it
	life, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start guard: %w", err)
	}
	return &guard{cmd, life}, nil
}

// end lets the guard clear up and returns when it has.
func (g *guard) end() error {
	return errors.Join(g.life.Close(), g.cmd.Wait())
}

// guardEnv names the directory to a process that is to be a guard.
const guardEnv = "MLHOST_CHAOS_GUARD"

// stand is the guard's whole life: it waits until standard input ends, and
// then ends the directory's processes and removes it.
func stand(dir string) error {
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return clear(dir)
}

// clear ends every process of a lab by its pid, unmounts what is mounted in
// its directory, and removes that.
func clear(dir string) error {
	err := endMarked(dir)
	mounts, e := os.ReadFile("/proc/self/mounts")
	err = errors.Join(err, e)
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 1 && strings.HasPrefix(f[1], dir+string(filepath.Separator)) {
			err = errors.Join(err, syscall.Unmount(f[1], 0))
		}
	}
	return errors.Join(err, os.RemoveAll(dir))
}

// endMarked ends the processes of a lab by SIGKILL, and those that they start
// meanwhile.
func endMarked(dir string) error {
	for deadline := time.Now().Add(20 * time.Second); ; {
		left := proc.WithEnv(markName, dir)
		if len(left) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("these do not end: %v", left)
		}
		for _, p := range left {
			_ = syscall.Kill(p.PID, syscall.SIGKILL) // it may be gone by now
		}
		time.Sleep(20 * time.Millisecond) // nobody tells when others' children are gone
	}
}
