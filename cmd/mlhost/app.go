package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"charm.land/fang/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/mlhost/mlhost/shared/script"
)

// app is one call of the program: where it reads and writes, and the flags
// that every verb has.
type app struct {
	stdin  *os.File
	stdout *os.File
	stderr *os.File
	getenv func(string) (string, bool)

	state   string // --state
	host    string // --host
	token   string // --token-file
	json    bool
	noColor bool

	err error // what the verb ended with
}

// main runs the verb that args name and returns the exit code.
func (a *app) main(ctx context.Context, args []string) int {
	// Help is written before flags are known, errors in flags after.
	own := args
	if i := slices.Index(args, "--"); i >= 0 {
		own = args[:i] // the rest is for a script
	}
	a.noColor = slices.Contains(own, "--no-color")
	a.json = slices.Contains(own, "--json")
	if a.noColor {
		_ = os.Setenv("NO_COLOR", "1") // for the libraries that write help
	}
	root := a.root()
	root.SetArgs(args)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	completions(root, a.stdout)
	quiet := func(io.Writer, fang.Styles, error) {}
	err := fang.Execute(ctx, root, fang.WithErrorHandler(quiet), fang.WithoutVersion(), fang.WithoutManpage())
	if err != nil && a.err == nil {
		a.err = usageError(err)
	}
	if a.err == nil {
		return 0
	}
	a.report(a.err)
	return exitCode(a.err)
}

// verb is what a command does.
type verb func(ctx context.Context, args []string) error

// do makes f the work of a command. Errors are kept for main, so that they
// are shown in one place.
func (a *app) do(cmd *cobra.Command, f verb) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		a.err = f(cmd.Context(), args)
		return nil
	}
	return cmd
}

// root builds the tree of commands.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "mlhost",
		Short: "Run machine-learning scripts as one system.",
		Long: strings.TrimSpace(`
Run machine-learning scripts as one system: start and watch them, change their
parameters while they run, see what they report, and let them work together.`),
		Example: strings.TrimSpace(`
mlhost run config.hcl
mlhost set trainer learning_rate=0.01
mlhost watch trainer.loss`),
		Args: cobra.ArbitraryArgs,
	}
	root.Version, _ = buildVersion() // gives --version
	a.group(root)
	others := root.RunE
	root.RunE = func(cmd *cobra.Command, got []string) error {
		if len(got) > 0 || !a.interactive() {
			return others(cmd, got)
		}
		a.err = a.menu(cmd.Context(), false)
		return nil
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.state, "state", "", "directory of all that is kept (default $MLHOST_STATE, else $XDG_STATE_HOME/mlhost)")
	flags.StringVar(&a.host, "host", "", "which host, by its name or its https:// address (default: the only one that runs)")
	flags.StringVar(&a.token, "token-file", "", "the file with the token of the host at an address (or MLHOST_TOKEN, the token itself)")
	flags.BoolVar(&a.json, "json", a.json, "write JSON, errors too")
	flags.BoolVar(&a.noColor, "no-color", a.noColor, "write no colours (or NO_COLOR)")
	a.completeFlags(root)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return flagError(cmd, err) })
	groups := []struct {
		title string
		verbs []*cobra.Command
	}{
		{"run", []*cobra.Command{a.runVerb(), a.validateVerb(), a.fmtVerb(), a.initVerb(), a.discoverVerb(), a.planVerb(), a.downVerb(), a.scanVerb()}},
		{"look", []*cobra.Command{a.psVerb(), a.getVerb(), a.varsVerb(), a.watchVerb(), a.resultsVerb(), a.logsVerb(), a.runsVerb(), a.menuVerb(), a.uiVerb()}},
		{"change", append([]*cobra.Command{a.setVerb(), a.releaseVerb(), a.reloadVerb()}, a.actVerbs()...)},
		{"keep", []*cobra.Command{a.doctorVerb(), a.backupVerb(), a.restoreVerb(), a.upgradeVerb()}},
		{"talk", []*cobra.Command{a.callVerb(), a.tellVerb(), a.broadcastVerb(), a.mailboxVerb()}},
		{"make", []*cobra.Command{a.pluginVerb(), a.sdkVerb(), a.manVerb()}},
		{"", []*cobra.Command{a.versionVerb(), a.preflightVerb()}},
	}
	for _, g := range groups {
		if g.title != "" {
			root.AddGroup(&cobra.Group{ID: g.title, Title: g.title})
		}
		for _, v := range g.verbs {
			v.GroupID = g.title
			root.AddCommand(v)
		}
	}
	return root
}

// group lets a command that only holds others show its help, and name the
// verb that was most likely meant where there is none of the given name.
func (a *app) group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		var names []string
		for _, c := range cmd.Commands() {
			if !c.Hidden {
				names = append(append(names, c.Name()), c.Aliases...)
			}
		}
		err := script.Errorf(script.CodeUsage, "there is no verb %q", strings.TrimSpace(strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name())+" "+args[0]))
		if best := script.Suggest(args[0], names); best != "" {
			err = err.WithHint("did you mean `%s %s`?", cmd.CommandPath(), best)
		} else {
			err = err.WithHint("`%s --help` lists them", cmd.CommandPath())
		}
		return err
	}
	return cmd
}

// flagError names the flag that was most likely meant.
func flagError(cmd *cobra.Command, err error) error {
	out := usageError(err)
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return out.WithHint("`%s --help` lists the flags", cmd.CommandPath())
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	cmd.InheritedFlags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if best := script.Suggest(unknown.GetSpecifiedName(), names); best != "" {
		return out.WithHint("did you mean --%s?", best)
	}
	return out.WithHint("`%s --help` lists the flags", cmd.CommandPath())
}

// usageError makes err, found before a verb ran, one of code usage.
func usageError(err error) *script.Error {
	if known, ok := errors.AsType[*script.Error](err); ok {
		return known
	}
	return script.Errorf(script.CodeUsage, "%s", strings.TrimSpace(err.Error()))
}

// verbOf is a command's name without the program's, which every error begins with.
func verbOf(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

// args checks how many arguments a verb got, and says which are missing.
func args(least, most int, names string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, got []string) error {
		switch {
		case len(got) < least:
			return script.Errorf(script.CodeUsage, "%s needs %s", verbOf(cmd), names).
				WithHint("usage: %s", cmd.UseLine())
		case most >= 0 && len(got) > most:
			return script.Errorf(script.CodeUsage, "%s takes %s, and %q is one too many", verbOf(cmd), names, got[most]).
				WithHint("usage: %s", cmd.UseLine())
		}
		return nil
	}
}

// print writes v as JSON under --json, and otherwise lets text write.
func (a *app) print(v any, text func(w io.Writer) error) error {
	if !a.json {
		return text(a.stdout)
	}
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// printLine writes v as one line of JSON.
func (a *app) printLine(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// note writes talk, as opposed to data, for a person.
func (a *app) note(format string, args ...any) {
	if !a.json {
		fmt.Fprintf(a.stderr, format+"\n", args...)
	}
}

func (a *app) env(name string) string {
	v, _ := a.getenv(name)
	return v
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
