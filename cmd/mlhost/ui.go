package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
)

func (a *app) uiVerb() *cobra.Command {
	var stay bool
	cmd := &cobra.Command{
		Use:   "ui",
		Short: "Print and open a link to the host's page",
		Long: strings.TrimSpace(`
Print a link to the host's page, and open it where there is a browser. The link
is good once, for a minute; the browser gets a token for it, which is good for a
week and stays in the tab.`),
		Args: args(0, 0, "no arguments"),
	}
	cmd.Flags().BoolVar(&stay, "no-open", false, "only print the link")
	return a.do(cmd, func(ctx context.Context, _ []string) error {
		return a.withHost(func(c *client.Client) error {
			out, err := c.LoginCode(ctx)
			if err != nil {
				return err
			}
			if base := c.Base(); a.isAway() {
				out.URL = base + "/#code=" + out.Code
			}
			if err := a.print(out, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, out.URL)
				return err
			}); err != nil || stay || a.json || !isTerminal(a.stdout) {
				return err
			}
			return a.browse(ctx, out)
		})
	})
}

// browse opens a link in the browser of who sits here.
func (a *app) browse(ctx context.Context, link v1.LoginCode) error {
	opener := "xdg-open"
	switch {
	case a.env("SSH_CONNECTION") != "":
		return nil
	case runtime.GOOS == "darwin":
		opener = "open"
	case a.env("DISPLAY") == "" && a.env("WAYLAND_DISPLAY") == "":
		return nil
	}
	if err := exec.CommandContext(ctx, opener, link.URL).Run(); err != nil {
		a.note("no browser was opened (%v): follow the link yourself", err)
	}
	return nil
}
