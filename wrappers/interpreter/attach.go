package interpreter

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/wrappers/python"
)

// What the processes of a launcher are told of mlhost. Only the process that
// runs the script, and of several the one of rank 0, fetches its end of the
// line protocol from the socket; it takes these out of its environment.
const (
	attachName = "MLHOST_ATTACH" // path of the socket
	targetName = "MLHOST_TARGET" // what is run: "file PATH" or "module NAME"
	// constantsName: the configured values of literals, as JSON; absent: none.
	constantsName = "MLHOST_CONSTANTS"
)

// attachTime is how long a launcher may take until one of its processes runs
// the script, before people are told that none does.
const attachTime = time.Minute

// attach hands the script's end of the line protocol to one process of a
// launcher: descriptors are not inherited through it.
type attach struct {
	path     string
	listener *net.UnixListener
	done     chan struct{} // closed when nobody can fetch it any more

	fetched atomic.Bool
	mu      sync.Mutex // guards end
	end     *os.File   // set before serve
	once    sync.Once
}

// throughLauncher makes the run one whose script is started by a launcher, and
// returns what its environment needs for that.
func (r *run) throughLauncher(program string, env []string) ([]string, error) {
	folder, err := pythonFolder(r.session.RunDir())
	if err != nil {
		return nil, err
	}
	home, err := python.Extract(folder)
	if err != nil {
		return nil, err
	}
	constants, err := r.constants()
	if err != nil {
		return nil, err
	}
	if flag := ignoresEnvironment(program); flag != "" {
		if constants != "" {
			return nil, script.Errorf(script.CodeRejected, "%s is run by a Python with %s: the values of literals in the source would not come through", program, flag).
				WithHint("let the script take them as arguments or from its environment, with pass or env")
		}
		r.warn(fmt.Errorf("%s is run by a Python with %s, which ignores what mlhost adds to it: only the output is read", program, flag))
	}
	if r.attach, err = newAttach(r.session.RunDir()); err != nil {
		return nil, err
	}
	r.shimmed = true
	target := "file " + r.launch.Source
	if r.launch.Module != "" {
		target = "module " + r.launch.Module
	}
	added := []string{attachName + "=" + r.attach.path, targetName + "=" + target, "PYTHONPATH=" + python.SitePath(home, envValue(env, "PYTHONPATH"))}
	if constants != "" {
		added = append(added, constantsName+"="+constants)
	}
	return added, nil
}

// newAttach listens on a socket in the run's directory, which is for this user
// alone.
func newAttach(runDir string) (*attach, error) {
	dir := filepath.Join(runDir, "p")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the socket of the launcher: %w", err)
	}
	a := &attach{path: filepath.Join(dir, "attach"), done: make(chan struct{})}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: a.path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("make the socket of the launcher: %w", err)
	}
	a.listener = listener
	return a, nil
}

// serve gives the script's end away to the first process that asks for it.
func (a *attach) serve() error {
	c, err := a.listener.AcceptUnix()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	if err != nil {
		return errors.Join(fmt.Errorf("accept the launcher's process: %w", err), a.close())
	}
	a.mu.Lock()
	_, _, err = c.WriteMsgUnix([]byte{'1'}, unix.UnixRights(int(a.end.Fd())), nil)
	a.mu.Unlock()
	a.fetched.Store(err == nil)
	return errors.Join(err, c.Close(), a.close())
}

// taken reports whether a process has the script's end.
func (a *attach) taken() bool { return a.fetched.Load() }

// close ends the giving away. It may be called more than once, and on nil.
func (a *attach) close() (err error) {
	if a == nil {
		return nil
	}
	a.once.Do(func() {
		err = a.listener.Close() // which removes the socket's file
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.end != nil {
			err = errors.Join(err, a.end.Close())
		}
		close(a.done)
	})
	return err
}

// awaitAttach tells people when no process comes for the script's end.
func (r *run) awaitAttach() {
	timer := time.NewTimer(attachTime)
	defer timer.Stop()
	select {
	case <-r.attach.done:
	case <-timer.C:
		r.warn(fmt.Errorf("after %s no process of rank 0 of the launcher %s runs the script with mlhost's Python side: only the output is read until one does", attachTime, r.launch.Launcher[0]))
		<-r.attach.done
		return
	}
	if !r.attach.taken() && !r.bare.Load() {
		r.warn(fmt.Errorf("no process of rank 0 of the launcher %s ran the script with mlhost's Python side: only the output was read; Pythons with -I, -E or -S ignore it", r.launch.Launcher[0]))
	}
}

// ignoresEnvironment returns the options of a program's first line that keep
// Python from reading PYTHONPATH or from loading sitecustomize.
func ignoresEnvironment(program string) string {
	f, err := os.Open(program)
	if err != nil {
		return ""
	}
	defer f.Close()
	line, err := bufio.NewReader(f).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "#!") || !strings.Contains(line, "python") {
		return ""
	}
	for _, word := range strings.Fields(line)[1:] {
		if strings.HasPrefix(word, "-") && !strings.HasPrefix(word, "--") && strings.ContainsAny(word, "IES") {
			return word
		}
	}
	return ""
}
