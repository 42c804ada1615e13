package main

import (
	"context"
	"slices"

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

// wrapperLaunch returns the launch file of a command line by which the host
// starts a wrapper. A wrapper lives as long as its script, and without the tree
// of commands: that would take it more memory than all that it does.
func wrapperLaunch(args []string) (launch string, ok bool) {
	if len(args) != 5 || !slices.Equal(args[:4], []string{"plugin", "serve", "interpreter", "--launch"}) {
		return "", false
	}
	return args[4], true
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
