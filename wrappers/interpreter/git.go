package interpreter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

const (
	// gitTime bounds all that is asked of git about one run.
	gitTime = 15 * time.Second
	// maxGitOutput bounds what is read of an answer.
	maxGitOutput = 4 << 20
)

// gitState is what git says of a directory.
type gitState struct {
	record    map[string]script.Value
	diff      string
	truncated bool
}

// gitOf asks git about the work tree that dir lies in. It returns nil where
// there is none, or no git. Nothing that the repository's own configuration
// names is run: no hooks, monitors, filters, text converters or transports.
func gitOf(ctx context.Context, dir string) (*gitState, error) {
	if !inRepository(dir) {
		return nil, nil
	}
	path, err := exec.LookPath("git")
	if err != nil {
		return nil, nil // no git: nothing can be told
	}
	ctx, cancel := context.WithTimeout(ctx, gitTime)
	defer cancel()
	g := git{path: path, dir: dir}
	top, err := g.line(ctx, "rev-parse", "--show-toplevel")
	if err != nil || top == "" {
		return nil, err
	}
	if !contains(top, dir) {
		return nil, fmt.Errorf("git's work tree %s is not above %s", top, dir)
	}
	state := &gitState{record: map[string]script.Value{"root": script.String(top)}}
	if err := g.disarm(ctx); err != nil {
		return nil, err
	}
	if remote, err := g.line(ctx, "config", "--get", "remote.origin.url"); err == nil && remote != "" {
		state.record["remote"] = script.String(withoutPassword(remote))
	}
	if branch, err := g.line(ctx, "symbolic-ref", "--quiet", "--short", "HEAD"); err == nil && branch != "" {
		state.record["branch"] = script.String(branch)
	}
	commit, err := g.line(ctx, "rev-parse", "--verify", "--quiet", "HEAD")
	if err != nil || commit == "" {
		state.record["commit"] = script.Null() // there is none yet
		return state, nil
	}
	state.record["commit"] = script.String(commit)
	return state, g.changes(ctx, state)
}

// changes tells how the work tree differs from the commit.
func (g *git) changes(ctx context.Context, state *gitState) error {
	status, _, err := g.run(ctx, maxGitOutput, "status", "--porcelain", "-z", "--untracked-files=normal", "--ignore-submodules=all", "--no-renames")
	if err != nil {
		return err
	}
	var changed, untracked int64
	for entry := range bytes.SplitSeq(status, []byte{0}) {
		switch {
		case bytes.HasPrefix(entry, []byte("?? ")):
			untracked++
		case len(entry) > 0:
			changed++
		}
	}
	state.record["dirty"] = script.Bool(changed > 0)
	state.record["changed"] = script.Int(changed)
	state.record["untracked"] = script.Int(untracked)
	if changed == 0 {
		return nil
	}
	diff, cut, err := g.run(ctx, script.MaxText, "diff", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames",
		"--ignore-submodules=all", "--src-prefix=a/", "--dst-prefix=b/", "HEAD", "--")
	if err != nil {
		return err
	}
	state.diff, state.truncated = strings.ToValidUTF8(string(diff), "\uFFFD"), cut
	if len(state.diff) > script.MaxText { // repairs make it longer
		state.diff, state.truncated = strings.ToValidUTF8(state.diff[:script.MaxText], ""), true
	}
	return nil
}

// inRepository reports whether dir or one above it has a .git.
func inRepository(dir string) bool {
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return false
		}
		dir = parent
	}
}

// contains reports whether dir is root or lies below it.
func contains(root, dir string) bool {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(root, real)
	return err == nil && filepath.IsLocal(rel)
}

// git runs git in a directory, without what the repository's configuration
// would have it run.
type git struct {
	path, dir string
	disarmed  []string // options that switch off the filters that it names
}

// harmless are options for every command: whatever a repository may say here
// is a command line.
var harmless = []string{
	"--no-pager", "--no-replace-objects", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "diff.external=",
	"-c", "core.sshCommand=false", "-c", "core.gitProxy=", "-c", "core.askPass=", "-c", "credential.helper=", "-c", "gpg.program=false",
	"-c", "core.untrackedCache=false", "-c", "core.quotePath=false", "-c", "protocol.allow=never", "-c", "submodule.recurse=false",
	"-c", "diff.relative=false", "-c", "status.relativePaths=false",
}

// disarm finds the filters that the configuration names, and switches them
// off: git status and git diff would run them.
func (g *git) disarm(ctx context.Context) error {
	out, cut, err := g.run(ctx, maxGitOutput, "config", "--null", "--name-only", "--get-regexp", `^filter\..*\.(clean|smudge|process|required)$`)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 {
		return nil // there are none
	}
	if err != nil {
		return err
	}
	if cut {
		return errors.New("git names more filters than can be switched off")
	}
	for name := range strings.SplitSeq(string(out), "\x00") {
		switch {
		case name == "":
		case strings.ContainsAny(name, "=\n"):
			return fmt.Errorf("git has a filter of a name that cannot be switched off: %.80q", name)
		case strings.HasSuffix(name, ".required"):
			g.disarmed = append(g.disarmed, "-c", name+"=false")
		default:
			g.disarmed = append(g.disarmed, "-c", name+"=")
		}
	}
	return nil
}

// line runs git and returns the one line that it prints.
func (g *git) line(ctx context.Context, args ...string) (string, error) {
	out, _, err := g.run(ctx, 64<<10, args...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 {
		return "", nil
	}
	return strings.ToValidUTF8(strings.TrimRight(string(out), "\n"), "\uFFFD"), err
}

// run runs git and returns what it prints, at most limit bytes; git is ended
// when there is more.
func (g *git) run(ctx context.Context, limit int, args ...string) (out []byte, cut bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, g.path, append(append(append([]string{"-C", g.dir}, harmless...), g.disarmed...), args...)...)
	cmd.Env, cmd.WaitDelay = gitEnvironment(), time.Second
	var problem limited
	cmd.Stderr = &problem
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, false, err
	}
	if err := helpers.start(cmd); err != nil {
		return nil, false, fmt.Errorf("start git: %w", err)
	}
	out, readErr := io.ReadAll(io.LimitReader(pipe, int64(limit)+1))
	if len(out) > limit {
		cancel()
		_ = helpers.wait(cmd) // it was ended in the middle
		return out[:limit], true, nil
	}
	if err := helpers.wait(cmd); err != nil {
		return out, false, fmt.Errorf("git %s: %w: %s", args[0], err, problem.text())
	}
	return out, false, readErr
}

// gitEnvironment is ours without what would lead git elsewhere, and with what
// keeps it from writing, asking and fetching.
func gitEnvironment() []string {
	var env []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "GIT_") && !strings.HasPrefix(entry, markName+"=") {
			env = append(env, entry)
		}
	}
	return append(env, "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none", "LC_ALL=C")
}

// withoutPassword removes what a remote's address may hold of secrets.
func withoutPassword(remote string) string {
	if !strings.Contains(remote, "://") {
		return remote // a path, or the form of ssh, which has no place for any
	}
	u, err := url.Parse(remote)
	if err != nil {
		return remote[strings.LastIndexByte(remote, '@')+1:]
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// limited keeps the beginning of what is written to it.
type limited struct{ kept []byte }

func (l *limited) Write(data []byte) (int, error) {
	l.kept = append(l.kept, data[:min(len(data), 500-len(l.kept))]...)
	return len(data), nil
}

func (l *limited) text() string { return strings.TrimSpace(strings.ToValidUTF8(string(l.kept), "")) }
