package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk/conformance"
)

// checks answers `plugin test`.
type checks struct {
	Checks []check `json:"checks"`
}

// check is one promise that a plugin keeps or not.
type check struct {
	Name   string `json:"name"`
	Status string `json:"status"` // ok, fail or skip
	Detail string `json:"detail"`
}

func (a *app) pluginTestVerb() *cobra.Command {
	return a.do(&cobra.Command{
		Use:   "test PLUGIN",
		Short: "Check that a plugin keeps the promises of the protocol",
		Args:  args(1, 1, "a plugin's executable"),
	}, func(ctx context.Context, got []string) error {
		if _, err := os.Stat(got[0]); err != nil {
			return script.Errorf(script.CodeNotFound, "there is no %s", got[0])
		}
		out := checks{Checks: []check{}}
		ok := conformance.Run(ctx, got[0], func(name string, err error) {
			one := check{Name: name, Status: "ok"}
			if err != nil {
				one.Status, one.Detail = "fail", err.Error()
			}
			if errors.Is(err, conformance.ErrSkipped) {
				one.Status = "skip"
			}
			out.Checks = append(out.Checks, one)
		})
		if err := a.print(out, func(w io.Writer) error {
			t := table{header: []string{"CHECK", "STATUS", "DETAIL"}}
			for _, c := range out.Checks {
				t.add(c.Name, c.Status, c.Detail)
			}
			return t.write(w)
		}); err != nil {
			return err
		}
		if !ok {
			return silent(exitFailed)
		}
		return nil
	})
}
