package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// processEnd tells when a process has ended, also one that is not our child.
// A process id that is used again does not deceive it.
type processEnd struct{ fd int }

func watchProcess(pid int) (processEnd, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return processEnd{}, fmt.Errorf("watch process %d: %w", pid, err)
	}
	return processEnd{fd}, nil
}

func (p processEnd) wait() error {
	for {
		_, err := unix.Poll([]unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}, -1)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("wait for the host: %w", err)
		}
		return nil
	}
}

func (p processEnd) close() { _ = unix.Close(p.fd) } // nothing was written to it
