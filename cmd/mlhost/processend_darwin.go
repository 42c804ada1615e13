package main

import (
	"errors"
	"syscall"
	"time"
)

// processEnd tells when a process has ended, also one that is not our child.
type processEnd struct{ pid int }

func watchProcess(pid int) (processEnd, error) { return processEnd{pid}, nil }

func (p processEnd) wait() error {
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for !errors.Is(syscall.Kill(p.pid, 0), syscall.ESRCH) {
		<-look.C
	}
	return nil
}

func (processEnd) close() {}
