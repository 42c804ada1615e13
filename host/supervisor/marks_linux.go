package supervisor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

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
