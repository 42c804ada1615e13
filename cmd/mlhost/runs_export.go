package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/host/api/client"
	"github.com/mlhost/mlhost/host/api/export"
	"github.com/mlhost/mlhost/shared/script"
)

func (a *app) runsExportVerb() *cobra.Command {
	var format, output string
	var artifacts bool
	cmd := &cobra.Command{
		Use:   "export RUN… [PATH]",
		Short: "Write runs in the form of other programs",
		Long: `Write runs in the form of other programs. A run is named by its id, by the
beginning of it, or by its script: the last run. PATH, or --output PATH, is where
to; as the last argument it needs a / or a dot in it, unless the format is mlflow.

  json    all that is known, with every sample, in one file or to the output
  csv     to a file that ends in .csv, or to the output: the samples, a row for
          each; into a folder: runs, parameters, changes, results, artifacts
          and samples, a table for each
  mlflow  into a folder that is a file store of MLflow`,
		Example: "mlhost runs export trainer trainer.json\nmlhost runs export k3f9 k3g2 --format csv tables/\n" +
			"mlhost runs export trainer --format mlflow mlruns",
		Args:              args(1, -1, "a run or a script"),
		ValidArgsFunction: a.completeRuns,
	}
	flags := cmd.Flags()
	flags.StringVar(&format, "format", "json", "json, csv or mlflow")
	flags.StringVarP(&output, "output", "o", "", "where to: a file, a folder, or - for the output")
	flags.BoolVar(&artifacts, "artifacts", false, "mlflow: copy the files that the runs wrote, as far as they are still the same")
	return a.do(cmd, func(ctx context.Context, got []string) error {
		if artifacts && format != "mlflow" {
			return script.Errorf(script.CodeUsage, "--artifacts is for --format mlflow")
		}
		if i := len(got) - 1; output == "" && i > 0 && (format == "mlflow" || strings.ContainsAny(got[i], "/.")) {
			got, output = got[:i], got[i]
		}
		return a.withRecord(ctx, func(c *client.Client) error {
			shown := a.progress("export", 0, inItems("samples"))
			if toOutput(output) && isTerminal(a.stdout) {
				shown.end() // the samples themselves are there
			}
			defer shown.end()
			e := &export.Exporter{Source: countingSource{c, shown}, Artifacts: artifacts}
			return a.export(ctx, e, format, output, got)
		})
	})
}

func (a *app) export(ctx context.Context, e *export.Exporter, format, output string, ids []string) error {
	switch format {
	case "json":
		return a.exportFile(output, func(w *os.File) error { return e.JSON(ctx, w, ids) })
	case "csv":
		if toOutput(output) || strings.EqualFold(filepath.Ext(output), ".csv") {
			return a.exportFile(output, func(w *os.File) error { return e.CSVSamples(ctx, w, ids) })
		}
		return a.exported(e.CSV(ctx, output, ids), output)
	case "mlflow":
		if toOutput(output) {
			return script.Errorf(script.CodeUsage, "--format mlflow needs a folder").WithHint("name one: mlhost runs export RUN --format mlflow mlruns")
		}
		return a.exported(e.MLflow(ctx, output, ids), output)
	}
	err := script.Errorf(script.CodeUsage, "there is no format %q", format)
	if best := script.Suggest(format, []string{"json", "csv", "mlflow"}); best != "" {
		return err.WithHint("did you mean %q?", best)
	}
	return err.WithHint("the formats are json, csv and mlflow")
}

// toOutput reports whether what is exported goes to the output.
func toOutput(path string) bool { return path == "" || path == "-" }

// exportFile lets write write to the output, or a file that is there whole or
// not at all.
func (a *app) exportFile(output string, write func(*os.File) error) error {
	if toOutput(output) {
		return write(a.stdout)
	}
	if info, err := os.Stat(output); err == nil && info.IsDir() {
		return script.Errorf(script.CodeUsage, "%s is a folder; a file is needed", output)
	}
	f, err := os.CreateTemp(filepath.Dir(output), ".export-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := errors.Join(write(f), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return a.exported(os.Rename(f.Name(), output), output)
}

// exported tells where the runs are now.
func (a *app) exported(err error, where string) error {
	if err == nil {
		a.note("written: %s", where)
	}
	return err
}
