package main

import (
	"context"
	"fmt"
	"io"

	"github.com/mlhost/mlhost/host/api/client"
	"github.com/mlhost/mlhost/shared/script"
	"github.com/spf13/cobra"
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
