package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"golang.org/x/sys/unix"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
	"github.com/mlhost/mlhost/shared/wire/goplugin"
)

// launch starts a plugin through go-plugin and returns when its handshake is
// done. go-plugin sees nothing of the process but that line: it would read
// lines of at most 64 KiB from its output, take some for a log format that can
// make it panic, and tie the process's life to pipes of this one. On an error
// nothing is left running.
func launch(ctx context.Context, cmd command, timeout time.Duration) (*child, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r := &childRunner{ctx: ctx, command: cmd}
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  goplugin.Handshake,
		VersionedPlugins: map[int]plugin.PluginSet{wire.ProtocolVersion: goplugin.ClientPlugins()},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		RunnerFunc: func(_ hclog.Logger, spec *exec.Cmd, tmp string) (runner.Runner, error) {
			// go-plugin's own directory would make the socket's path longer.
			r.extraEnv = spec.Env
			return r, os.Remove(tmp)
		},
		UnixSocketConfig:    &plugin.UnixSocketConfig{TempDir: momentary(cmd.runDir)},
		SkipHostEnv:         true,
		PluginLogBufferSize: 64,                    // there is nothing to read
		StartTimeout:        timeout + time.Second, // ctx is first
		Logger:              hclog.NewNullLogger(),
	})
	addr, err := client.Start()
	if err != nil {
		if r.child != nil {
			err = joined(err, r.child.kill())
		}
		return nil, err
	}
	r.child.addr = addr.Network() + ":" + addr.String()
	return r.child, nil
}

// momentary is where go-plugin makes the directory that is removed at once:
// in memory, where there is a place for that. A disk takes half a millisecond.
func momentary(otherwise string) string {
	const memory = "/dev/shm"
	if unix.Access(memory, unix.W_OK|unix.X_OK) == nil {
		return memory
	}
	return otherwise
}

// childRunner is what go-plugin is given for a process.
type childRunner struct {
	ctx      context.Context
	command  command
	extraEnv []string
	child    *child
}

// Start returns when the handshake line is there and right.
func (r *childRunner) Start(context.Context) error {
	c, said, err := start(r.ctx, r.command, r.extraEnv)
	if err != nil {
		return err
	}
	defer func() { _ = said.Close() }() // it was only read from
	r.child = c
	err = r.child.listen(r.ctx, said, r.command.runDir)
	if err == nil {
		err = checkHandshake(c.line, wire.ProtocolVersion)
	}
	if err == nil {
		return nil
	}
	// go-plugin ends only what it got a handshake of.
	left := c.kill()
	return joined(r.explain(c, err), left)
}

// explain tells why there was no handshake.
func (r *childRunner) explain(c *child, err error) error {
	printed := ""
	if len(c.line) > 0 {
		printed = fmt.Sprintf(" (it printed %s, without an end of line)", quote(c.line))
	}
	switch {
	case errors.Is(err, errNoLine) && c.cmd.ProcessState != nil:
		return script.Errorf(script.CodeUnavailable, "it ended before the handshake: %s%s%s",
			describeExit(c.cmd.ProcessState), printed, saying(r.command.runDir))
	case errors.Is(err, context.DeadlineExceeded):
		return script.Errorf(script.CodeDeadline, "it did not shake hands in time%s%s", printed, saying(r.command.runDir)).
			WithHint("a plugin calls sdk.Serve first, and does its slow work in Run")
	}
	return err
}

// Stdout gives go-plugin the handshake line, and then the end.
func (r *childRunner) Stdout() io.ReadCloser {
	return io.NopCloser(strings.NewReader(string(r.child.line) + "\n"))
}

// Stderr gives go-plugin nothing: its parser panics on some lines.
func (r *childRunner) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Wait returns when the process has ended.
func (r *childRunner) Wait(ctx context.Context) error {
	select {
	case <-r.child.exited:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Kill ends the process; the supervisor's own way to stop one is longer.
func (r *childRunner) Kill(context.Context) error { return r.child.kill() }

// ID names the process.
func (r *childRunner) ID() string {
	if r.child == nil {
		return ""
	}
	return strconv.Itoa(r.child.pid)
}

// Name names the program.
func (r *childRunner) Name() string { return r.command.path }

// Diagnose adds nothing: Start has told all.
func (r *childRunner) Diagnose(context.Context) string { return "" }

// PluginToHost is the identity: both share the machine.
func (r *childRunner) PluginToHost(network, addr string) (string, string, error) {
	return network, addr, nil
}

// HostToPlugin is the identity: both share the machine.
func (r *childRunner) HostToPlugin(network, addr string) (string, string, error) {
	return network, addr, nil
}
