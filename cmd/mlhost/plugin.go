package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/wrappers/interpreter"
)

func (a *app) pluginVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plugin",
		Short: "Write, test and list plugins",
	}
	a.group(cmd)
	cmd.AddCommand(a.pluginNewVerb(), a.pluginTestVerb(), a.pluginListVerb(), a.pluginServeVerb())
	return cmd
}

// pluginServeVerb is how the host starts the wrappers that live in this
// program. It is not for people.
func (a *app) pluginServeVerb() *cobra.Command {
	var launch string
	cmd := &cobra.Command{
		Use:    "serve WRAPPER",
		Short:  "Serve a wrapper that is part of this program; the host does that",
		Hidden: true,
		Args:   args(1, 1, "a wrapper"),
	}
	cmd.Flags().StringVar(&launch, "launch", "", "file that says what to run")
	return a.do(cmd, func(_ context.Context, got []string) error {
		if got[0] != "interpreter" {
			return script.Errorf(script.CodeNotFound, "there is no wrapper %q", got[0])
		}
		return interpreter.Serve(launch)
	})
}
