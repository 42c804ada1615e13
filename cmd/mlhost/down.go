package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/mlhost/mlhost/host/api/client"
	"github.com/mlhost/mlhost/shared/script"
)

func (a *app) downVerb() *cobra.Command {
	var now bool
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Stop every script, in order, and end the host",
		Long:  "Stop every script, in order, and end the host. It returns when nothing is left.",
		Args:  args(0, 0, "no arguments"),
	}
	cmd.Flags().BoolVar(&now, "now", false, "do not wait for scripts to end by themselves")
	return a.do(cmd, func(ctx context.Context, _ []string) error {
		return a.withHost(func(c *client.Client) error {
			h, err := c.Host(ctx)
			if err != nil {
				return err
			}
			ended, err := watchProcess(h.PID)
			if err != nil {
				return err
			}
			defer ended.close()
			if err := c.Down(ctx, now); err != nil && script.CodeOf(err) != script.CodeHostDown {
				return err
			}
			if err := a.waiting("the scripts of "+h.Name+" to end", ended.wait); err != nil {
				return err
			}
			return a.print(map[string]any{"host": h.Name, "pid": h.PID}, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "host %s is down\n", escapeLine(h.Name))
				return err
			})
		})
	})
}

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
