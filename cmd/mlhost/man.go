package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mlhost/mlhost/shared/script"
)

func (a *app) manVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "man [DIR]",
		Short: "Write the man pages, one for each command",
		Long: strings.TrimSpace(`
Write the man pages into a directory, one for each command: mlhost.1, mlhost-run.1
and so on. Without a directory the page of mlhost itself goes to the output.`),
		Example: "mlhost man ~/.local/share/man/man1\nmlhost man | man -l -",
		Args:    args(0, 1, "a directory"),
	}
	return a.do(cmd, func(_ context.Context, got []string) error {
		root := cmd.Root()
		root.InitDefaultCompletionCmd()
		if len(got) == 0 {
			_, err := io.WriteString(a.stdout, manPage(root))
			return err
		}
		if err := os.MkdirAll(got[0], 0o755); err != nil {
			return script.Errorf(script.CodeIO, "%v", err)
		}
		var written []string
		for _, c := range manned(root) {
			path := filepath.Join(got[0], manName(c)+".1")
			if err := os.WriteFile(path, []byte(manPage(c)), 0o644); err != nil {
				return script.Errorf(script.CodeIO, "%v", err)
			}
			written = append(written, path)
		}
		return a.print(map[string]any{"files": written}, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "wrote %s into %s\n", count(len(written), "man page"), escapeLine(got[0]))
			return err
		})
	})
}

// manned lists the commands that have a page.
func manned(c *cobra.Command) []*cobra.Command {
	out := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		if !sub.Hidden && sub.Name() != "help" {
			out = append(out, manned(sub)...)
		}
	}
	return out
}

// manName is the name of a command's page.
func manName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// roffText writes s so that roff shows it as it is: quotes that can be copied
// into a shell, and characters beyond ASCII for a roff that reads bytes.
func roffText(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, `"`, `\(dq`, "^", `\(ha`, "~", `\(ti`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") {
			lines[i] = `\&` + l
		}
	}
	var b strings.Builder
	for _, r := range strings.Join(lines, "\n") {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\[u%04X]`, r)
		}
	}
	return b.String()
}

// manPage renders the page of one command.
func manPage(c *cobra.Command) string {
	var b strings.Builder
	version, _ := buildVersion()
	fmt.Fprintf(&b, ".TH %s 1 \"\" %q %q\n", roffText(strings.ToUpper(manName(c))), "mlhost "+version, "mlhost")
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roffText(manName(c)), roffText(strings.TrimSuffix(c.Short, ".")))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roffText(c.UseLine()))
	if len(c.Aliases) > 0 {
		fmt.Fprintf(&b, ".PP\nAlso: %s\n", roffText(strings.Join(c.Aliases, ", ")))
	}
	if long := strings.TrimSpace(c.Long); long != "" {
		b.WriteString(".SH DESCRIPTION\n" + roffParagraphs(long))
	}
	if subs := c.Commands(); len(subs) > 0 {
		b.WriteString(".SH COMMANDS\n")
		for _, sub := range subs {
			if !sub.Hidden && sub.Name() != "help" {
				fmt.Fprintf(&b, ".TP\n.BR %s (1)\n%s\n", roffText(manName(sub)), roffText(sub.Short))
			}
		}
	}
	roffFlags(&b, "OPTIONS", c.NonInheritedFlags())
	roffFlags(&b, "OPTIONS OF EVERY COMMAND", c.InheritedFlags())
	if c.Example != "" {
		b.WriteString(".SH EXAMPLES\n.nf\n" + roffText(c.Example) + "\n.fi\n")
	}
	if !c.HasParent() {
		b.WriteString(".SH EXIT STATUS\n" + manExit)
	}
	b.WriteString(".SH SEE ALSO\n")
	if c.HasParent() {
		fmt.Fprintf(&b, ".BR %s (1)\n", roffText(manName(c.Parent())))
	} else {
		b.WriteString("\\(gamlhost menu\\(ga does everything by keys.\n")
	}
	return b.String()
}

// roffParagraphs renders text whose indented lines stay as they are.
func roffParagraphs(s string) string {
	var b strings.Builder
	for i, p := range strings.Split(s, "\n\n") {
		if i > 0 {
			b.WriteString(".PP\n")
		}
		if strings.HasPrefix(p, " ") || strings.Contains(p, "\t") {
			b.WriteString(".nf\n" + roffText(strings.ReplaceAll(p, "\t", "    ")) + "\n.fi\n")
			continue
		}
		b.WriteString(roffText(p) + "\n")
	}
	return b.String()
}

func roffFlags(b *strings.Builder, title string, flags *pflag.FlagSet) {
	first := true
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		if first {
			fmt.Fprintf(b, ".SH %s\n", title)
			first = false
		}
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if kind, _ := pflag.UnquoteUsage(f); kind != "" {
			name += " " + strings.ToUpper(kind)
		}
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roffText(name), roffText(f.Usage))
	})
}

// manExit lists what the program exits with.
const manExit = `.TP
.B 0
done
.TP
.B 1
failed; also: a script of a run has failed
.TP
.B 2
wrong usage
.TP
.B 3
the configuration is invalid
.TP
.B 4
not found
.TP
.B 5
rejected
.TP
.B 6
findings: doctor, fmt \-\-check, plan \-\-detailed\-exitcode
.TP
.B 7
no host is running
`
