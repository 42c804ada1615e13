package examples_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestDocuments runs what stands in the documents as ```console blocks: each
// line behind "$ " is a command that succeeds, and the lines below it are in
// its output, "…" standing for anything. The blocks of one document run in
// order, in a copy of the repository's examples, with a state of their own.
func TestDocuments(t *testing.T) {
	documents, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	readmes, err := filepath.Glob("*/README.md")
	if err != nil {
		t.Fatal(err)
	}
	documents = append(append(documents, "../README.md", "../CONTRIBUTING.md"), readmes...)
	for _, document := range documents {
		t.Run(document, func(t *testing.T) {
			text, err := os.ReadFile(document)
			if err != nil {
				t.Fatal(err)
			}
			commands := parseConsole(string(text))
			if len(commands) == 0 {
				return
			}
			s := newSession(t)
			s.dir = t.TempDir()
			for _, name := range []string{"examples", "bin"} {
				if err := os.CopyFS(filepath.Join(s.dir, name), os.DirFS(filepath.Join(root, name))); err != nil {
					t.Fatal(err)
				}
			}
			for _, c := range commands {
				s.check(c)
			}
		})
	}
}

// console is one command of a document and what stands below it.
type console struct {
	command string
	output  []string
}

// parseConsole finds the commands of the ```console blocks.
func parseConsole(text string) []console {
	var commands []console
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```console"
		case !inside:
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

// check runs one command and compares what it prints, spaces apart.
func (s *session) check(c console) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	out, err := s.command(ctx, "bash", "-c", c.command).CombinedOutput()
	if err != nil {
		s.t.Fatalf("$ %s\n%s%v", c.command, out, err)
	}
	got := strings.Join(strings.Fields(string(out)), " ")
	for _, line := range c.output {
		want := strings.Join(strings.Fields(line), " ")
		pattern := strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*")
		if !regexp.MustCompile(pattern).MatchString(got) {
			s.t.Errorf("$ %s\nprints no %q but\n%s", c.command, line, out)
		}
	}
}

func TestParseConsole(t *testing.T) {
	got := parseConsole("a\n```sh\n$ no\n```\n```console\n$ one\nits output\n$ two \\\n> more\n```\n$ not inside\n")
	if len(got) != 2 || got[0].command != "one" || got[0].output[0] != "its output" || got[1].command != "two \\\nmore" {
		t.Errorf("%+v", got)
	}
}

// TestLinks follows the links between documents.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../docs/*/*.md", "*/*.md"} {
		documents, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range documents {
			text, err := os.ReadFile(document)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range link.FindAllStringSubmatch(string(text), -1) {
				if _, err := os.Stat(filepath.Join(filepath.Dir(document), found[1])); err != nil {
					t.Errorf("%s: %v", document, err)
				}
			}
		}
	}
}
