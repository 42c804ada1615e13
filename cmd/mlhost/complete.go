package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/host/api/client"
)

// completeScripts offers the names of scripts to the shell.
func (a *app) completeScripts(_ *cobra.Command, got []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(got) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var names []string
	err := a.withRecord(ctx, func(c *client.Client) error {
		out, err := c.Scripts(ctx)
		for _, s := range out.Scripts {
			names = append(names, s.Name)
		}
		return err
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
