//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/internal/proc"
	"github.com/mlhost/mlhost/shared/script"
)

// lab is where promises are put to the test: a directory of its own and the
// programs that are used.
type lab struct {
	dir    string
	guard  *guard
	mlhost string
	plugin string
	scale  float64
	soak   time.Duration // how long the soak goes on at least
	n      int
	hosts  []*host
}

// newLab makes a lab with a guard. It has no programs yet.
func newLab(scale float64) (*lab, error) {
	dir, err := os.MkdirTemp("", "mlc") // sockets below it must have short paths
	if err != nil {
		return nil, err
	}
	l := &lab{dir: dir, scale: scale}
	if l.guard, err = newGuard(dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return l, nil
}

// build builds the programs. The working directory is within the repository.
func (l *lab) build(ctx context.Context) (err error) {
	if l.mlhost, err = l.program(ctx, "mlhost", "cmd/mlhost"); err == nil {
		l.plugin, err = l.program(ctx, "counter", "chaos/plugin")
	}
	return err
}

// program builds one program, with further flags of go build.
func (l *lab) program(ctx context.Context, name, source string, flags ...string) (string, error) {
	path := filepath.Join(l.dir, name)
	args := append([]string{"build", "-trimpath", "-o", path}, flags...)
	build := exec.CommandContext(ctx, "go", append(args, "github.com/mlhost/mlhost/"+source)...)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w: %s", source, err, out)
	}
	return path, nil
}

// close ends whatever of the lab is left.
func (l *lab) close() error { return l.guard.end() }

// scaled is how much of n is done.
func (l *lab) scaled(n, least int) int { return max(least, int(float64(n)*l.scale)) }

// host is a real mlhost with a configuration, in the background.
type host struct {
	*client.Client
	lab    *lab
	mlhost string
	plugin string // that counts; see counter
	dir    string // of its configuration and scripts
	state  string
	config string
	listen string   // of both TCP listeners, "" for none; see configure
	auth   string   // of connector commands
	env    []string // further variables
}

// newHost makes the place of a host; see launch and begin.
func (l *lab) newHost() (*host, error) {
	l.n++
	dir := filepath.Join(l.dir, strconv.Itoa(l.n))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	h := &host{lab: l, mlhost: l.mlhost, plugin: l.plugin, dir: dir, state: filepath.Join(dir, "s"), config: filepath.Join(dir, "config.hcl"), auth: "user"}
	h.Client = client.New(filepath.Join(h.state, "c", "api.sock"))
	l.hosts = append(l.hosts, h)
	return h, nil
}

// launch starts a host with a configuration.
func (h *host) launch(ctx context.Context, config string) error {
	if err := h.configure(config); err != nil {
		return err
	}
	return h.start(ctx)
}

// begin starts a host with a configuration, waits until the named scripts run,
// all of them where none is named, and returns all.
func (h *host) begin(ctx context.Context, config string, names ...string) (map[string]v1.Script, error) {
	if err := h.launch(ctx, config); err != nil {
		return nil, err
	}
	if err := h.reach(ctx, time.Minute, running, names...); err != nil {
		return nil, err
	}
	return h.all(ctx)
}

// configure writes the host's configuration.
func (h *host) configure(config string) error {
	text := fmt.Sprintf("host {\n  name   = \"c\"\n  listen = %[1]q\n}\nconnector {\n  listen = %[1]q\n  auth   = %[2]q\n}\n", h.listen, h.auth) + config
	return os.WriteFile(h.config, []byte(text), 0o644)
}

// write makes a file beside the configuration.
func (h *host) write(name, text string) error {
	return os.WriteFile(filepath.Join(h.dir, name), []byte(text), 0o644)
}

// start starts the host in the background, or anew after it was killed.
func (h *host) start(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, h.mlhost, "run", "--detach", "--state", h.state, h.config)
	cmd.Dir = h.dir
	cmd.Env = append(h.lab.environment(), h.env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mlhost run: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// environment is that of the lab's programs.
func (l *lab) environment() []string {
	return append(os.Environ(), markName+"="+l.dir, "MLHOST_LISTEN=", "MLHOST_CONNECTOR_LISTEN=") // beside whatever else runs here
}

// pid is the host's process.
func (h *host) pid() (int, error) {
	text, err := os.ReadFile(filepath.Join(h.state, "c", "host.lock"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// kill ends the host by SIGKILL and waits until its process is gone.
func (h *host) kill(ctx context.Context) error {
	pid, err := h.pid()
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill host: %w", err)
	}
	return until(ctx, 10*time.Second, "the host is gone", func() (bool, error) { return !proc.Lives(pid), nil })
}

// until looks again and again until done, or fails after limit.
func until(ctx context.Context, limit time.Duration, what string, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		ok, err := done()
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %s in vain until %s (%w)", limit, what, errors.Join(err, ctx.Err()))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// get reads what the host serves at a path.
func (h *host) get(ctx context.Context, path string) ([]byte, error) {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(h.state, "c", "api.sock"))
	}}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://mlhost"+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("get %s: %s", path, answer.Status)
	}
	return io.ReadAll(answer.Body)
}

// all returns every script by name.
func (h *host) all(ctx context.Context) (map[string]v1.Script, error) {
	answer, err := h.Scripts(ctx)
	byName := map[string]v1.Script{}
	for _, s := range answer.Scripts {
		byName[s.Name] = s
	}
	return byName, err
}

// reach waits until all the named scripts are in one of the states; all of
// them, where none is named.
func (h *host) reach(ctx context.Context, limit time.Duration, states []script.State, names ...string) error {
	last := ""
	err := until(ctx, limit, fmt.Sprintf("%v are %v", names, states), func() (bool, error) {
		now, err := h.all(ctx)
		if err != nil {
			return false, err
		}
		if len(names) == 0 {
			for name := range now {
				names = append(names, name)
			}
		}
		for _, name := range names {
			if !slices.Contains(states, now[name].State) {
				last = fmt.Sprintf("%s is %s: %s", name, now[name].State, now[name].Reason)
				return false, nil
			}
		}
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("%w; %s", err, last)
	}
	return nil
}

var running = []script.State{script.Running}

// downAll ends every host of the row in the ordinary way; when ctx has ended,
// by force.
func (l *lab) downAll(ctx context.Context, o *outcome) {
	if ctx.Err() != nil {
		if err := endMarked(l.dir); err != nil {
			o.breaks("%v", err)
		}
	}
	for _, h := range l.hosts {
		h.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		down := exec.CommandContext(ctx, h.mlhost, "down", "--now", "--state", h.state)
		down.Env = l.environment()
		out, err := down.CombinedOutput()
		cancel()
		if e, ok := errors.AsType[*exec.ExitError](err); ok && e.ExitCode() == 7 {
			continue // it has ended
		}
		if err != nil {
			o.breaks("mlhost down: %v: %s", err, bytes.TrimSpace(out))
		}
	}
	l.hosts = nil
}
