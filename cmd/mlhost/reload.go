package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

func (a *app) reloadVerb() *cobra.Command {
	now := false
	cmd := a.do(&cobra.Command{
		Use:   "reload [SCRIPT]",
		Short: "Carry out the configuration as it is now, or let a script run with its new program",
		Long: `Carry out the configuration as it is now; or, for one script, let it run with
its program as it is now.

A rebuilt plugin takes over the run of the one before it, where it makes
checkpoints. Where it makes none it is used from the next run on, or with --now
at once, in a new run. A script in another language whose source has changed is
started again with the values that were set, and from the newest checkpoint that
its run has written where it has an argument for that. When the new program does not work
the old one goes on, and it is said why.`,
		Args:              args(0, 1, "a script, or nothing"),
		ValidArgsFunction: a.completeScripts,
	}, func(ctx context.Context, got []string) error {
		if len(got) == 0 && now {
			return script.Errorf(script.CodeUsage, "--now is about a script").WithHint("mlhost reload SCRIPT --now")
		}
		if len(got) == 0 {
			return a.reloadConfig(ctx)
		}
		return a.withHost(func(c *client.Client) error {
			var out v1.Acted
			if err := a.waiting(got[0], func() (err error) {
				out, err = c.ReloadScript(ctx, got[0], now)
				return err
			}); err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, escapeLine(reloadedText(out)))
				return err
			})
		})
	})
	cmd.Flags().BoolVar(&now, "now", false, "end a run that cannot be handed over, and start a new one")
	return cmd
}

// reloadedText tells a person what became of a reload.
func reloadedText(out v1.Acted) string {
	switch out.Reloaded {
	case "unchanged":
		return out.Script + " runs what is there already"
	case "handed_over":
		return fmt.Sprintf("%s goes on with the new binary (run %s)", out.Script, out.Run)
	case "restarted":
		if out.Checkpoint != "" {
			return fmt.Sprintf("%s was started again from %s (run %s)", out.Script, out.Checkpoint, out.Run)
		}
		return fmt.Sprintf("%s was started again (run %s)", out.Script, out.Run)
	case "at_next_run":
		if out.State.Live() {
			return fmt.Sprintf("%s is %s (run %s); what is new is used in its next run, or with --now at once", out.Script, out.State, out.Run)
		}
		return fmt.Sprintf("%s does not run; what is new is used in its next run", out.Script)
	}
	return fmt.Sprintf("%s is %s", out.Script, out.State)
}
