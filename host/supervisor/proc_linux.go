package supervisor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// markName is the variable in a plugin's environment that marks it, and
// everything it starts, as part of one run.
const markName = "MLHOST_RUN"

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

// marked returns handles, to be closed, of every living process that carries
// the run's mark. Processes of other users cannot be read and are not ours.
// The mark is read again once the handle is open, so the pid cannot have
// changed hands in between.
func marked(run string) ([]handle, error) {
	pids, err := marks.look()
	if err != nil {
		return nil, err
	}
	var found []handle
	for _, pid := range pids[run] {
		h, err := openHandle(pid)
		if err != nil {
			continue // gone
		}
		now, empty := markOf(pid)
		for try := 0; try < 3 && empty; try++ {
			time.Sleep(2 * time.Millisecond) // see readMarks
			now, empty = markOf(pid)
		}
		if now != run {
			h.close() // another process by now
			continue
		}
		found = append(found, h)
	}
	return found, nil
}

// marks looks through all processes. Whoever asks while a look is under way
// shares the next one with all others who do.
var marks lookout

type lookout struct {
	looking sync.Mutex // held for a look

	mu   sync.Mutex
	next *look // not begun yet; nil: nobody waits for one
}

type look struct {
	done chan struct{}
	pids map[string][]int // by run
	err  error
}

func (l *lookout) look() (map[string][]int, error) {
	l.mu.Lock()
	mine := l.next
	if mine != nil {
		l.mu.Unlock()
		<-mine.done
		return mine.pids, mine.err
	}
	mine = &look{done: make(chan struct{})}
	l.next = mine
	l.mu.Unlock()

	l.looking.Lock()
	defer l.looking.Unlock()
	l.mu.Lock()
	l.next = nil
	l.mu.Unlock()
	mine.pids, mine.err = readMarks()
	close(mine.done)
	return mine.pids, mine.err
}

func readMarks() (map[string][]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	found := map[string][]int{}
	var blank []int
	look := func(pid int) {
		switch run, empty := markOf(pid); {
		case run != "":
			found[run] = append(found[run], pid)
		case empty:
			blank = append(blank, pid)
		}
	}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && pid != os.Getpid() {
			look(pid)
		}
	}
	// A process has no environment for the moment in which it executes another
	// program.
	for try := 0; try < 3 && len(blank) > 0; try++ {
		time.Sleep(2 * time.Millisecond)
		again := blank
		blank = nil
		for _, pid := range again {
			look(pid)
		}
	}
	return found, nil
}

// hasMark reports whether a living process carries the run's mark.
func hasMark(pid int, run string) bool {
	found, _ := markOf(pid)
	return run != "" && found == run
}

// markOf returns the run that a living process is part of, "" for none. It is
// empty when the process has a program but no environment at all.
func markOf(pid int) (run string, empty bool) {
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return "", false
	}
	if len(env) == 0 {
		_, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)) // zombies and kernel threads have none
		return "", err == nil
	}
	for v := range bytes.SplitSeq(env, []byte{0}) {
		if run, ok := bytes.CutPrefix(v, []byte(markName+"=")); ok {
			return string(run), false
		}
	}
	return "", false
}

// killMarked ends what carries the run's mark: SIGTERM, patience for it to
// work unless ctx ends before, then SIGKILL again and again until a look finds
// nothing. What the kernel does not end is named in the error.
func killMarked(ctx context.Context, run string, patience time.Duration) error {
	hard, cancel := context.WithTimeout(context.Background(), patience+killTime)
	defer cancel()
	sig, limit, waiting := syscall.SIGTERM, patience, ctx
	for {
		found, err := marked(run)
		if err != nil || len(found) == 0 {
			return err
		}
		if patience <= 0 || ctx.Err() != nil {
			sig = syscall.SIGKILL
		}
		if sig == syscall.SIGKILL {
			limit, waiting = killTime, hard
		}
		left, err := endAll(waiting, found, sig, limit)
		if err != nil {
			return err
		}
		if hard.Err() != nil && len(left) > 0 {
			return fmt.Errorf("processes %s of run %s could not be ended", joinInts(left), run)
		}
		patience = 0
	}
}

// endAll signals all processes, waits for them up to limit and closes their
// handles. It returns the pids of those still there.
func endAll(ctx context.Context, all []handle, sig syscall.Signal, limit time.Duration) ([]int, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var left []int
	var problem error
	for _, h := range all {
		problem = errors.Join(problem, h.signal(sig))
	}
	for _, h := range all {
		if h.wait(ctx) != nil {
			left = append(left, h.pid)
		}
		h.close()
	}
	return left, problem
}

func joinInts(ns []int) string {
	parts := make([]string, len(ns))
	for i, n := range ns {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, ", ")
}
