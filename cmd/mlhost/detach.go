package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/mlhost/mlhost/host"
	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/bus"
	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/host/registry"
	"github.com/mlhost/mlhost/shared/script"
)

// readyEnv names the descriptor on which a host in the background tells the
// process that started it that it serves, or why not.
const readyEnv = "MLHOST_READY_FD"

// ready tells, once, the process that waits for this one. A nil ready belongs
// to a process in the foreground, and tells nobody.
type ready struct {
	once sync.Once
	file *os.File
}

// newReady returns nil in a foreground process.
func newReady() *ready {
	fd, err := strconv.Atoi(os.Getenv(readyEnv))
	if err != nil || fd < 3 {
		return nil
	}
	_ = os.Unsetenv(readyEnv) // it is not for scripts
	syscall.CloseOnExec(fd)
	return &ready{file: os.NewFile(uintptr(fd), "ready")}
}

// tell says that the host is up, or why it is not.
func (r *ready) tell(err error) {
	if r == nil {
		return
	}
	r.once.Do(func() {
		body := v1.ErrorBody{}
		if e := script.AsError(err); e != nil {
			body.Error = *e
		}
		_ = json.NewEncoder(r.file).Encode(body) // who waited may have gone
		_ = r.file.Close()
	})
}

// startPatience is how long a host in the background waits for its scripts to
// have started before it says that it serves.
const startPatience = 30 * time.Second

// announce tells when the host answers and its scripts are past their start,
// so that the next command finds them there.
func (r *ready) announce(h *host.Host, cfg *config.Config) {
	states := h.Bus().Subscribe(bus.Filter{Kinds: []string{"state"}}, 1024)
	defer states.Close()
	c := client.New(h.Socket())
	defer c.Close()
	if _, err := c.Host(context.Background()); err != nil {
		return // the host tells why
	}
	reading, cancel := context.WithTimeout(context.Background(), startPatience)
	defer cancel()
	h.AwaitRead(reading)
	timer := time.NewTimer(startPatience)
	defer timer.Stop()
	select {
	case <-h.Swept():
	case <-timer.C:
	}
	for starting(h.Scripts(), cfg) {
		select {
		case <-states.C: // also when it is closed: the host tells why
			gather(states.C)
			if _, err := c.Host(context.Background()); err != nil {
				return
			}
		case <-timer.C:
			r.tell(nil)
			return
		}
	}
	r.tell(nil)
}

// gather takes what else comes within a moment: hundreds of scripts that start
// are not looked at hundreds of times.
func gather(states <-chan bus.Item) {
	moment := time.NewTimer(5 * time.Millisecond)
	defer moment.Stop()
	for {
		select {
		case _, ok := <-states:
			if !ok {
				return
			}
		case <-moment.C:
			return
		}
	}
}

// starting reports whether a script that starts by itself is not past that.
func starting(scripts []registry.Script, cfg *config.Config) bool {
	for _, s := range scripts {
		conf, ok := cfg.Script(s.Name)
		if !ok || !conf.Autostart {
			continue
		}
		if s.State == script.Starting || s.State == script.Stopped && s.Run == "" {
			return true
		}
	}
	return false
}

// detach starts the same command in the background, in a session of its own,
// with its output in host.log, and waits until it serves.
func (a *app) detach(ctx context.Context, cfg *config.Config, state string) error {
	dir := host.Dir(state, cfg.Host.Name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return host.StateError(dir, err)
	}
	logPath := filepath.Join(dir, "host.log")
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return host.StateError(dir, err)
	}
	defer log.Close()
	reader, writer, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make pipe: %w", err)
	}
	defer reader.Close()
	executable, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own executable: %w", err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), executable, os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{writer}
	cmd.Env = append(os.Environ(), readyEnv+"=3")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start host: %w", err)
	}
	writer.Close()
	if err := a.waiting("the host", func() error { return awaitReady(reader, logPath) }); err != nil {
		return err
	}
	pid := cmd.Process.Pid
	if err := cmd.Process.Release(); err != nil {
		return fmt.Errorf("leave host: %w", err)
	}
	listen, err := host.ReadListen(dir)
	if err != nil {
		return err
	}
	if a.json {
		return a.printLine(map[string]any{"host": cfg.Host.Name, "pid": pid, "log": logPath, "listen": listen})
	}
	a.firstLines(cfg, listen, true)
	return nil
}

// awaitReady reads what the host in the background has to say.
func awaitReady(r *os.File, logPath string) error {
	line, err := bufio.NewReader(r).ReadBytes('\n')
	if err != nil {
		return script.Errorf(script.CodeInternal, "the host ended before it served").WithHint("its output is in %s", logPath)
	}
	var said v1.ErrorBody
	if err := json.Unmarshal(line, &said); err != nil {
		return fmt.Errorf("read from host: %w", err)
	}
	if said.Error.Code != "" {
		return &said.Error
	}
	return nil
}
