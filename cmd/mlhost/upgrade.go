package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/host"
	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

func (a *app) upgradeVerb() *cobra.Command {
	return a.do(&cobra.Command{
		Use:   "upgrade [BINARY]",
		Short: "Let a new mlhost carry on in the running host's process",
		Long: strings.TrimSpace(`
Let a new mlhost, by default this program, carry on in the running host's
process. It first has to show that it can read the state and the
configuration; where it cannot, the host goes on as it is. Scripts run on, and nobody who
connects meanwhile is refused.`),
		Example: "mlhost upgrade\nmlhost upgrade ./mlhost-new",
		Args:    args(0, 1, "a program"),
	}, func(ctx context.Context, got []string) error {
		path, err := os.Executable()
		if len(got) > 0 {
			path, err = filepath.Abs(got[0])
		}
		if err != nil {
			return fmt.Errorf("find the new mlhost: %w", err)
		}
		return a.withHost(func(c *client.Client) error {
			before, err := c.Host(ctx)
			if err != nil {
				return err
			}
			var out v1.Upgraded
			if err := a.waiting("the host", func() error {
				if out, err = c.Upgrade(ctx, path); err != nil {
					return err
				}
				return awaitHeir(ctx, c, before)
			}); err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "the host %s is mlhost %s now (before: %s)\n", before.Name, out.To, out.From)
				return err
			})
		})
	})
}

// awaitHeir waits until the new host answers.
func awaitHeir(ctx context.Context, c *client.Client, before v1.Host) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	pause := time.NewTicker(50 * time.Millisecond)
	defer pause.Stop()
	for {
		now, err := c.Host(ctx)
		if err == nil && !now.Started.Equal(before.Started) {
			return nil
		}
		select {
		case <-ctx.Done():
			return script.Errorf(script.CodeDeadline, "the new host does not answer: %v", err).
				WithHint("its output tells why; the scripts run on, and `mlhost run` takes them over")
		case <-pause.C:
		}
	}
}

// preflighter returns what asks another mlhost whether it can carry on what
// the host with this configuration does.
func (a *app) preflighter(s source, state, name string) func(ctx context.Context, path string) (host.Successor, error) {
	return func(ctx context.Context, path string) (host.Successor, error) {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		argv := []string{"preflight", s.path, "--json", "--state", state, "--host", name}
		for _, in := range s.inputs {
			argv = append(argv, "--input", in)
		}
		for _, file := range s.inputFiles {
			argv = append(argv, "--input-file", file)
		}
		cmd := exec.CommandContext(ctx, path, append(append(argv, "--"), s.args...)...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		// What the program has started itself ends with it, and is not waited for.
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
		cmd.WaitDelay = time.Second
		err := cmd.Run()
		if ctx.Err() != nil {
			err = errors.New("it gave no answer in time")
		}
		var v preflight
		if err == nil {
			err = json.Unmarshal(stdout.Bytes(), &v)
		}
		if err == nil && v.Version.Version != "" {
			return host.Successor{Version: v.Version.Version, Ports: slices.Contains(v.Inherits, "ports")}, nil
		}
		if broken, ok := errors.AsType[*fs.PathError](err); ok { // it was not started
			code := script.CodeRejected
			if errors.Is(broken, fs.ErrNotExist) {
				code = script.CodeNotFound
			}
			return host.Successor{}, script.Errorf(code, "%s cannot be executed: %v", path, broken.Err).
				WithHint("the host goes on as it is; name a program of mlhost")
		}
		var said v1.ErrorBody
		if json.Unmarshal(stderr.Bytes(), &said) == nil && said.Error.Code != "" {
			e := said.Error
			e.Message = fmt.Sprintf("%s cannot carry on: %s", path, e.Message)
			return host.Successor{}, &e
		}
		return host.Successor{}, script.Errorf(script.CodeRejected, "%s cannot carry on: it is no mlhost that knows how (%v)", path, err).
			WithHint("the host goes on as it is")
	}
}

// preflight is what a program that can carry on says.
type preflight struct {
	v1.Version

	Inherits []string `json:"inherits"` // what it takes over beside the socket and the lock
}

// preflightVerb is what a host asks of the program that is to carry on.
func (a *app) preflightVerb() *cobra.Command {
	var s source
	cmd := &cobra.Command{
		Use:    "preflight CONFIG",
		Short:  "Tell whether this program can carry on what a host does",
		Hidden: true,
		Args: func(cmd *cobra.Command, got []string) error {
			own := got
			if n := cmd.ArgsLenAtDash(); n >= 0 {
				own, s.args = got[:n], got[n:]
			}
			return args(1, 1, "a configuration, a script or a folder")(cmd, own)
		},
	}
	s.flags(cmd)
	return a.do(cmd, func(_ context.Context, got []string) error {
		s.path = got[0]
		cfg, diags, err := a.load(s)
		if err != nil {
			return err
		}
		if diags.HasErrors() {
			return a.configError(cfg, diags)
		}
		state, err := a.stateDir()
		if err != nil {
			return err
		}
		if err := host.CheckState(host.Dir(state, a.host)); err != nil {
			return err
		}
		version, commit := buildVersion()
		return a.printLine(preflight{v1.Version{Version: version, Commit: commit}, []string{"ports"}})
	})
}

// heirEnv names the descriptors of the socket and the lock that the host
// before this one has kept, heirPortsEnv those of its ports.
const (
	heirEnv      = "MLHOST_INHERITED"
	heirPortsEnv = "MLHOST_INHERITED_PORTS"
)

// heirPort is one port in heirPortsEnv.
type heirPort struct {
	FD      uintptr `json:"fd"`
	Address string  `json:"address"`
}

// become replaces this process by the program that is to carry on. It returns
// only when that is not possible.
func become(path string, kept *host.Inherited, background bool) error {
	env := append(os.Environ(), fmt.Sprintf("%s=%d,%d", heirEnv, kept.Listener.Fd(), kept.Lock.Fd()))
	files := []*os.File{kept.Listener, kept.Lock}
	ports := map[string]heirPort{}
	for name, p := range kept.Ports {
		files = append(files, p.File)
		ports[name] = heirPort{FD: p.File.Fd(), Address: p.Address}
	}
	if len(ports) > 0 {
		text, err := json.Marshal(ports)
		if err != nil {
			return fmt.Errorf("upgrade: %w", err)
		}
		env = append(env, heirPortsEnv+"="+string(text))
	}
	if background {
		null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			return fmt.Errorf("upgrade: %w", err)
		}
		defer null.Close()
		files = append(files, null)
		env = append(env, fmt.Sprintf("%s=%d", readyEnv, null.Fd()))
	}
	for _, f := range files {
		if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, f.Fd(), syscall.F_SETFD, 0); errno != 0 {
			return fmt.Errorf("upgrade: %w", errno)
		}
	}
	err := syscall.Exec(path, os.Args, env)
	for _, f := range files {
		syscall.CloseOnExec(int(f.Fd()))
	}
	return fmt.Errorf("upgrade: execute %s: %w", path, err)
}

// inherited returns what a host before this one, in the same process, has
// kept; nil where there was none.
func inherited() *host.Inherited {
	listener, lock, ok := strings.Cut(os.Getenv(heirEnv), ",")
	var ports map[string]heirPort
	_ = json.Unmarshal([]byte(os.Getenv(heirPortsEnv)), &ports) // mostly there are none
	for _, name := range []string{heirEnv, heirPortsEnv} {
		_ = os.Unsetenv(name) // it is not for scripts
	}
	if !ok {
		return nil
	}
	file := func(fd int, name string) *os.File {
		if fd < 3 {
			return nil
		}
		syscall.CloseOnExec(fd)
		return os.NewFile(uintptr(fd), name)
	}
	number := func(text string) int { n, _ := strconv.Atoi(text); return n }
	kept := &host.Inherited{Listener: file(number(listener), "api.sock"), Lock: file(number(lock), "host.lock"), Ports: map[string]host.Port{}}
	for name, p := range ports {
		if f := file(int(p.FD), name); f != nil {
			kept.Ports[name] = host.Port{File: f, Address: p.Address}
		}
	}
	if kept.Listener == nil || kept.Lock == nil {
		return nil
	}
	return kept
}
