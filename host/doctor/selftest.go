package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/mlhost/mlhost/host"
	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

// ownName is the name of the self-test's host: short, as it is part of sockets'
// paths.
const ownName = "d"

// shortDir is where a socket's path is not too long, whatever $TMPDIR says.
func shortDir() string {
	if dir := os.TempDir(); len(dir) <= 40 {
		return dir
	}
	return "/tmp"
}

// tiny is a whole script: it answers one question and ends.
const tiny = `import threading
import mlhost

asked = threading.Event()

@mlhost.answers("double")
def double(data):
    asked.set()
    return 2 * data

asked.wait(30)
`

// selfTest starts a host of its own with a tiny script, asks that something
// and stops it: program, wrapper, interpreter, sockets and store have to work
// together for that.
func (o Options) selfTest(ctx context.Context) []v1.Check {
	const name = "self-test"
	if _, err := exec.LookPath("python3"); err != nil {
		return []v1.Check{skip(name, "there is no python3 in $PATH to run a script with")}
	}
	begun := time.Now()
	if err := o.tryScript(ctx); err != nil {
		e := script.AsError(err)
		fix := e.Hint
		if fix == "" {
			fix = "the other checks may say why; `mlhost run` of a small script shows more"
		}
		return []v1.Check{fail(name, fix, "a small script could not be run: %s", clip(e.Message))}
	}
	return []v1.Check{ok(name, "a script was started, asked and stopped in %s", time.Since(begun).Round(time.Millisecond))}
}

func (o Options) tryScript(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp(shortDir(), "mlhost-")
	if err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	source := filepath.Join(dir, "tiny.py")
	if err := os.WriteFile(source, []byte(tiny), 0o600); err != nil {
		return err
	}
	// Whoever asked may be gone before the end of ctx: what was begun is carried to
	// its end all the same, so that no host stays behind.
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*patience)
	defer cancel()
	if said, err := o.own(whole, dir, "run", source, "--detach").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(said)))
	}
	defer func() {
		if said, downErr := o.own(whole, dir, "down").CombinedOutput(); downErr != nil {
			err = errors.Join(err, fmt.Errorf("stop it: %w: %s", downErr, strings.TrimSpace(string(said))))
		}
	}()
	c := client.New(host.SocketPath(filepath.Join(dir, ownName)))
	defer c.Close()
	return askTwice(ctx, c)
}

// askTwice asks the script to double 21, again while it is still starting.
func askTwice(ctx context.Context, c *client.Client) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		reply, err := c.Ask(ctx, "tiny", v1.Ask{Topic: "double", Data: script.Int(21)})
		if err == nil {
			if !reply.Reply.Same(script.Int(42)) {
				return fmt.Errorf("it answered %s to what is 42", reply.Reply)
			}
			return nil
		}
		switch script.CodeOf(err) {
		case script.CodeNoAnswerer, script.CodeUnavailable, script.CodeNotConnected, script.CodeConflict:
		default:
			return err
		}
		s, stateErr := c.Script(ctx, "tiny")
		if stateErr == nil && !s.State.Live() && s.State != script.Waiting {
			return fmt.Errorf("it %s: %s", s.State, s.Reason)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it did not answer in time: %w", err)
		case <-tick.C:
		}
	}
}

// own is a call of this program for the host of the self-test, without ports.
func (o Options) own(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, o.Executable, append([]string{"--state", dir, "--host", ownName}, args...)...)
	cmd.Env = append(os.Environ(), config.ListenEnv+"=", config.ConnectorListenEnv+"=", "NO_COLOR=1")
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a ctrl-C is not for it
	return cmd
}
