package config

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// TestDeepInput: what would overflow the parser's or the evaluator's stack is
// an ordinary diagnostic. A crash cannot be recovered from: it would end the
// test binary.
func TestDeepInput(t *testing.T) {
	const n = 100_000 // 200 KB of parentheses
	r := strings.Repeat
	native := map[string]string{
		"parentheses":      "locals {\n a = " + r("(", n) + "1" + r(")", n) + "\n}\n",
		"open parentheses": "locals {\n a = " + r("(", n),
		"brackets":         "locals {\n a = " + r("[", n) + r("]", n) + "\n}\n",
		"braces":           "locals {\n a = " + r("{a=", n) + "1" + r("}", n) + "\n}\n",
		"minus":            "locals {\n a = " + r("-", n) + "1\n}\n",
		"spaced minus":     "locals {\n a = " + r("- ", n) + "1\n}\n",
		"not":              "locals {\n a = " + r("!", n) + "true\n}\n",
		"sum":              "locals {\n a = 1" + r("+1", n) + "\n}\n",
		"and":              "locals {\n a = true" + r("&&true", n) + "\n}\n",
		"ternary":          "locals {\n a = " + r("true?1:", n) + "1\n}\n",
		"index":            "locals {\n a = local.b" + r("[0]", n) + "\n}\n",
		"computed index":   "locals {\n a = local.b" + r("[local.c]", n/2) + "\n}\n",
		"splat":            "locals {\n a = local.b" + r("[*]", n) + "\n}\n",
		"attributes":       "locals {\n a = f()" + r(".a", n) + "\n}\n",
		"blocks":           r("a {\n", n),
		"template":         "locals {\n a = " + r(`"${`, n) + "\n}\n",
		"heredocs":         "locals {\n a = " + r("<<E\n${", n) + "\n}\n",
		"if":               "locals {\n a = \"" + r("%{if true}", n/2) + "\"\n}\n",
		"for":              "locals {\n a = " + r("[for x in ", n/10) + "\n}\n",
		"calls":            "locals {\n a = " + r("abs(", n) + "\n}\n",
		"mixed":            "locals {\n a = " + r("(-[", n/3) + "\n}\n",
		"wide and deep":    "locals {\n a = " + r("("+r("1+", 1000), 100) + "1" + r(")", 100) + "\n}\n",
		"left deep":        "locals {\n a = " + r("(", 150) + "1" + r(r("+1", 1000)+")", 150) + "\n}\n",
	}
	for name, src := range native {
		t.Run(name, func(t *testing.T) { wantError(t, "deep.hcl", src) })
	}
	json := map[string]string{
		"arrays":    `{"locals": {"a": ` + r("[", n) + r("]", n) + `}}`,
		"objects":   `{"locals": ` + r(`{"a":`, n) + "1" + r("}", n) + `}`,
		"open":      r("[", n),
		"in string": `{"locals": {"a": "${` + r("(", n) + `1"}}`,
		"escaped":   `{"locals": {"a": "\u0024{` + r(`\u0028`, 100_000) + `1"}}`,
		"minus":     `{"locals": {"a": "${` + r("-", n) + `1}"}}`,
		"templates": `{"locals": {"a": "` + r("${", n) + `"}}`,
		"key":       `{"locals": {"a": {"${` + r("(", n) + `": 1}}}`,
		"reference": `{"route": {"a": {"from": "script` + r("[", n) + `"}}}`,
	}
	for name, src := range json {
		t.Run("json "+name, func(t *testing.T) { wantError(t, "deep.hcl.json", src) })
	}
}

func wantError(t *testing.T, name, src string) {
	t.Helper()
	t.Chdir(t.TempDir())
	write(t, name, src)
	start := time.Now()
	c, diags := Load(name, Options{})
	if !diags.HasErrors() {
		t.Fatal("no error")
	}
	var out bytes.Buffer
	if err := WriteDiagnostics(&out, c.Files, diags, 80, false); err != nil {
		t.Fatal(err)
	}
	if out.Len() > 100_000 {
		t.Errorf("%d bytes of diagnostics", out.Len())
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestDeepFormat(t *testing.T) {
	for _, src := range []string{strings.Repeat("(", 100_000), "a = " + strings.Repeat("-", 100_000) + "1\n", "a = " + strings.Repeat("[", 201) + strings.Repeat("]", 201) + "\n"} {
		if _, diags := Format([]byte(src), "a.hcl"); !diags.HasErrors() {
			t.Errorf("Format took %.20s…", src)
		}
	}
}

// TestReasonableDepth: what people write is far from the bounds.
func TestReasonableDepth(t *testing.T) {
	t.Chdir(t.TempDir())
	var b strings.Builder
	b.WriteString("locals {\n  deep = " + strings.Repeat("(", 150) + "1" + strings.Repeat(")", 150) + "\n  list = [\n")
	for i := range 5000 {
		fmt.Fprintf(&b, "    -%d + 1,\n", i)
	}
	b.WriteString("  ]\n  map = {\n")
	for i := range 5000 {
		fmt.Fprintf(&b, "    k%d = \"${local.deep}\"\n", i)
	}
	b.WriteString("  }\n  text = \"" + strings.Repeat("${local.deep}", 5000) + "\"\n}\n")
	write(t, "a.hcl", b.String())
	if _, diags := Load("a.hcl", Options{}); diags.HasErrors() {
		t.Error(diags)
	}
}

func TestStrangeFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := syscall.Mkfifo("pipe.hcl", 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", "zero.hcl"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("loop.hcl", "loop.hcl"); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("dir/a.hcl", 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, "large.hcl", strings.Repeat("# a comment\n", 100_000))
	write(t, "nul.hcl", "locals {\n  a = \"x\x00\"\n}\n")
	write(t, "escape.hcl", "locals {\n  a = \"\x1b]2;title\x07\"\n}\n")
	write(t, "latin.hcl", "locals {\n  a = \"caf\xe9\"\n}\n")
	write(t, "utf16.hcl", "\xff\xfeh\x00o\x00")
	write(t, "huge.hcl", "locals {\n  a = \"${1e999999999}\"\n}\n")
	write(t, "huge.json", `{"locals": {"a": 1e999999999}}`)
	write(t, "laughs.hcl", "locals {\n  a = \"0123456789\"\n  b = \""+strings.Repeat("${local.a}", 1000)+"\"\n  c = \""+strings.Repeat("${local.b}", 1000)+"\"\n}\n")
	write(t, "plain.txt", "")
	tests := map[string]string{
		"pipe.hcl":       "a named pipe",
		"zero.hcl":       "a device",
		"loop.hcl":       "too many levels",
		"dir":            "a directory, not a regular file",
		"large.hcl":      "larger than 1 MiB",
		"nul.hcl":        "control character 0x00",
		"escape.hcl":     "control character 0x1b",
		"latin.hcl":      "byte 0xe9",
		"utf16.hcl":      "UTF-16",
		"huge.hcl":       "beyond the range",
		"huge.json":      "beyond the range",
		"laughs.hcl":     "larger than 1 MiB",
		"gone.hcl":       "no such file",
		"gone/a.hcl":     "no such file",
		"plain.txt/a.hc": "not a directory",
	}
	for path, want := range tests {
		_, diags := Load(path, Options{})
		if !diags.HasErrors() || !strings.Contains(diags.Error(), want) {
			t.Errorf("%s: %v, want %q", path, diags, want)
		}
	}
}

func TestByteOrderMark(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "a.hcl", "\xef\xbb\xbfscript \"a\" {\r\n  source = \"a.py\"\r\n}\r\n")
	write(t, "b.json", "\xef\xbb\xbf"+`{"script": {"a": {"source": "a.py"}}}`)
	for _, name := range []string{"a.hcl", "b.json"} {
		if c, diags := Load(name, Options{}); diags.HasErrors() || len(c.Scripts) != 1 {
			t.Errorf("%s: %v", name, diags)
		}
	}
}

// FuzzLoad: whatever stands in a file, Load returns.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/diagnostics/*.txtar", "testdata/contract/*"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range names {
			src, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src, false)
			f.Add(src, true)
		}
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, src []byte, json bool) {
		start := time.Now()
		defer func() {
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("took %s", took)
			}
		}()
		name := "a.hcl"
		if json {
			name += ".json"
		}
		l := newLoader(filepath.Join(dir, name), Options{Env: func(string) (string, bool) { return "", false }})
		file, diags := parse(src, name)
		l.files[name] = file
		l.report(diags...)
		l.load(file.Body, Options{}, diags.HasErrors())
		for _, s := range l.config.Scripts {
			s.Launch("/run")
		}
		for _, r := range l.config.Routes {
			_, _ = r.When(Snapshot{})
			_, _ = r.Value(Snapshot{})
		}
		if err := WriteDiagnostics(&bytes.Buffer{}, l.files, l.diags, 80, true); err != nil {
			t.Error(err)
		}
		if formatted, diags := Format(src, name); !diags.HasErrors() {
			if again, diags := Format(formatted, name); diags.HasErrors() || !bytes.Equal(again, formatted) {
				t.Errorf("formatting again changes it: %s", diags)
			}
		}
	})
}

// FuzzRoute: whatever stands in `when` and whatever a script reports,
// evaluating returns.
func FuzzRoute(f *testing.F) {
	for _, when := range []string{
		"plateau(history, 3)", "mean(history) > previous", "from * to - step", "all([for x in history : x > from])",
		"from > 1 ? slope(history) : max(to, 0)", "script.other.state == \"running\"", "pow(from, to) % previous", "history[step]",
	} {
		f.Add(when, 1.0, math.NaN(), math.Inf(1), int64(3))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, when string, a, b, c float64, step int64) {
		l := newLoader(filepath.Join(dir, "a.hcl"), Options{Env: func(string) (string, bool) { return "", false }})
		file, diags := parse([]byte("route \"r\" {\n from = script.s.variable.loss\n to = script.s.parameter.lr\n when = "+when+"\n value = ["+when+"]\n}\n"), "a.hcl")
		l.files["a.hcl"] = file
		l.load(file.Body, Options{}, diags.HasErrors())
		for _, r := range l.config.Routes {
			s := snapshot(a, b, c, a, b)
			s.To, s.Step = script.Float(b), step
			_, _ = r.When(s)
			_, _ = r.Value(s)
		}
	})
}
