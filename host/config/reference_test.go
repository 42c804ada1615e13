package config

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/mlhost/mlhost/shared/pages"
)

// The page is what the schema and the functions say.
func TestReference(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Configuration reference\n\nEvery block and every setting. This page is made from the schema that `mlhost run` reads by; " +
		"[configuration.md](../configuration.md) explains it with examples. Relative paths are relative to the configuration's directory; a duration is a string, " +
		"`\"500ms\"`, `\"10s\"`, `\"5m\"`, `\"1h30m\"`.\n")
	for _, top := range Schema() {
		if !top.Top() {
			continue
		}
		writeBlock(&b, top, "##")
		for _, inner := range top.Blocks {
			writeBlock(&b, blockNamed[inner], "###")
		}
	}
	writeFunctions(&b)
	pages.Current(t, "config.md", b.String())
}

func writeBlock(b *strings.Builder, block Block, level string) {
	label := ""
	if block.Label != "" {
		label = fmt.Sprintf(" %q", block.Label)
	}
	fmt.Fprintf(b, "\n%s `%s%s`\n\n%s\n", level, block.Name, label, block.Doc)
	if block.Free {
		return
	}
	b.WriteString("\n| setting | type | default | |\n|---|---|---|---|\n")
	for _, s := range block.Settings {
		def := s.Default
		switch _, literal := s.written(); {
		case s.Required:
			def = "required"
		case literal:
			def = "`" + def + "`"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", s.Name, s.Type, pages.Cell(def), pages.Cell(s.Doc))
	}
}

func writeFunctions(b *strings.Builder) {
	functions := loadFunctions("", func(string) (string, bool) { return "", false })
	b.WriteString("\n## Functions\n\n`env` and `file` are not known in routes: what a route does follows from samples and values alone.\n\n| | |\n|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		f := functions[name]
		var parameters []string
		for _, p := range f.Params() {
			parameters = append(parameters, p.Name)
		}
		if p := f.VarParam(); p != nil {
			parameters = append(parameters, p.Name+"…")
		}
		fmt.Fprintf(b, "| `%s(%s)` | %s |\n", name, strings.Join(parameters, ", "), pages.Cell(f.Description()))
	}
}

// Every block, setting and function is explained.
func TestReferenceIsWhole(t *testing.T) {
	for _, block := range Schema() {
		if block.Doc == "" {
			t.Errorf("%s is not explained", block.Name)
		}
		for _, s := range block.Settings {
			if s.Doc == "" || s.Type == "" || s.Required && s.Default != "" {
				t.Errorf("%s.%s: %+v", block.Name, s.Name, s)
			}
		}
	}
	for name, f := range loadFunctions("", nil) {
		if f.Description() == "" {
			t.Errorf("the function %s is not explained", name)
		}
	}
}

// A default that is written down changes nothing: what the page says of it is
// what holds.
func TestReferenceTellsTheDefaults(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, filepath.Join("folder", "a.py"), "")
	const script = "script \"a\" {\n source = \"a.py\"\n%s}\n"
	frames := map[string]string{
		"host": "host {\n%s}\n", "connector": "connector {\n%s}\n", "collaboration": "collaboration {\n%s}\n",
		"input":   "input \"x\" {\ndefault = 1\n%s}\n",
		"script":  script,
		"restart": fmt.Sprintf(script, "restart {\n%s}\n"),
		"scripts": "scripts \"x\" {\n directory = \"folder\"\n%s}\n",
		"route":   fmt.Sprintf(script, "") + "route \"r\" {\n from = script.a.variable.x\n to = script.a.parameter.y\n%s}\n",
		"notify":  "notify \"n\" {\n url = \"http://127.0.0.1/\"\n%s}\n",
		"allow":   "", "parameter": "", "variable": "", "locals": "",
	}
	load := func(text string) any {
		write(t, "c.hcl", text)
		c, diags := Load("c.hcl", Options{Env: func(string) (string, bool) { return "", false }})
		if len(diags) > 0 {
			t.Fatalf("%v in\n%s", diags, text)
		}
		return facts(reflect.ValueOf(*c))
	}
	tried := 0
	for _, block := range Schema() {
		frame, known := frames[block.Name]
		if !known {
			t.Errorf("there is no example of a %s block here", block.Name)
		}
		for _, s := range block.Settings {
			value, literal := s.written()
			if !literal {
				continue
			}
			if with, without := load(fmt.Sprintf(frame, s.Name+" = "+value+"\n")), load(fmt.Sprintf(frame, "")); !reflect.DeepEqual(with, without) {
				t.Errorf("%s.%s is not %s by default:\n%v\n%v", block.Name, s.Name, value, with, without)
			}
			tried++
		}
	}
	if tried < 20 {
		t.Errorf("only %d defaults were tried", tried)
	}
}

// facts is what a configuration says, without where.
func facts(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return facts(v.Elem())
	case reflect.Slice:
		list := []any{}
		for i := range v.Len() {
			list = append(list, facts(v.Index(i)))
		}
		return list
	case reflect.Struct:
		fields := map[string]any{}
		for f, value := range v.Fields() {
			if f.IsExported() && f.Type != reflect.TypeFor[hcl.Range]() && f.Type != reflect.TypeFor[cty.Value]() && f.Name != "Files" {
				fields[f.Name] = facts(value)
			}
		}
		return fields
	case reflect.Map:
		if v.Len() == 0 {
			return nil
		}
		return v.Interface()
	case reflect.Func, reflect.Chan:
		return nil
	}
	return v.Interface()
}
