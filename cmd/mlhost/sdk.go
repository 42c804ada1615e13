package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/wrappers/python"
)

func (a *app) sdkVerb() *cobra.Command {
	return a.do(&cobra.Command{
		Use:   "sdk python DIR",
		Short: "Write the Python modules that scripts may import",
		Long: `Write the Python modules that scripts may import (mlhost, script_interface,
script_wrappers) into a directory. Under mlhost they are there by themselves;
this is for scripts that are started by hand. Beside them it writes the launchers
hivemind_connector.py (a host for the scripts of the folder), connector.py (a
menu) and troubleshoot_all.py (diagnostics).`,
		Example: "mlhost sdk python .",
		Args:    args(2, 2, "a language and a directory"),
	}, func(_ context.Context, got []string) error {
		if got[0] != "python" {
			return script.Errorf(script.CodeNotFound, "there are no modules for %q", got[0]).WithHint("there are some for python")
		}
		dir, err := filepath.Abs(got[1])
		if err != nil {
			return fmt.Errorf("find directory: %w", err)
		}
		program, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find own executable: %w", err)
		}
		if err := python.WriteSDK(dir, program); err != nil {
			return script.Errorf(script.CodeIO, "%v", err)
		}
		return a.print(map[string]any{"language": got[0], "directory": dir}, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "wrote the Python modules into %s\n", got[1])
			return err
		})
	})
}
