package interpreter

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// killer finds and ends what a run has left behind: processes with its mark
// in their environment and, where the wrapper is the reaper of orphans, all
// of its descendants.
type killer struct {
	run         string
	descendants bool
}

// leftovers returns the pids of the run's processes that still run, this one
// excepted.
func (k killer) leftovers() ([]int, error) {
	pids, err := processes()
	if err != nil {
		return nil, fmt.Errorf("look for processes of the run: %w", err)
	}
	self := os.Getpid()
	var found []int
	helpers.without(func(isHelper func(int) bool) {
		parents := map[int]int{}
		var alive []int
		for _, pid := range pids {
			parent, state := processStat(pid)
			parents[pid] = parent
			if dead(state) || pid == self || isHelper(pid) {
				continue
			}
			alive = append(alive, pid)
			if k.marked(pid) {
				found = append(found, pid)
			}
		}
		if !k.descendants {
			return
		}
		for _, pid := range alive {
			if !slices.Contains(found, pid) && descends(pid, self, parents) {
				found = append(found, pid)
			}
		}
	})
	return found, nil
}

func descends(pid, from int, parents map[int]int) bool {
	for depth := 0; pid > 1 && depth < 1000; depth++ {
		if pid = parents[pid]; pid == from {
			return true
		}
	}
	return false
}

// marked reports whether the process carries the run's mark. One that cannot
// be read belongs to somebody else, or is gone.
func (k killer) marked(pid int) bool {
	env, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if err != nil {
		return false
	}
	mark := []byte(markName + "=" + k.run)
	for entry := range bytes.SplitSeq(env, []byte{0}) {
		if bytes.Equal(entry, mark) {
			return true
		}
	}
	return false
}

// processes lists the pids of this machine.
func processes() ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// zombie is the state of a process that waits to be buried.
const zombie = 'Z'

// dead reports whether a process in this state runs no more; 0 stands for one
// that is gone.
func dead(state byte) bool { return state == 0 || state == zombie || state == 'X' }

// processStat reads a process's parent and state.
func processStat(pid int) (parent int, state byte) {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, 0
	}
	// The name stands in parentheses and may hold anything, ")" included.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 2 {
		return 0, 0
	}
	if parent, err = strconv.Atoi(fields[1]); err != nil {
		return 0, 0
	}
	return parent, fields[0][0]
}

// signal sends sig to all leftovers and returns how many there were. A pid
// that meanwhile belongs to another process is not touched.
func (k killer) signal(sig unix.Signal) (int, error) {
	pids, err := k.leftovers()
	if err != nil {
		return 0, err
	}
	self := os.Getpid()
	for _, pid := range pids {
		fd, openErr := unix.PidfdOpen(pid, 0)
		if openErr != nil {
			continue // gone
		}
		parent, state := processStat(pid)
		if !dead(state) && (k.marked(pid) || (k.descendants && k.below(parent, self))) {
			if sendErr := unix.PidfdSendSignal(fd, sig, nil, 0); sendErr != nil && !errors.Is(sendErr, unix.ESRCH) {
				err = errors.Join(err, fmt.Errorf("signal process %d: %w", pid, sendErr))
			}
		}
		err = errors.Join(err, unix.Close(fd))
	}
	return len(pids), err
}

// below reports whether a process with this parent descends from self.
func (k killer) below(parent, self int) bool {
	for depth := 0; parent > 1 && depth < 1000; depth++ {
		if parent == self {
			return true
		}
		parent, _ = processStat(parent)
	}
	return false
}

// clean ends all leftovers: politely, for at most grace, then by force, for
// at most limit. It returns how many it could not end.
func (k killer) clean(grace, limit time.Duration) (int, error) {
	n, err := k.signal(unix.SIGTERM)
	if n == 0 && err == nil {
		// One that forked and ended while the first look was under way has hidden
		// its child from it; not from a second.
		n, err = k.signal(unix.SIGTERM)
	}
	if n == 0 || err != nil {
		return n, err
	}
	if n, err := k.wait(grace, 0); n == 0 || err != nil {
		return n, err
	}
	return k.wait(limit, unix.SIGKILL)
}

// wait looks every few milliseconds, signalling each time where sig is one,
// until nothing is left or the time is over.
func (k killer) wait(limit time.Duration, sig unix.Signal) (left int, err error) {
	pause, calm := time.Millisecond, false
	for end := time.Now().Add(limit); ; pause = min(2*pause, 50*time.Millisecond) {
		if sig != 0 {
			left, err = k.signal(sig)
		} else {
			var pids []int
			pids, err = k.leftovers()
			left = len(pids)
		}
		if left == 0 && err == nil && !calm {
			calm = true // see clean
			continue
		}
		if left == 0 || err != nil || time.Now().After(end) {
			return left, err
		}
		calm = false
		time.Sleep(pause) // the kernel tells nobody of the end of strangers
	}
}

// stoppedOrDead reports whether the process runs no instructions.
func stoppedOrDead(pid int) bool {
	_, state := processStat(pid)
	return state == 'T' || dead(state)
}
