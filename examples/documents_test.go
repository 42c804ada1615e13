package examples_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestDocuments runs the blocks of the documents, those of one document in
// order, in a directory of their own that has the examples and the programs:
//
//   - console: each line behind "$ " is a command that succeeds (those behind
//     "> " continue it), and below it stands what it prints: see matches;
//   - any language with file=NAME behind it: the file is written, for commands;
//   - python: it is run, with the modules that scripts import;
//   - hcl, json: TestDocs of host/config reads them;
//   - text: whatever nobody runs.
func TestDocuments(t *testing.T) {
	for _, document := range documents(t) {
		t.Run(strings.ReplaceAll(strings.TrimPrefix(document, "../"), "/", "_"), func(t *testing.T) {
			text, err := os.ReadFile(document)
			if err != nil {
				t.Fatal(err)
			}
			t.Parallel()
			blocks := parseBlocks(string(text))
			if !slices.ContainsFunc(blocks, block.runs) {
				for _, b := range blocks {
					b.check(t)
				}
				return
			}
			s := newDocumentSession(t, document)
			blocks = s.withOwnPorts(blocks)
			for _, b := range blocks {
				b.check(t)
				s.play(b)
			}
		})
	}
}

func documents(t *testing.T) []string {
	var all []string
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../docs/*/*.md", "*.md", "*/README.md", "../wrappers/python/README.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

// block is a fenced block of a document.
type block struct {
	line     int
	language string
	file     string
	text     string
}

var fence = regexp.MustCompile("^```([a-z]*)(?: file=(\\S+))?$")

func parseBlocks(text string) []block {
	var blocks []block
	inside := false
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\r\n")
		switch {
		case !strings.HasPrefix(line, "```"):
			if inside {
				blocks[len(blocks)-1].text += line + "\n"
			}
		case inside:
			inside = false
		default:
			b := block{line: n, language: "unknown: " + line}
			if m := fence.FindStringSubmatch(line); m != nil {
				b.language, b.file = m[1], m[2]
			}
			blocks = append(blocks, b)
			inside = true
		}
	}
	return blocks
}

func (b block) runs() bool {
	return b.file != "" || b.language == "console" || b.language == "python"
}

// check refuses blocks that nobody would run.
func (b block) check(t *testing.T) {
	known := []string{"console", "hcl", "json", "python", "text"}
	if !slices.Contains(known, b.language) && b.file == "" {
		t.Errorf("line %d: a block of %q is not run: name a file, or make it console or text", b.line, b.language)
	}
}

// newDocumentSession makes what a reader has: the programs, the examples, a home.
func newDocumentSession(t *testing.T, document string) *session {
	s := newSession(t)
	s.dir = s.state
	s.state = filepath.Join(s.dir, ".local", "state", "mlhost")
	if err := os.CopyFS(filepath.Join(s.dir, "examples"), os.DirFS(filepath.Join(root, "examples"))); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(root, "bin"), filepath.Join(s.dir, "bin")); err != nil {
		t.Fatal(err)
	}
	caches, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE", "GOPATH").Output()
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Fields(string(caches)) {
		s.env = append(s.env, []string{"GOCACHE=", "GOMODCACHE=", "GOPATH="}[i]+line)
	}
	checkout, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, "HOME="+s.dir, "XDG_STATE_HOME=", "LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1",
		"GO=true") // `make build` is done
	if filepath.Base(document) == "README.md" {
		data, err := os.ReadFile(filepath.Join(checkout, "Makefile"))
		if err != nil {
			t.Fatal(err)
		}
		s.play(block{file: "Makefile", text: string(data)})
		s.play(block{file: "host/web/dist/index.html"}) // is built too
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		hosts, err := filepath.Glob(filepath.Join(s.state, "*", "api.sock"))
		if err != nil {
			t.Error(err)
		}
		for _, h := range hosts { // a document need not take its host down
			out, err := s.command(ctx, "mlhost", "down", "--now", "--host", filepath.Base(filepath.Dir(h))).CombinedOutput()
			if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() != 7) {
				t.Errorf("mlhost down: %v\n%s", err, out)
			}
		}
	})
	return s
}

// withOwnPorts gives a document that names mlhost's ports free ones in their
// place.
func (s *session) withOwnPorts(blocks []block) []block {
	own := map[string]string{}
	for port, variable := range map[string]string{"10117": "MLHOST_LISTEN", "10118": "MLHOST_CONNECTOR_LISTEN"} {
		used := func(b block) bool { return b.runs() && strings.Contains(b.text, port) }
		if !slices.ContainsFunc(blocks, used) {
			continue
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			s.t.Fatal(err)
		}
		_, own[port], _ = net.SplitHostPort(l.Addr().String())
		if err := l.Close(); err != nil {
			s.t.Fatal(err)
		}
		s.env = append(s.env, variable+"=127.0.0.1:"+own[port])
		if port == "10117" {
			s.env = append(s.env, "MLHOST_CONNECTOR=127.0.0.1:"+own[port]) // for scripts and launchers
		}
	}
	for port, free := range own {
		for i := range blocks {
			blocks[i].text = strings.ReplaceAll(blocks[i].text, port, free)
		}
	}
	return blocks
}

// play does what a reader does with a block.
func (s *session) play(b block) {
	s.t.Helper()
	switch {
	case b.file != "":
		path := filepath.Join(s.dir, b.file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			s.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(b.text), 0o644); err != nil {
			s.t.Fatal(err)
		}
	case b.language == "python":
		sdk := filepath.Join(s.dir, ".sdk")
		s.console("mlhost sdk python "+sdk, nil, b.line)
		path := filepath.Join(s.dir, ".block.py")
		if err := os.WriteFile(path, []byte(b.text), 0o600); err != nil {
			s.t.Fatal(err)
		}
		s.console("PYTHONPATH="+sdk+" python3 "+path, []string{"…"}, b.line)
	case b.language == "console":
		for _, c := range parseConsole(b.text) {
			s.console(c.command, c.output, b.line)
		}
	}
}

// console is one command and what it prints.
type console struct {
	command string
	output  []string
}

func parseConsole(text string) []console {
	var commands []console
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "$ "):
			commands = append(commands, console{command: line[2:]})
		case len(commands) > 0 && strings.HasPrefix(line, "> "):
			commands[len(commands)-1].command += "\n" + line[2:]
		case len(commands) > 0 && strings.TrimSpace(line) != "":
			last := &commands[len(commands)-1]
			last.output = append(last.output, line)
		}
	}
	return commands
}

// looking are commands that a reader would say again: what they show is not
// there at once.
var looking = regexp.MustCompile(`^mlhost (ps|get|vars|results|logs|runs|mailbox)\b`)

// console runs one command and compares what it prints. One that looks is
// tried again until it shows it; one that fails, too, as the script that it is
// for may not have come so far.
func (s *session) console(command string, output []string, line int) {
	s.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
		out, err := s.command(ctx, "bash", "-c", command).CombinedOutput()
		cancel()
		wrong := matches(string(out), output)
		again := strings.HasPrefix(command, "mlhost ") && (err != nil || looking.MatchString(command))
		if err == nil && wrong == nil {
			return
		}
		if again && time.Now().Before(deadline) {
			time.Sleep(50 * time.Millisecond) // between two looks; the look decides
			continue
		}
		if err != nil {
			s.t.Fatalf("line %d: $ %s\n%s%v", line, command, out, err)
		}
		s.t.Errorf("line %d: $ %s\n%v; it prints\n%s", line, command, wrong, out)
		return
	}
}

// matches compares what a command prints with what the document shows: the
// same lines, spaces apart. "…" stands for anything in a line, and alone for any
// lines. A document that shows nothing says nothing.
func matches(out string, shown []string) error {
	if len(shown) == 0 {
		return nil
	}
	var pattern strings.Builder
	pattern.WriteString(`(?s)^`)
	for _, line := range shown {
		line = strings.Join(strings.Fields(line), " ")
		if line == "…" {
			pattern.WriteString(`(?:[^\n]*\n)*?`)
			continue
		}
		pattern.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", `[^\n]*`) + `\n`)
	}
	pattern.WriteString(`$`)
	var got strings.Builder
	for line := range strings.Lines(out) {
		// On a machine with other work a verb says what it waits for.
		if text := strings.Join(strings.Fields(line), " "); text != "" && !strings.HasPrefix(text, "still waiting ") {
			got.WriteString(text + "\n")
		}
	}
	if !regexp.MustCompile(pattern.String()).MatchString(got.String()) {
		return fmt.Errorf("not what is shown:\n%s", strings.Join(shown, "\n"))
	}
	return nil
}

func TestParseBlocks(t *testing.T) {
	got := parseBlocks("a\n```text\n$ no\n```\n```console\n$ one\nits output\n$ two \\\n> more\n```\n$ not inside\n```python file=a.py\nx\n```\n```go\n```\n")
	if len(got) != 4 || got[0].runs() || got[2].file != "a.py" || got[2].text != "x\n" || got[3].runs() {
		t.Fatalf("%+v", got)
	}
	commands := parseConsole(got[1].text)
	if len(commands) != 2 || commands[0].output[0] != "its output" || commands[1].command != "two \\\nmore" {
		t.Errorf("%+v", commands)
	}
}

func TestMatches(t *testing.T) {
	out := "NAME  STATE\nfit   finished  3s\n\ndone\n"
	for _, shown := range [][]string{nil, {"…"}, {"NAME STATE", "fit finished …", "done"}, {"…", "done"}, {"NAME STATE", "…"}, {"…", "fit … 3s", "…"}} {
		if err := matches(out, shown); err != nil {
			t.Errorf("%q: %v", shown, err)
		}
	}
	for _, shown := range [][]string{{"done"}, {"NAME STATE"}, {"NAME STATE", "done"}, {"…", "fit running …", "…"}, {"…", "done", "fit finished …"}} {
		if matches(out, shown) == nil {
			t.Errorf("%q matches", shown)
		}
	}
}

// TestLinks follows the links between documents, and to headings in them.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]*)(?:#([^)]*))?\)`)
	all := documents(t)
	for _, document := range all {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range link.FindAllStringSubmatch(string(text), -1) {
			target := document
			if found[1] != "" {
				target = filepath.Join(filepath.Dir(document), found[1])
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %v", document, err)
			} else if found[2] != "" && !slices.Contains(headings(t, target), found[2]) {
				t.Errorf("%s: %s has no heading %q", document, target, found[2])
			}
		}
	}
}

// headings are the names under which the headings of a document are linked to.
func headings(t *testing.T, document string) []string {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	drop := regexp.MustCompile(`[^\pL\pN _-]`)
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			title := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
			names = append(names, strings.ReplaceAll(drop.ReplaceAllString(title, ""), " ", "-"))
		}
	}
	return names
}
