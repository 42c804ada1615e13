//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
	"github.com/mlhost/mlhost/shared/script"
)

// lab is where promises are put to the test: a directory of its own and the
// programs that are used.
type lab struct {
	dir    string
	mlhost string
	plugin string
	scale  float64
	n      int
	hosts  []*host
}

// newLab builds the programs. The working directory is within the repository.
func newLab(ctx context.Context, scale float64) (*lab, error) {
	dir, err := os.MkdirTemp("", "mlc") // sockets below it must have short paths
	if err != nil {
		return nil, err
	}
	l := &lab{dir: dir, scale: scale, mlhost: filepath.Join(dir, "mlhost"), plugin: filepath.Join(dir, "counter")}
	for program, source := range map[string]string{l.mlhost: "cmd/mlhost", l.plugin: "chaos/plugin"} {
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, "github.com/mlhost/mlhost/"+source)
		if out, err := build.CombinedOutput(); err != nil {
			l.close()
			return nil, fmt.Errorf("build %s: %w: %s", source, err, out)
		}
	}
	return l, nil
}

func (l *lab) close() { os.RemoveAll(l.dir) }

// scaled is how much of n is done.
func (l *lab) scaled(n, least int) int { return max(least, int(float64(n)*l.scale)) }

// host is a real mlhost with a configuration, in the background.
type host struct {
	*client.Client
	lab    *lab
	dir    string // of its configuration and scripts
	state  string
	config string
}

// newHost makes the place of a host; it does not start it.
func (l *lab) newHost(config string) (*host, error) {
	l.n++
	dir := filepath.Join(l.dir, strconv.Itoa(l.n))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	h := &host{lab: l, dir: dir, state: filepath.Join(dir, "s"), config: filepath.Join(dir, "config.hcl")}
	h.Client = client.New(filepath.Join(h.state, "c", "api.sock"))
	l.hosts = append(l.hosts, h)
	return h, h.configure(config)
}

// configure writes the host's configuration.
func (h *host) configure(config string) error {
	text := "host {\n  name   = \"c\"\n  listen = \"\"\n}\nconnector {\n  listen = \"\"\n}\n" + config
	return os.WriteFile(h.config, []byte(text), 0o644)
}

// write makes a file beside the configuration.
func (h *host) write(name, text string) error {
	return os.WriteFile(filepath.Join(h.dir, name), []byte(text), 0o644)
}

// start starts the host in the background, or anew after it was killed.
func (h *host) start(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, h.lab.mlhost, "run", "--detach", "--state", h.state, h.config)
	cmd.Dir = h.dir
	cmd.Env = append(os.Environ(), "MLHOST_LISTEN=", "MLHOST_CONNECTOR_LISTEN=") // beside whatever else runs here
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mlhost run: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
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
	return until(ctx, 10*time.Second, "the host is gone", func() (bool, error) { return !lives(pid), nil })
}

// lives reports whether a process is there, and not only its remains.
func lives(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	if !strings.HasPrefix(rest, "Z") {
		return true
	}
	// The first thread may be gone while others still hold files.
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	return err == nil && len(threads) > 1
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

// downAll ends every host of the row.
func (l *lab) downAll(o *outcome) {
	for _, h := range l.hosts {
		h.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		out, err := exec.CommandContext(ctx, l.mlhost, "down", "--now", "--state", h.state).CombinedOutput()
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

// processes lists those that belong to the lab, by the paths that they were
// started with.
func (l *lab) processes() []string {
	var left []string
	entries, _ := os.ReadDir("/proc") // without it there is nothing to see
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() || !lives(pid) {
			continue
		}
		environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if bytes.Contains(environ, []byte(l.dir)) || bytes.Contains(line, []byte(l.dir)) {
			left = append(left, fmt.Sprintf("%d %s", pid, bytes.ReplaceAll(line, []byte{0}, []byte(" "))))
		}
	}
	return left
}
