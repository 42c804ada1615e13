package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

const (
	noFiles      = cobra.ShellCompDirectiveNoFileComp
	noFilesSpace = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
)

// lookUp asks the host, or its store, for what the shell shows. A shell that
// cannot be helped says nothing.
func (a *app) lookUp(f func(ctx context.Context, c *client.Client) error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = a.withRecord(ctx, func(c *client.Client) error { return f(ctx, c) }) // nothing is offered then
}

func (a *app) scriptNames() []string {
	var names []string
	a.lookUp(func(ctx context.Context, c *client.Client) error {
		out, err := c.Scripts(ctx)
		for _, s := range out.Scripts {
			names = append(names, described(s.Name, string(s.State)))
		}
		return err
	})
	return names
}

// described is an entry with a description, as shells show it; a name that
// would break the protocol's lines is left out.
func described(name, text string) string {
	if strings.ContainsAny(name, "\t\n") {
		return ""
	}
	if text = clip(escapeLine(text), 60); text == "" {
		return name
	}
	return name + "\t" + text
}

func (a *app) parameters(name string) []v1.Parameter {
	var out v1.Parameters
	a.lookUp(func(ctx context.Context, c *client.Client) (err error) {
		out, err = c.Parameters(ctx, name)
		return err
	})
	return out.Parameters
}

func (a *app) variables(name string) []v1.Variable {
	var out v1.Variables
	a.lookUp(func(ctx context.Context, c *client.Client) (err error) {
		out, err = c.Variables(ctx, name)
		return err
	})
	return out.Variables
}

// completeScripts offers the names of scripts to the shell.
func (a *app) completeScripts(_ *cobra.Command, got []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(got) > 0 {
		return nil, noFiles
	}
	return a.scriptNames(), noFiles
}

// completeSet offers NAME= of a script's parameters, and behind it the values
// that a parameter may have where they are few.
func (a *app) completeSet(_ *cobra.Command, got []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(got) == 0 {
		return a.scriptNames(), noFiles
	}
	name, _, behind := strings.Cut(typed, "=")
	var out []string
	for _, p := range a.parameters(got[0]) {
		switch {
		case !behind:
			out = append(out, described(p.Name+"=", strings.TrimSpace(string(p.Type)+", "+shortValue(p.Value, 30)+" now")))
		case p.Name == name:
			for _, c := range choices(p) {
				out = append(out, described(name+"="+c, ""))
			}
		}
	}
	if behind {
		return out, noFiles
	}
	return out, noFilesSpace
}

// choices are the values of a parameter that may have few.
func choices(p v1.Parameter) []string {
	if p.Type == script.TypeBool && len(p.Choices) == 0 {
		return []string{"true", "false"}
	}
	var out []string
	for _, c := range p.Choices {
		text, isText := c.Text()
		if !isText {
			text = c.String()
		}
		out = append(out, text)
	}
	if len(out) == 0 && !p.Value.IsNull() {
		return []string{p.Value.String()} // to be edited
	}
	return out
}

// completeVars offers NAME= of the variables that can be set.
func (a *app) completeVars(_ *cobra.Command, got []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(got) == 0 {
		return a.scriptNames(), noFiles
	}
	var out []string
	for _, v := range a.variables(got[0]) {
		if !v.ReadOnly && !strings.Contains(typed, "=") {
			out = append(out, described(v.Name+"=", string(v.Type)))
		}
	}
	return out, noFilesSpace
}

// completeTopics offers scripts, and then the topics that one has declared; with
// asked only those that it answers.
func (a *app) completeTopics(asked bool) cobra.CompletionFunc {
	return func(_ *cobra.Command, got []string, _ string) ([]string, cobra.ShellCompDirective) {
		switch len(got) {
		case 0:
			return a.scriptNames(), noFiles
		case 1:
			return a.topics(got[0], asked), noFiles
		}
		return nil, noFiles
	}
}

// topics lists the topics that a script has declared; "" stands for all.
func (a *app) topics(name string, asked bool) []string {
	var out []string
	a.lookUp(func(ctx context.Context, c *client.Client) error {
		all, err := c.Topics(ctx)
		known := map[string]bool{}
		for _, t := range all.Topics {
			if (name == "" || t.Script == name) && (t.Answers || !asked) && !known[t.Name] {
				known[t.Name] = true
				out = append(out, described(t.Name, t.Doc))
			}
		}
		return err
	})
	return out
}

// completeOwned offers the parameters that somebody owns.
func (a *app) completeOwned(_ *cobra.Command, got []string, _ string) ([]string, cobra.ShellCompDirective) {
	switch len(got) {
	case 0:
		return a.scriptNames(), noFiles
	case 1:
		var out []string
		for _, p := range a.parameters(got[0]) {
			if p.Owner != "" {
				out = append(out, described(p.Name, p.Owner))
			}
		}
		return out, noFiles
	}
	return nil, noFiles
}

// completeGet offers SCRIPT and SCRIPT.PARAMETER.
func (a *app) completeGet(_ *cobra.Command, got []string, typed string) ([]string, cobra.ShellCompDirective) {
	return a.completeDotted(got, typed, func(name string) []string {
		var out []string
		for _, p := range a.parameters(name) {
			out = append(out, described(name+"."+p.Name, shortValue(p.Value, 30)))
		}
		return out
	})
}

// completeWatch offers SCRIPT and SCRIPT.VARIABLE.
func (a *app) completeWatch(_ *cobra.Command, got []string, typed string) ([]string, cobra.ShellCompDirective) {
	return a.completeDotted(got, typed, func(name string) []string {
		var out []string
		for _, v := range a.variables(name) {
			out = append(out, described(name+"."+v.Name, shortValue(v.Value, 30)))
		}
		return out
	})
}

func (a *app) completeDotted(got []string, typed string, names func(script string) []string) ([]string, cobra.ShellCompDirective) {
	if len(got) > 0 {
		return nil, noFiles
	}
	if name, _, dotted := strings.Cut(typed, "."); dotted {
		return names(name), noFiles
	}
	return a.scriptNames(), noFilesSpace
}

// mostRuns is how many runs are offered.
const mostRuns = 50

// completeRuns offers the newest runs, and scripts, which stand for their last.
func (a *app) completeRuns(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	out := a.scriptNames()
	a.lookUp(func(ctx context.Context, c *client.Client) error {
		runs, err := c.Runs(ctx, client.RunFilter{Limit: mostRuns})
		for _, r := range runs.Runs {
			out = append(out, described(r.ID, r.Script+" "+string(r.State)+" "+clock(r.Started)))
		}
		return err
	})
	return out, noFiles
}

// completeHosts offers the hosts of the state directory.
func (a *app) completeHosts(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	state, err := a.stateDir()
	if err != nil {
		return nil, noFiles
	}
	all, err := places(state)
	if err != nil {
		return nil, noFiles
	}
	var out []string
	for _, p := range all {
		text := "does not run"
		if p.live {
			text = "runs"
		}
		out = append(out, described(p.name, text))
	}
	return out, noFiles
}

// completeFlags lets the flags of all verbs be completed.
func (a *app) completeFlags(root *cobra.Command) {
	dirs := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	for name, f := range map[string]cobra.CompletionFunc{"host": a.completeHosts, "state": dirs} {
		if err := root.RegisterFlagCompletionFunc(name, f); err != nil {
			panic(err) // there is no such flag
		}
	}
}
