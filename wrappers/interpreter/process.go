package interpreter

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/mlhost/mlhost/shared/script"
)

// process is a started script.
type process struct {
	pid    int
	exited chan struct{} // closed when the process is gone and its status read

	state *os.ProcessState // set before exited is closed
	err   error
}

// startProcess starts cmd in its own process group, to be killed with this
// process. The kernel ties that to the thread that forked, so that thread
// does nothing else until the child is gone.
func startProcess(cmd *exec.Cmd) (*process, error) {
	cmd.SysProcAttr = childAttributes()
	p := &process{exited: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			p.pid = cmd.Process.Pid
		}
		started <- err
		if err != nil {
			return
		}
		defer close(p.exited)
		err = cmd.Wait()
		if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
			p.err = err
		}
		p.state = cmd.ProcessState
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// exitCode is what a shell would show: the code, or 128 and the signal.
func (p *process) exitCode() (int, error) {
	if p.state == nil {
		return -1, fmt.Errorf("wait for the script: %w", p.err)
	}
	if status, ok := p.state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return p.state.ExitCode(), nil
}

// signalName is the name of the signal that ended the process, "" for none.
func (p *process) signalName() string {
	if p.state == nil {
		return ""
	}
	if status, ok := p.state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return status.Signal().String()
	}
	return ""
}

// signalGroup signals the script and what it started without leaving its
// process group, as long as the script lives.
func (p *process) signalGroup(sig syscall.Signal) error {
	select {
	case <-p.exited: // the number may be another group's by now
		return nil
	default:
	}
	if err := syscall.Kill(-p.pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("send %s to the script: %w", sig, err)
	}
	return nil
}

// findProgram resolves a command the way a shell in directory dir with the
// given environment would, and tells people what is wrong with it.
func findProgram(what, name, dir string, env []string) (string, error) {
	if strings.ContainsRune(name, filepath.Separator) {
		path := below(dir, name)
		return path, executable(path, what+" "+path)
	}
	var refused error
	for _, folder := range filepath.SplitList(envValue(env, "PATH")) {
		path := below(dir, filepath.Join(folder, name))
		err := executable(path, what+" "+path)
		if err == nil {
			return path, nil
		}
		if _, statErr := os.Stat(path); statErr == nil && refused == nil {
			refused = err
		}
	}
	if refused != nil {
		return "", refused
	}
	return "", script.Errorf(script.CodeNotFound, "%s %q was not found in PATH", what, name).
		WithHint("install it, or name its file in `%s`", what)
}

func executable(path, what string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return script.Errorf(script.CodeNotFound, "%s does not exist", what)
	case err != nil:
		return script.Errorf(script.CodeRejected, "%s: %s", what, err)
	case info.IsDir():
		return script.Errorf(script.CodeRejected, "%s is a directory", what)
	case info.Mode()&0o111 == 0:
		return script.Errorf(script.CodeRejected, "%s is not executable", what).WithHint("chmod +x %s", path)
	}
	return nil
}

// checkSource refuses a source that cannot be run before anything is started.
// Python runs folders that hold a __main__.py.
func checkSource(path string, python bool) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return script.Errorf(script.CodeNotFound, "source %s does not exist", path)
	case err != nil:
		return script.Errorf(script.CodeRejected, "source cannot be read: %s", err)
	case info.IsDir() && python:
		return checkSource(filepath.Join(path, "__main__.py"), false)
	case info.IsDir():
		return script.Errorf(script.CodeRejected, "source %s is a directory", path)
	case !info.Mode().IsRegular():
		return script.Errorf(script.CodeRejected, "source %s is not a regular file", path) // opening it may wait for ever
	}
	f, err := os.Open(path)
	if err != nil {
		return script.Errorf(script.CodeRejected, "source cannot be read: %s", err)
	}
	return f.Close()
}

// envValue returns the last value of a variable in an environment.
func envValue(env []string, name string) string {
	for _, entry := range slices.Backward(env) {
		if v, ok := strings.CutPrefix(entry, name+"="); ok {
			return v
		}
	}
	return ""
}
