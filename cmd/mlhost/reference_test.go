package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mlhost/mlhost/shared/pages"
)

// The page is what the verbs say of themselves.
func TestReference(t *testing.T) {
	root := (&app{getenv: func(string) (string, bool) { return "", false }}).root()
	root.InitDefaultCompletionCmd("")
	var b strings.Builder
	b.WriteString("# Command line reference\n\nEvery verb with its flags. This page is made from the program itself: `mlhost VERB --help` says the same. " +
		"[cli.md](../cli.md) explains what holds for all of them: which host is meant, output, JSON and exit codes.\n\n## Flags of every verb\n")
	writeFlags(&b, root.PersistentFlags())
	for _, group := range root.Groups() {
		fmt.Fprintf(&b, "\n## To %s\n", group.Title)
		for _, c := range root.Commands() {
			if c.GroupID == group.ID {
				writeVerb(&b, c)
			}
		}
	}
	b.WriteString("\n## Others\n")
	for _, c := range root.Commands() {
		if c.GroupID == "" {
			writeVerb(&b, c)
		}
	}
	pages.Current(t, "cli.md", b.String())
}

func writeVerb(b *strings.Builder, c *cobra.Command) {
	if c.Hidden || c.Name() == "help" {
		return
	}
	fmt.Fprintf(b, "\n### %s\n\n```text\n%s\n```\n", strings.TrimPrefix(c.CommandPath(), "mlhost "), c.UseLine())
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	fmt.Fprintf(b, "\n%s\n", prose(text))
	if len(c.Aliases) > 0 {
		fmt.Fprintf(b, "\nAlso `%s`.\n", strings.Join(c.Aliases, "`, `"))
	}
	writeFlags(b, c.LocalNonPersistentFlags())
	if c.Example != "" {
		fmt.Fprintf(b, "\n```text\n%s\n```\n", strings.TrimSpace(c.Example))
	}
	if c.Name() == "completion" {
		return // a script for each shell; cobra's own words
	}
	for _, inner := range c.Commands() {
		writeVerb(b, inner)
	}
}

// indented is a line of a help text that stands as it is: a table, a command.
var indented = regexp.MustCompile(`(?m)^( {2,}|\t)`)

// prose puts what stands indented into a block of its own.
func prose(text string) string {
	var out []string
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		if indented.MatchString(paragraph) {
			paragraph = "```text\n" + paragraph + "\n```"
		}
		out = append(out, paragraph)
	}
	return strings.Join(out, "\n\n")
}

func writeFlags(b *strings.Builder, flags *pflag.FlagSet) {
	var rows []string
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		name := "`--" + f.Name + "`"
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		kind, usage := pflag.UnquoteUsage(f)
		if kind == "stringArray" || kind == "strings" {
			kind = "string, may be repeated"
		}
		def := ""
		if !isZero(f) {
			def = "`" + f.DefValue + "`"
		}
		rows = append(rows, fmt.Sprintf("| %s | %s | %s | %s |\n", name, kind, def, pages.Cell(usage)))
	})
	if len(rows) > 0 {
		b.WriteString("\n| flag | type | default | |\n|---|---|---|---|\n" + strings.Join(rows, ""))
	}
}

func isZero(f *pflag.Flag) bool {
	switch f.DefValue {
	case "", "false", "0", "[]", "0s":
		return true
	}
	return false
}

// Every verb and every flag is explained.
func TestReferenceIsWhole(t *testing.T) {
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		if c.Short == "" {
			t.Errorf("%s is not explained", c.CommandPath())
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("--%s of %s is not explained", f.Name, c.CommandPath())
			}
		})
		for _, inner := range c.Commands() {
			look(inner)
		}
	}
	look((&app{getenv: func(string) (string, bool) { return "", false }}).root())
}
