package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/mlhost/mlhost/host/api/client"
	"github.com/mlhost/mlhost/shared/script"
	"github.com/spf13/cobra"
)

func (a *app) downVerb() *cobra.Command {
	var now bool
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Stop every script, in order, and end the host",
		Long: strings.TrimSpace(`
Stop every script, in order, and end the host. It returns when nothing is left. Of
a host at an address (--host https://…) it sees that the scripts have ended and
that the host answers no more, not the end of its process, and says so.`),
		Args: args(0, 0, "no arguments"),
	}
	cmd.Flags().BoolVar(&now, "now", false, "do not wait for scripts to end by themselves")
	return a.do(cmd, func(ctx context.Context, _ []string) error {
		return a.withHost(func(c *client.Client) error {
			h, err := c.Host(ctx)
			if err != nil {
				return err
			}
			ended, err := a.watchHost(ctx, c, h.PID)
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
			if a.isAway() {
				a.note("the scripts of %s have ended; its process %d is on another machine: whether that has ended too cannot be seen from here", escapeLine(h.Name), h.PID)
			}
			return a.print(map[string]any{"host": h.Name, "pid": h.PID}, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "host %s is down\n", escapeLine(h.Name))
				return err
			})
		})
	})
}

// ending tells when a host has ended.
type ending interface {
	wait() error
	close()
}

func (a *app) watchHost(ctx context.Context, c *client.Client, pid int) (ending, error) {
	if !a.isAway() {
		return watchProcess(pid)
	}
	s, err := c.Events(ctx, client.EventFilter{Kinds: []string{"state"}})
	return streamEnd{s}, err
}

// streamEnd is the end of a host elsewhere: it ends its streams when its
// scripts have ended.
type streamEnd struct{ *client.Stream }

func (s streamEnd) wait() error {
	for {
		_, err := s.Next()
		if errors.Is(err, io.EOF) || script.CodeOf(err) == script.CodeHostDown {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s streamEnd) close() { s.Close() }
