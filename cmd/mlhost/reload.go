package main

import (
	"context"

	"github.com/spf13/cobra"
)

func (a *app) reloadVerb() *cobra.Command {
	return a.do(&cobra.Command{
		Use:   "reload",
		Short: "Carry out the configuration as it is now",
		Args:  args(0, 0, "no arguments"),
	}, func(ctx context.Context, _ []string) error {
		return a.reloadConfig(ctx)
	})
}
