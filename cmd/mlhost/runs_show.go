package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// shown says what `runs show` is to show.
type shown struct {
	samples      []string
	packages     bool
	source, diff bool
}

func (a *app) runsShowVerb() *cobra.Command {
	var what shown
	cmd := &cobra.Command{
		Use:   "show RUN…",
		Short: "Show everything about runs: record, parameters, changes, series, results, artifacts",
		Long: `Show everything about runs: record, parameters, changes, series, results,
artifacts. A run is named by its id, by the beginning of it, or by its script:
the last run.`,
		Example:           "mlhost runs show trainer\nmlhost runs show k3f9 --samples loss --json\nmlhost runs show trainer --diff",
		Args:              args(1, -1, "a run or a script"),
		ValidArgsFunction: a.completeRuns,
	}
	cmd.Flags().StringSliceVar(&what.samples, "samples", nil, "also every sample of these variables")
	cmd.Flags().BoolVar(&what.packages, "packages", false, "also every package with its version")
	cmd.Flags().BoolVar(&what.source, "source", false, "only the script's source, as it was at the start")
	cmd.Flags().BoolVar(&what.diff, "diff", false, "only what git saw changed at the start")
	cmd.MarkFlagsMutuallyExclusive("source", "diff", "samples")
	return a.do(cmd, func(ctx context.Context, got []string) error {
		return a.withRecord(ctx, func(c *client.Client) error {
			for i, id := range got {
				if i > 0 && !a.json {
					fmt.Fprintln(a.stdout)
				}
				if err := a.showRun(ctx, c, id, what); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func (a *app) showRun(ctx context.Context, c *client.Client, id string, what shown) error {
	name := ""
	switch {
	case what.source:
		name = script.TextSource
	case what.diff:
		name = script.TextDiff
	}
	if name != "" {
		out, err := c.RunText(ctx, id, name)
		if err != nil {
			return err
		}
		return a.print(out, func(w io.Writer) error {
			text := out.Text
			if isTerminal(a.stdout) {
				text = escapeText(text)
			}
			_, err := io.WriteString(w, text)
			return err
		})
	}
	out, err := c.Run(ctx, id, what.samples...)
	if err != nil {
		return err
	}
	return a.print(out, func(w io.Writer) error { return writeRun(w, out, what.packages) })
}

// writeRun writes all that is known of a run, in tables.
func writeRun(w io.Writer, r v1.RunDetail, packages bool) error {
	changes := table{header: []string{"CHANGED AT", "STEP", "PARAMETER", "FROM", "TO", "BY", "STATUS"}}
	for _, c := range r.Changes {
		changes.add(clock(c.Time), stepText(c.Step), c.Name, shortValue(c.Old, 30), shortValue(c.New, 30), c.Author, string(c.Status))
	}
	series := table{header: []string{"SERIES", "SAMPLES", "LAST"}}
	for _, s := range r.Series {
		series.add(s.Name, fmt.Sprint(s.Count), shortValue(s.Last, 40))
	}
	tables := []*table{
		runHead(r), valueTable("PARAMETER AT START", r.Parameters), &changes, &series, valueTable("RESULT", r.Results),
		artifactTable(r), binaryTable(r),
	}
	if list, ok := r.Record["packages"].Map(); ok && packages {
		tables = append(tables, valueTable("PACKAGE", list))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Samples)) {
		t := table{header: []string{"STEP OF " + name, "TIME", "VALUE"}}
		for _, p := range r.Samples[name] {
			t.add(stepText(p.Step), clock(p.Time), shortValue(p.Value, 60))
		}
		tables = append(tables, &t)
	}
	return writeTables(w, tables)
}

// writeTables writes those that have rows, with empty lines between them.
func writeTables(w io.Writer, tables []*table) error {
	first := true
	for _, t := range tables {
		if len(t.rows) == 0 {
			continue
		}
		if !first {
			if _, err := fmt.Fprintln(w); err != nil {
				return err
			}
		}
		first = false
		if err := t.write(w); err != nil {
			return err
		}
	}
	return nil
}

// runHead tells how the run went, and how it came about.
func runHead(r v1.RunDetail) *table {
	t := &table{header: []string{"RUN", r.ID}}
	t.add("script", r.Script)
	t.add("state", string(r.State)+reasonText(r.Reason))
	t.add("started", clock(r.Started))
	if r.Finished != nil {
		t.add("finished", fmt.Sprintf("%s, after %s", clock(*r.Finished), duration(r.Finished.Sub(r.Started).Seconds())))
	}
	if r.ExitCode != nil {
		t.add("exit code", fmt.Sprint(*r.ExitCode))
	}
	record := v1.Facts(r.Record)
	add := func(name string, parts ...string) {
		if text := strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " "); text != "" {
			t.add(name, text)
		}
	}
	if list, ok := r.Record["command"].List(); ok {
		words := make([]string, 0, len(list))
		for _, v := range list {
			words = append(words, shellWord(v.String()))
		}
		add("command", clip(strings.Join(words, " "), 300))
	}
	add("directory", record["directory"])
	add("interpreter", record["interpreter.path"], record["interpreter.version"])
	if list, ok := r.Record["packages"].Map(); ok && len(list) > 0 {
		add("packages", count(len(list), "package"))
	}
	add("build", record["build.path"], record["build.version"], record["build.go"])
	add("git", gitText(record))
	add("source", record["source.path"], clip(record["source.sha256"], 13))
	add("machine", machineText(record))
	if from := record["resumed.checkpoint"]; from != "" {
		add("goes on from", from, "of run", record["resumed.run"])
	}
	return t
}

func gitText(record map[string]string) string {
	if problem := record["git.problem"]; problem != "" {
		return problem
	}
	if record["git.root"] == "" && record["git.commit"] == "" {
		return ""
	}
	text := orElse(record["git.commit"], "no commit yet")
	if branch := record["git.branch"]; branch != "" {
		text += " on " + branch
	}
	if n := record["git.changed"]; record["git.dirty"] == "true" && n != "" {
		text += ", with " + n + " changed (--diff)"
	} else if record["git.dirty"] == "true" {
		text += ", with changes"
	}
	if n := record["git.untracked"]; n != "" && n != "0" {
		text += ", " + n + " untracked"
	}
	return text
}

func machineText(record map[string]string) string {
	if record["machine.os"] == "" {
		return ""
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s/%s, %s cpus", record["machine.name"], record["machine.os"], record["machine.arch"], record["machine.cpus"]))
}

// orElse returns text, or instead where that is empty.
func orElse(text, instead string) string {
	if text == "" {
		return instead
	}
	return text
}

// shellWord quotes a word where a shell would need it.
func shellWord(word string) string {
	if word != "" && !strings.ContainsAny(word, " \t\n\"'`$\\|&;<>()*?[]#~{}!") {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

func artifactTable(r v1.RunDetail) *table {
	directory, _ := r.Record["directory"].Text()
	t := &table{header: []string{"ARTIFACT", "SIZE", "KIND", "SHA256", "FOUND"}}
	for _, f := range r.Artifacts {
		path := f.Path
		if rel, err := filepath.Rel(directory, path); err == nil && directory != "" && filepath.IsLocal(rel) {
			path = rel
		}
		t.add(clip(path, 120), humanize.IBytes(uint64(max(0, f.Size))), f.Kind, clip(f.SHA256, 13), f.Found)
	}
	return t
}

func binaryTable(r v1.RunDetail) *table {
	t := &table{header: []string{"BINARY", "FROM STEP"}}
	if len(r.Binaries) == 1 && r.Record["plugin"].String() == "interpreter" {
		return t // mlhost's own
	}
	for _, b := range r.Binaries {
		t.add(b.SHA256, fmt.Sprint(b.FromStep))
	}
	return t
}
