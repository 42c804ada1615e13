package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// macOS has no pidfd and does not show other processes' environments: a
// process is told from a later one of the same pid by its start time, and
// what a run has started is found by its process group alone.

func bootID() (string, error) {
	at, err := unix.SysctlTimeval("kern.boottime")
	if err != nil {
		return "", fmt.Errorf("read boot time: %w", err)
	}
	return strconv.FormatInt(at.Nano(), 10), nil
}

// zombie is the state of a process that waits to be buried (SZOMB).
const zombie = 5

func startTime(pid int) (uint64, error) {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return 0, fmt.Errorf("read start time of process %d: %w", pid, err)
	}
	if info.Proc.P_stat == zombie {
		return 0, fmt.Errorf("read start time of process %d: %w", pid, os.ErrProcessDone)
	}
	return uint64(info.Proc.P_starttime.Nano()), nil
}

// handle is a process, known by its pid and start time.
type handle struct {
	pid     int
	started uint64
}

func openHandle(pid int) (handle, error) {
	started, err := startTime(pid)
	return handle{pid: pid, started: started}, err
}

func (h handle) close() {}

func (h handle) alive() bool {
	started, err := startTime(h.pid)
	return err == nil && started == h.started
}

func (h handle) signal(sig syscall.Signal) error {
	if !h.alive() {
		return nil
	}
	if err := syscall.Kill(h.pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal process %d: %w", h.pid, err)
	}
	return nil
}

// wait returns when the process has ended; its parent need not be this one.
func (h handle) wait(ctx context.Context) error {
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for h.alive() {
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for process %d: %w", h.pid, ctx.Err())
		}
	}
	return nil
}

func killMarked(context.Context, string, time.Duration) error { return nil }

func hasMark(int, string) bool { return false }

func marked(string) ([]handle, error) { return nil, nil }
