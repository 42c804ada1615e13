package interpreter

import (
	"os/exec"
	"sync"
)

// helpers are the processes that the wrapper starts for itself. They are none
// of the run's, and somebody here waits for each.
var helpers = helperSet{pids: map[int]bool{}}

type helperSet struct {
	mu   sync.RWMutex // held for writing while one is being started
	pids map[int]bool
}

// start starts cmd as a helper.
func (h *helperSet) start(cmd *exec.Cmd) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	err := cmd.Start()
	if err == nil {
		h.pids[cmd.Process.Pid] = true
	}
	return err
}

// wait waits for a helper.
func (h *helperSet) wait(cmd *exec.Cmd) error {
	err := cmd.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.pids, cmd.Process.Pid)
	return err
}

// without lets look find processes while none is being started, and tells it
// which are helpers.
func (h *helperSet) without(look func(isHelper func(pid int) bool)) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	look(func(pid int) bool { return h.pids[pid] })
}
