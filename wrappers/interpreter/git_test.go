package interpreter

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlhost/mlhost/shared/script"
)

// repository makes a repository with one commit of a file, and changes it.
func repository(t *testing.T) (dir string, git func(args ...string)) {
	t.Helper()
	needs(t, "git")
	dir = t.TempDir()
	git = func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.org"}, args...)...)
		cmd.Env = append(gitEnvironment(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_ALLOW_PROTOCOL=file")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("init", "--quiet", "--initial-branch=main")
	write(t, filepath.Join(dir, "train.py"), "lr = 0.1\n")
	git("add", ".")
	git("commit", "--quiet", "--message=one")
	return dir, git
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestGit(t *testing.T) {
	dir, git := repository(t)
	git("remote", "add", "origin", "https://ann:secret@example.org/lab.git")
	state, err := gitOf(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	record := state.record
	if record["dirty"].String() != "false" || state.diff != "" || len(record["commit"].String()) < 40 {
		t.Errorf("clean: %v", record)
	}
	if record["branch"].String() != "main" || record["remote"].String() != "https://example.org/lab.git" {
		t.Errorf("branch and remote: %v", record)
	}
	write(t, filepath.Join(dir, "train.py"), "lr = 0.2\n")
	write(t, filepath.Join(dir, "sub", "notes.txt"), "x")
	state, err = gitOf(t.Context(), filepath.Join(dir, "sub"))
	if err != nil {
		t.Fatal(err)
	}
	if state.record["dirty"].String() != "true" || state.record["untracked"].String() != "1" || !strings.Contains(state.diff, "+lr = 0.2") {
		t.Errorf("changed: %v\n%s", state.record, state.diff)
	}
	if _, err := os.Stat(filepath.Join(dir, ".git", "index.lock")); err == nil {
		t.Error("the index was locked")
	}
}

func TestGitWithoutRepository(t *testing.T) {
	if state, err := gitOf(t.Context(), t.TempDir()); state != nil || err != nil {
		t.Errorf("got %v, %v", state, err)
	}
}

func TestGitWithoutCommit(t *testing.T) {
	needs(t, "git")
	dir := t.TempDir()
	if out, err := exec.Command("git", "init", "--quiet", dir).CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	state, err := gitOf(t.Context(), dir)
	if err != nil || !state.record["commit"].IsNull() || state.record["root"].IsNull() {
		t.Errorf("got %v, %v", state, err)
	}
}

// A repository that somebody else made runs none of its own commands here.
func TestGitRunsNothingOfTheRepository(t *testing.T) {
	dir, git := repository(t)
	evil := filepath.Join(dir, ".git", "evil")
	ran := filepath.Join(dir, "ran")
	write(t, evil, "#!/bin/sh\necho \"$0 $*\" >> "+ran+"\ncat\n")
	for _, key := range []string{
		"core.fsmonitor", "core.pager", "core.sshCommand", "core.gitProxy", "core.askPass", "core.editor", "diff.external",
		"diff.bad.command", "diff.bad.textconv", "filter.bad.clean", "filter.bad.smudge", "filter.bad.process", "filter.other.Clean",
		"credential.helper", "gpg.program", "pager.diff", "pager.status", "interactive.diffFilter", "alias.status", "alias.diff",
	} {
		git("config", key, evil)
	}
	git("config", "filter.bad.required", "true")
	git("config", "core.hooksPath", filepath.Join(dir, ".git"))
	git("config", "diff.noprefix", "true")
	for _, hook := range []string{"post-index-change", "fsmonitor-watchman", "post-checkout"} {
		write(t, filepath.Join(dir, ".git", "hooks", hook), "#!/bin/sh\ntouch "+ran+"\n")
		write(t, filepath.Join(dir, ".git", hook), "#!/bin/sh\ntouch "+ran+"\n")
	}
	write(t, filepath.Join(dir, ".gitattributes"), "*.py filter=bad diff=bad\n*.txt filter=other\n")
	write(t, filepath.Join(dir, "train.py"), "lr = 0.3\n")
	state, err := gitOf(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(state.diff, "--- a/train.py") || !strings.Contains(state.diff, "+lr = 0.3") {
		t.Errorf("diff:\n%s", state.diff)
	}
	if data, err := os.ReadFile(ran); err == nil {
		t.Errorf("what the repository names was run:\n%s", data)
	}
}

func TestGitElsewhereIsRefused(t *testing.T) {
	dir, git := repository(t)
	other := t.TempDir()
	write(t, filepath.Join(other, "train.py"), "secret\n")
	git("config", "core.worktree", other)
	if state, err := gitOf(t.Context(), dir); err == nil {
		t.Errorf("a work tree elsewhere was read: %v", state)
	}
}

func TestGitDiffIsBounded(t *testing.T) {
	dir, _ := repository(t)
	write(t, filepath.Join(dir, "train.py"), strings.Repeat("x = 1\n", script.MaxText/4))
	state, err := gitOf(t.Context(), dir)
	if err != nil || !state.truncated || len(state.diff) != script.MaxText {
		t.Errorf("truncated %v, %d bytes, %v", state.truncated, len(state.diff), err)
	}
}

func TestWithoutPassword(t *testing.T) {
	for given, want := range map[string]string{
		"https://ann:pw@example.org/a.git?token=x": "https://example.org/a.git",
		"git@example.org:a/b.git":                  "git@example.org:a/b.git",
		"ssh://git@example.org/a":                  "ssh://example.org/a",
		"/srv/git/a":                               "/srv/git/a",
		"https://ann:p%zz@example.org/a":           "example.org/a",
	} {
		if got := withoutPassword(given); got != want {
			t.Errorf("%s: got %s, want %s", given, got, want)
		}
	}
}
