//go:build !linux

package interpreter

import (
	"syscall"
	"time"
)

// Elsewhere than on Linux there is no death signal, no reaper of orphans and
// no reading of other processes' environments: a script ends with its wrapper
// by the end of file on its socket, and what it started is found by its
// process group alone.

func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func becomeReaper() error { return nil }

type killer struct {
	run         string
	descendants bool
}

func (killer) leftovers() ([]int, error) { return nil, nil }

func (killer) clean(_, _ time.Duration) (int, error) { return 0, nil }

type reaper struct{}

func newReaper(int) *reaper { return &reaper{} }

func (*reaper) close() {}

// stoppedOrDead cannot be told here: a signal that was sent is believed.
func stoppedOrDead(int) bool { return true }
