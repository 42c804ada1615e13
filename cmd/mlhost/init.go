package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/spf13/cobra"
	"github.com/zclconf/go-cty/cty"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/wrappers/python"
)

// configName is the file that init writes.
const configName = "mlhost.hcl"

func (a *app) initVerb() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write a configuration for the scripts of a folder",
		Long: `Write a configuration, mlhost.hcl, for the Python scripts of a folder: a script
block for each, with what is known of each parameter. As it is written, every
script runs with nothing but its own defaults.`,
		Example: "mlhost init\nmlhost init experiments --force",
		Args:    args(0, 1, "a folder"),
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace a configuration that is there")
	return a.do(cmd, func(ctx context.Context, got []string) error {
		dir := "."
		if len(got) > 0 {
			dir = got[0]
		}
		return a.initFolder(ctx, dir, force)
	})
}

func (a *app) initFolder(ctx context.Context, dir string, force bool) error {
	info, err := os.Stat(dir)
	if err != nil {
		return script.Errorf(script.CodeNotFound, "there is no %s", dir)
	}
	if !info.IsDir() {
		return script.Errorf(script.CodeUsage, "%s is not a folder", dir).WithHint("`mlhost discover %s` reads a single script", dir)
	}
	path := filepath.Join(dir, configName)
	if _, err := os.Lstat(path); err == nil && !force {
		return script.Errorf(script.CodeRejected, "%s is there already", path).WithHint("--force replaces it")
	}
	found, err := a.find(ctx, dir)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return script.Errorf(script.CodeNotFound, "there is no Python script in %s", dir).WithHint("a script is a *.py file that does something by itself")
	}
	root, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("find folder: %w", err)
	}
	text, names, err := starterConfig(root, found)
	if err != nil {
		return err
	}
	if err := writeConfig(path, text, force); err != nil {
		return err
	}
	return a.print(map[string]any{"config": path, "scripts": names}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "wrote %s: %s\n  check   mlhost validate %[1]s\n  start   mlhost run %[1]s\n", path, count(len(names), "script"))
		return err
	})
}

// writeConfig writes the file; without force only where there is none.
func writeConfig(path string, text []byte, force bool) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return script.Errorf(script.CodeRejected, "%s is there already", path).WithHint("--force replaces it")
	}
	if err == nil {
		_, err = f.Write(text)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return script.Errorf(script.CodeIO, "write configuration: %v", err)
	}
	return nil
}

// starterConfig writes a script block for each script that can be read, and a
// comment for each other.
func starterConfig(root string, found []python.Discovered) (text []byte, names []string, err error) {
	var b bytes.Buffer
	b.WriteString("# Written by mlhost init, from reading the scripts. Above each parameter stand the line\n" +
		"# that declares it, how sure that is (sure, likely, guess), and when a change takes\n" +
		"# effect (live, restart). Take the # off a value to change it.\n")
	names = []string{}
	taken := map[string]bool{}
	for _, f := range found {
		source, err := filepath.Rel(root, f.Path)
		if err != nil {
			return nil, nil, fmt.Errorf("name script: %w", err)
		}
		if f.Unreadable {
			b.WriteString("\n")
			comment(&b, "", source+" is left out: "+f.Problems[0].Message)
			continue
		}
		name := blockName(source, taken)
		names = append(names, name)
		writeScript(&b, name, source, f)
	}
	text, diags := config.Format(b.Bytes(), configName)
	if diags.HasErrors() {
		return nil, nil, config.Error(diags)
	}
	return text, names, nil
}

var notInName = pattern(`[^A-Za-z0-9_-]+`)

// blockName makes a name for a script block of a path: the stem, with its
// folders in front where that is taken.
func blockName(source string, taken map[string]bool) string {
	clean := func(s string) string {
		s = notInName().ReplaceAllString(s, "_")
		if s == "" || s[0] >= '0' && s[0] <= '9' || s[0] == '-' {
			s = "_" + s
		}
		return s
	}
	stem := strings.TrimSuffix(source, filepath.Ext(source))
	name := clean(filepath.Base(stem))
	if taken[name] {
		name = clean(stem)
	}
	for n := 2; taken[name]; n++ {
		name = clean(stem) + "_" + strconv.Itoa(n)
	}
	taken[name] = true
	return name
}

func writeScript(b *bytes.Buffer, name, source string, f python.Discovered) {
	fmt.Fprintf(b, "\nscript %q {\n  source = %s\n", name, quoted(source))
	var required []string
	for _, p := range f.Parameters {
		if p.Required {
			required = append(required, p.Name)
		}
	}
	if len(required) > 0 {
		comment(b, "  ", "It does not run without: "+strings.Join(required, ", ")+". Give them below, or in args, and remove autostart.")
		b.WriteString("  autostart = false\n")
	}
	comment(b, "  ", "args = []")
	for _, p := range f.Problems {
		at := source
		if p.Line > 0 {
			at += ":" + strconv.Itoa(p.Line)
		}
		comment(b, "  ", "problem: "+at+": "+p.Message)
	}
	writeEntries(b, source, f)
	b.WriteString("}\n")
}

// writeEntries writes an entry, commented out, for each parameter that a
// value can be given for, and a comment for any other.
func writeEntries(b *bytes.Buffer, source string, f python.Discovered) {
	if len(f.Parameters) == 0 {
		return
	}
	b.WriteString("\n  parameters = {\n")
	for _, p := range f.Parameters {
		writeEntry(b, source, p)
	}
	b.WriteString("  }\n")
}

func writeEntry(b *bytes.Buffer, source string, p python.Parameter) {
	at := source
	if p.File != "" {
		at = filepath.Join(filepath.Dir(source), p.File)
	}
	about := fmt.Sprintf("%s:%d · %s · %s · %s", at, p.Line, p.Style, p.Confidence, p.Mutability)
	if !p.Default.IsNull() {
		about += " · default " + clip(p.Default.String(), 60)
	} else if p.Required {
		about += " · required"
	}
	if p.Doc != "" {
		about += " · " + clip(p.Doc, 120)
	}
	comment(b, "    ", about)
	if len(p.Choices) > 0 && p.Type != script.TypeList {
		comment(b, "    ", "choices: "+clip(script.List(p.Choices...).String(), 200))
	}
	if p.Refused != "" || p.Name == "" {
		comment(b, "    ", fmt.Sprintf("%s (%s) goes in by args: %s", p.Name, p.Type, p.Refused))
		return
	}
	comment(b, "    ", entryName(p.Name)+" = "+hclValue(p.Default))
}

var plainName = pattern(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// entryName is a name as the left side of an entry.
func entryName(name string) string {
	if plainName().MatchString(name) && name != "for" && name != "null" && name != "true" && name != "false" {
		return name
	}
	return quoted(name)
}

// hclValue is a value as the configuration spells it.
func hclValue(v script.Value) string {
	if text, ok := v.Text(); ok {
		return quoted(text)
	}
	if list, ok := v.List(); ok {
		parts := make([]string, len(list))
		for i, e := range list {
			parts[i] = hclValue(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	if v.IsNull() {
		return "null"
	}
	return v.String()
}

func quoted(s string) string {
	return string(hclwrite.TokensForValue(cty.StringVal(s)).Bytes())
}

// comment writes a line of comment; a text of several lines becomes one.
func comment(b *bytes.Buffer, indent, text string) {
	fmt.Fprintf(b, "%s# %s\n", indent, escapeLine(strings.TrimSpace(strings.Join(strings.Fields(text), " "))))
}
