package supervisor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// bootID names the machine's current boot. A pid means nothing in another one.
func bootID() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("read boot id: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// startTime returns when a process was started, in clock ticks since boot.
// Together with the boot id it tells a process from a later one that got the
// same pid. A zombie counts as gone.
func startTime(pid int) (uint64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read start time: %w", err)
	}
	// The second field is the command in parentheses and may hold anything.
	i := bytes.LastIndexByte(b, ')')
	if i < 0 {
		return 0, fmt.Errorf("read start time of process %d: no command in %q", pid, b)
	}
	fields := strings.Fields(string(b[i+1:]))
	if len(fields) < 20 {
		return 0, fmt.Errorf("read start time of process %d: %d fields only", pid, len(fields))
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return 0, fmt.Errorf("read start time of process %d: %w", pid, os.ErrProcessDone)
	}
	ticks, err := strconv.ParseUint(fields[19], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read start time of process %d: %w", pid, err)
	}
	return ticks, nil
}

// handle is a process that cannot be mistaken for a later one of the same pid.
type handle struct {
	pid int
	f   *os.File // a pidfd in the runtime's poller: a wait costs no thread
}

func openHandle(pid int) (handle, error) {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return handle{}, fmt.Errorf("open process %d: %w", pid, err)
	}
	return handle{pid: pid, f: os.NewFile(uintptr(fd), fmt.Sprintf("pidfd of %d", pid))}, nil
}

func (h handle) close() { _ = h.f.Close() }

// signal sends sig. A process that is gone already is no error.
func (h handle) signal(sig syscall.Signal) error {
	raw, err := h.f.SyscallConn()
	if err != nil {
		return fmt.Errorf("signal process %d: %w", h.pid, err)
	}
	var problem error
	err = raw.Control(func(fd uintptr) { problem = unix.PidfdSendSignal(int(fd), sig, nil, 0) })
	if errors.Is(problem, unix.ESRCH) {
		problem = nil
	}
	if err = errors.Join(err, problem); err != nil {
		return fmt.Errorf("signal process %d: %w", h.pid, err)
	}
	return nil
}

// wait returns when the process has ended; its parent need not be this one,
// and one that is its parent still has to reap it. There may be one wait at a
// time.
func (h handle) wait(ctx context.Context) error {
	raw, err := h.f.SyscallConn()
	if err != nil {
		return fmt.Errorf("wait for process %d: %w", h.pid, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = h.f.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	for {
		var problem error
		err = raw.Read(func(fd uintptr) bool {
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
			if err != nil && !errors.Is(err, unix.EINTR) {
				problem = err
			}
			return n > 0 || problem != nil
		})
		switch {
		case err == nil && problem == nil:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("wait for process %d: %w", h.pid, ctx.Err())
		case errors.Is(err, os.ErrDeadlineExceeded): // an earlier wait's
			if err := h.f.SetReadDeadline(time.Time{}); err != nil {
				return fmt.Errorf("wait for process %d: %w", h.pid, err)
			}
			if ctx.Err() != nil { // it may have ended before the deadline was taken back
				return fmt.Errorf("wait for process %d: %w", h.pid, ctx.Err())
			}
		default:
			return fmt.Errorf("wait for process %d: %w", h.pid, errors.Join(err, problem))
		}
	}
}
