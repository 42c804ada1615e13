package main

import (
	"context"
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"

	v1 "github.com/mlhost/mlhost/host/api/v1"
)

func (a *app) versionVerb() *cobra.Command {
	return a.do(&cobra.Command{
		Use:   "version",
		Short: "Show the version",
		Args:  args(0, 0, "no arguments"),
	}, func(context.Context, []string) error {
		v, commit := buildVersion()
		out := v1.Version{Version: v, Commit: commit, Go: runtime.Version()}
		return a.print(out, func(w io.Writer) error {
			if commit == "" {
				commit = "commit not known"
			}
			_, err := fmt.Fprintf(w, "mlhost %s (%s, %s)\n", out.Version, commit, out.Go)
			return err
		})
	})
}
