package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// lab is where the measurements happen: a directory of its own and the
// programs that they use.
type lab struct {
	dir     string
	mlhost  string
	plugin  string
	bare    string // the least plugin that go-plugin can start
	python  string
	scale   float64
	counter int
}

// newLab builds the benchmark's plugin; mlhost itself is bin/mlhost. The
// working directory is the repository's root.
func newLab(ctx context.Context, scale float64) (*lab, error) {
	mlhost, err := filepath.Abs("bin/mlhost")
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(mlhost); err != nil {
		return nil, fmt.Errorf("%w (make build)", err)
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "mlb")
	if err != nil {
		return nil, err
	}
	l := &lab{dir: dir, mlhost: mlhost, python: python, scale: scale, plugin: filepath.Join(dir, "plugin"), bare: filepath.Join(dir, "bare")}
	for program, source := range map[string]string{l.plugin: "./bench/plugin", l.bare: "./bench/byhand/bare"} {
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, source)
		if out, err := build.CombinedOutput(); err != nil {
			l.close()
			return nil, fmt.Errorf("build %s: %w: %s", source, err, out)
		}
	}
	for _, name := range []string{"loop.py", "samples.py", "plain.py", "work.py"} {
		text, err := os.ReadFile(filepath.Join("bench", "scripts", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o644)
		}
		if err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

func (l *lab) close() { os.RemoveAll(l.dir) }

// scaled is how much work to do where n is the usual.
func (l *lab) scaled(n int) int { return max(10, int(float64(n)*l.scale)) }

// file names a new file.
func (l *lab) file(suffix string) string {
	l.counter++
	return filepath.Join(l.dir, fmt.Sprintf("%d-%s", l.counter, suffix))
}

func (l *lab) socket() string { return l.file("sock") }

// waitForSocket waits until somebody listens on the socket.
func waitForSocket(ctx context.Context, socket string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
		if err == nil {
			return conn.Close()
		}
		if err := pause(ctx); err != nil {
			return fmt.Errorf("%s: %w", socket, err)
		}
	}
}

// pause is how long the benchmark waits between two looks at something.
func pause(ctx context.Context) error { return wait(ctx, 5*time.Millisecond) }

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// benchHost is a real mlhost with a configuration, in the background.
type benchHost struct {
	*client.Client
	lab      *lab
	state    string
	launched time.Duration // processor time of the program that started it
}

// host starts mlhost on a configuration and waits until its scripts run.
func (l *lab) host(ctx context.Context, config string) (*benchHost, error) {
	h := &benchHost{lab: l, state: l.file("state")}
	path := l.file("config.hcl")
	config = "host {\n  name   = \"bench\"\n  listen = \"\"\n}\nconnector {\n  listen = \"\"\n}\n" + config
	if err := os.WriteFile(path, []byte(config), 0o644); err != nil {
		return nil, err
	}
	run := exec.CommandContext(ctx, l.mlhost, "run", "--detach", "--state", h.state, path)
	if out, err := run.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("mlhost run: %w: %s", err, bytes.TrimSpace(out))
	}
	h.launched = run.ProcessState.UserTime() + run.ProcessState.SystemTime()
	h.Client = client.New(filepath.Join(h.state, "bench", "api.sock"))
	if err := h.settled(ctx); err != nil {
		h.down()
		return nil, err
	}
	return h, nil
}

// settled waits until no script is on its way up.
func (h *benchHost) settled(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	for {
		scripts, err := h.Scripts(ctx)
		if err != nil {
			return err
		}
		waiting := ""
		for _, s := range scripts.Scripts {
			switch s.State {
			case script.Failed, script.Lost, script.Backoff:
				return fmt.Errorf("script %s is %s: %s", s.Name, s.State, s.Reason)
			case script.Waiting, script.Starting, script.Ready:
				waiting = s.Name
			}
		}
		if waiting == "" && len(scripts.Scripts) > 0 {
			return nil
		}
		if err := wait(ctx, 20*time.Millisecond); err != nil { // each look takes the host time, too
			return fmt.Errorf("script %s does not come up: %w", waiting, err)
		}
	}
}

// finished waits until the script's run has ended well and returns it.
func (h *benchHost) finished(ctx context.Context, name string) (v1.RunDetail, time.Time, error) {
	return h.finishedBy(ctx, name, 5*time.Millisecond)
}

// timed is finished for a script that takes the time by itself: the host is
// asked seldom, so that it is not the asking which is measured.
func (h *benchHost) timed(ctx context.Context, name string) (v1.RunDetail, error) {
	run, _, err := h.finishedBy(ctx, name, 100*time.Millisecond)
	return run, err
}

func (h *benchHost) finishedBy(ctx context.Context, name string, look time.Duration) (v1.RunDetail, time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		s, err := h.Script(ctx, name)
		if err != nil {
			return v1.RunDetail{}, time.Time{}, err
		}
		now := time.Now()
		if s.State == script.Finished {
			run, err := h.Run(ctx, s.Run)
			return run, now, err
		}
		if s.State.Ended() && s.Run != "" {
			return v1.RunDetail{}, now, fmt.Errorf("script %s is %s: %s", name, s.State, s.Reason)
		}
		if err := wait(ctx, look); err != nil {
			return v1.RunDetail{}, now, fmt.Errorf("script %s does not end: %w", name, err)
		}
	}
}

// setter sets one parameter through the API. It waits until the script has
// declared it.
func (h *benchHost) setter(ctx context.Context, name, parameter string) (setter, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	declared := func(p v1.Parameter) bool { return p.Name == parameter }
	for {
		answer, err := h.Parameters(ctx, name)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(answer.Parameters, declared) {
			return h.set(name, parameter), nil
		}
		if err := pause(ctx); err != nil {
			return nil, fmt.Errorf("script %s does not declare %s: %w", name, parameter, err)
		}
	}
}

func (h *benchHost) set(name, parameter string) setter {
	return func(ctx context.Context, value float64) error {
		answer, err := h.Set(ctx, name, v1.Set{Values: map[string]script.Value{parameter: script.Float(value)}})
		if err == nil && answer.Outcomes[0].Status != script.Applied {
			err = fmt.Errorf("set %s: %s %s", parameter, answer.Outcomes[0].Status, answer.Outcomes[0].Reason)
		}
		return err
	}
}

// down ends the host and everything that it runs.
func (h *benchHost) down() {
	h.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, h.lab.mlhost, "down", "--state", h.state).CombinedOutput()
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: mlhost down: %v: %s\n", err, bytes.TrimSpace(out))
	}
}

// number reads a numeric result of a run.
func number(run v1.RunDetail, name string) (float64, error) {
	if x, ok := run.Results[name].Float(); ok {
		return x, nil
	}
	return 0, errors.New("run " + run.ID + " has no number " + name)
}
