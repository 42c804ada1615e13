package interpreter

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// childAttributes puts the script into its own process group and lets the
// kernel kill it when the thread that started it ends.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// becomeReaper makes this process the parent of its descendants' orphans.
func becomeReaper() error { return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }
