package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// command is what is executed for a plugin, and where its files are.
type command struct {
	path   string
	args   []string
	env    []string // whole; go-plugin's own variables are added
	dir    string   // the working directory
	runDir string   // of the process's files
	mark   string
}

// child is a plugin process. One that was launched here is not reaped before
// reap is called, so that its pid and its group stay its own until then. One
// that an earlier host launched is another's to reap, and its exit status is
// not known.
type child struct {
	handle
	mark   string
	exited chan struct{} // closed when the process has ended
	began  uint64        // startTime
	line   []byte        // the handshake
	hello  *wire.Hello   // what it told of itself unasked; nil: it is to be asked
	addr   string        // of its socket, with the network in front: "unix:/path"
	// printed: the handshake came by standard output, as from a plugin that
	// was not built with the SDK.
	printed bool

	mu   sync.Mutex       // held to signal the group, and to reap
	cmd  *exec.Cmd        // nil: an earlier host launched it
	heir *os.ProcessState // of one that an earlier host launched in this same process
	over bool             // reaped
}

// start executes the command in a session of its own, with nothing of this
// process's terminal. What the process says of itself comes through said.
func start(ctx context.Context, c command, extraEnv []string) (_ *child, said *os.File, err error) {
	stdout, err := openLog(filepath.Join(c.runDir, stdoutFile))
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = stdout.Close() }()
	stderr, err := openLog(filepath.Join(c.runDir, stderrFile))
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = stderr.Close() }()
	said, hello, err := os.Pipe()
	if err != nil {
		return nil, nil, script.Errorf(script.CodeUnavailable, "make a pipe for the handshake: %v", err)
	}
	defer func() {
		err = errors.Join(err, hello.Close())
		if err != nil {
			_ = said.Close() // nothing came
		}
	}()

	build := func() *exec.Cmd {
		cmd := exec.CommandContext(context.Background(), c.path, c.args...) // it outlives ctx
		cmd.Env = append(append([]string{}, c.env...), extraEnv...)
		cmd.Env = append(cmd.Env,
			markName+"="+c.mark, wire.HelloEnv+"=3", wire.SocketDirEnv+"="+c.runDir)
		cmd.Dir, cmd.ExtraFiles = c.dir, []*os.File{hello}
		cmd.Stdout, cmd.Stderr = stdout, stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		return cmd
	}
	cmd, err := startRetrying(ctx, build)
	if err != nil {
		return nil, nil, explainStart(c, err)
	}
	h, err := openHandle(cmd.Process.Pid)
	if err != nil {
		return nil, nil, errors.Join(err, cmd.Process.Kill(), cmd.Wait())
	}
	began, err := startTime(h.pid)
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		h.close()
		return nil, nil, errors.Join(err, cmd.Process.Kill(), cmd.Wait())
	}
	child := &child{handle: h, mark: c.mark, cmd: cmd, exited: make(chan struct{}), began: began}
	child.watch()
	return child, said, nil
}

// foster returns the process that an earlier host launched, if it still runs.
func foster(in instance) (*child, error) {
	h, err := openHandle(in.PID)
	if err != nil {
		return nil, err
	}
	// Asked now, as the handle can be of no other process from here on.
	began, err := startTime(in.PID)
	if err == nil && began != in.StartTime {
		err = fmt.Errorf("process %d is another one by now", in.PID)
	}
	if err != nil {
		h.close()
		return nil, err
	}
	child := &child{handle: h, mark: in.mark(), exited: make(chan struct{}), began: began, addr: in.Socket}
	child.watch()
	return child, nil
}

// watch closes exited when the process ends.
func (c *child) watch() {
	go func() {
		defer close(c.exited)
		_ = c.wait(context.Background()) // fails only when the handle is closed, which comes after
	}()
}

func openLog(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, script.Errorf(script.CodeIO, "open log file: %v", err)
	}
	return f, nil
}

// startRetrying starts a command; while the executable is "busy", because
// another thread forked while it was being copied, it tries again.
func startRetrying(ctx context.Context, build func() *exec.Cmd) (*exec.Cmd, error) {
	until := time.Now().Add(2 * time.Second)
	for {
		cmd := build()
		err := cmd.Start()
		if err == nil {
			return cmd, nil
		}
		if !errors.Is(err, syscall.ETXTBSY) || time.Now().After(until) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func explainStart(c command, err error) error {
	e := script.Errorf(script.CodeRejected, "it cannot be executed: %v", err)
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		return e.WithHint("it is no program for this machine; a script needs a first line like #!/bin/sh")
	case errors.Is(err, os.ErrNotExist):
		if _, e2 := os.Stat(c.dir); e2 != nil {
			return e.WithHint("its working directory %s is not there", c.dir)
		}
		return e.WithHint("is the interpreter of its first line installed?")
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.ENOMEM), errors.Is(err, syscall.EMFILE):
		e.Code = script.CodeUnavailable
	}
	return e
}

// killTime is how long the kernel is given to end what was killed. Only a
// process in an uninterruptible wait takes longer.
const killTime = 10 * time.Second

// end makes sure that nothing of the run is left, and reaps: SIGTERM for what
// lives, patience for it to work unless ctx ends before, SIGKILL. Processes
// that the kernel does not end are named in the error.
func (c *child) end(ctx context.Context, patience time.Duration) error {
	var err error
	if patience > 0 && ctx.Err() == nil && !isClosed(c.exited) {
		// Not reaped: the group is still its own.
		err = c.signalGroup(syscall.SIGTERM)
		waiting, cancel := context.WithTimeout(ctx, patience)
		select {
		case <-c.exited:
		case <-waiting.Done():
		}
		cancel()
	}
	if !isClosed(c.exited) {
		err = errors.Join(err, c.signalGroup(syscall.SIGKILL))
	}
	err = errors.Join(err, killMarked(ctx, c.mark, patience), c.signalGroup(syscall.SIGKILL))
	select {
	case <-c.exited:
		c.reap()
	case <-time.After(killTime):
		err = errors.Join(err, fmt.Errorf("process %d could not be ended", c.pid))
	}
	return err
}

// kill ends the process and its like at once.
func (c *child) kill() error { return c.end(context.Background(), 0) }

// release lets go of a process that is to live on.
func (c *child) release() error {
	c.close()
	if c.cmd == nil {
		return nil
	}
	return c.cmd.Process.Release()
}

// joined adds to an error, which keeps its form where there is nothing to add.
func joined(err, more error) error {
	if more == nil {
		return err
	}
	return errors.Join(err, more)
}

// signalGroup signals the process and all of its group, unless it is reaped.
func (c *child) signalGroup(sig syscall.Signal) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return nil
	}
	if c.cmd == nil && isClosed(c.exited) {
		if _, err := startTime(c.pid); err == nil {
			return nil // somebody else has reaped it, and its pid is another's
		}
	}
	err := syscall.Kill(-c.pid, sig)
	if err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal process group %d: %w", c.pid, err)
	}
	return nil
}

// reap takes the exit status of an ended process; it may be called again. The
// status is nil where it is not known.
func (c *child) reap() *os.ProcessState {
	<-c.exited
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		if c.cmd != nil {
			_ = c.cmd.Wait() // its error repeats the status
		} else {
			c.heir = c.inherited()
		}
		c.close()
		c.over = true
	}
	return c.status()
}

// status returns the exit status, nil where it is not known.
func (c *child) status() *os.ProcessState {
	if c.cmd == nil {
		return c.heir
	}
	return c.cmd.ProcessState
}

// inherited reaps a process that an earlier host launched, if that host has
// become this one (see Host.Upgrade); its status is nil where it has not.
func (c *child) inherited() *os.ProcessState {
	if _, err := startTime(c.pid); !errors.Is(err, os.ErrProcessDone) {
		return nil // its parent has reaped it
	}
	p, err := os.FindProcess(c.pid)
	if err != nil {
		return nil
	}
	state, err := p.Wait()
	if err != nil {
		return nil // it is no child of this process
	}
	return state
}

// exitCode returns the status of an ended process, 128+n for signal n.
func exitCode(s *os.ProcessState) int {
	if ws, ok := s.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return s.ExitCode()
}

// describeExit says how a process ended.
func describeExit(s *os.ProcessState) string {
	if ws, ok := s.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return fmt.Sprintf("killed by signal %d (%s)", int(ws.Signal()), ws.Signal())
	}
	return "exit code " + strconv.Itoa(s.ExitCode())
}

// saying quotes the end of what a plugin wrote to its standard error, for an
// error's text; "" where it wrote nothing.
func saying(runDir string) string {
	path := filepath.Join(runDir, stderrFile)
	lines := lastLines(path, 5)
	if line, panicked := crashLine(path); panicked {
		lines = []string{line}
	}
	if len(lines) == 0 {
		return ""
	}
	return "; its last words: " + strings.Join(lines, " | ")
}
