package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
)

// actVerbs are the verbs that act on one script.
func (a *app) actVerbs() []*cobra.Command {
	withConnector := false
	start := a.onScript("start", "Start a script", func(ctx context.Context, c *client.Client, name string) (v1.Acted, error) {
		return c.Start(ctx, name, withConnector)
	})
	start.Flags().BoolVar(&withConnector, "with-connector", false, "add --with-connector to the arguments of a script of the Python API, as the original connector does; every script is connected either way")
	start.Aliases = []string{"execute"}
	return []*cobra.Command{
		start,
		a.actVerb("stop", "Stop a script and everything that it has started"),
		a.actVerb("pause", "Pause a script at its next step"),
		a.actVerb("resume", "Let a paused script go on"),
		a.actVerb("restart", "Stop a script and start it again, with the values that were set"),
	}
}

// actVerb is a verb that the host carries out on one script.
func (a *app) actVerb(name, short string) *cobra.Command {
	return a.onScript(name, short, func(ctx context.Context, c *client.Client, script string) (v1.Acted, error) {
		return c.Act(ctx, script, name)
	})
}

// onScript is a verb that does something with one script.
func (a *app) onScript(name, short string, do func(ctx context.Context, c *client.Client, script string) (v1.Acted, error)) *cobra.Command {
	return a.do(&cobra.Command{
		Use:               name + " SCRIPT",
		Short:             short,
		Args:              args(1, 1, "a script"),
		ValidArgsFunction: a.completeScripts,
	}, func(ctx context.Context, got []string) error {
		return a.withHost(func(c *client.Client) error {
			var out v1.Acted
			if err := a.waiting(got[0], func() (err error) {
				out, err = do(ctx, c, got[0])
				return err
			}); err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) error {
				text := fmt.Sprintf("%s is %s", out.Script, out.State)
				if out.Run != "" {
					text += fmt.Sprintf(" (run %s)", out.Run)
				}
				_, err := fmt.Fprintln(w, escapeLine(text))
				return err
			})
		})
	})
}

func (a *app) scanVerb() *cobra.Command {
	return a.do(&cobra.Command{
		Use:   "scan",
		Short: "Look for new scripts in the folders of the configuration",
		Args:  args(0, 0, "no arguments"),
	}, func(ctx context.Context, _ []string) error {
		return a.withHost(func(c *client.Client) error {
			out, err := c.Scan(ctx)
			if err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) error {
				for _, name := range out.Scripts {
					if _, err := fmt.Fprintln(w, escapeLine(name)); err != nil {
						return err
					}
				}
				return nil
			})
		})
	})
}
