package interpreter

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/wrappers/python"
)

const (
	// fdName tells a script on which descriptor it speaks lines.
	fdName = "MLHOST_FD"
	// linesFD is that descriptor: the first behind the standard three.
	linesFD = 3
	// profilePython is the profile of scripts that run under the Python shim.
	profilePython = "python"
)

// notTheScripts are the variables that tell a plugin of its host.
var notTheScripts = []string{
	fdName, markName, "MLHOST_PLUGIN", "MLHOST_NONCE",
	"PLUGIN_MIN_PORT", "PLUGIN_MAX_PORT", "PLUGIN_PROTOCOL_VERSIONS", "PLUGIN_CLIENT_CERT",
	"PLUGIN_UNIX_SOCKET_DIR", "PLUGIN_UNIX_SOCKET_GROUP", "PLUGIN_MULTIPLEX_GRPC",
}

// command builds the script's command line and environment, and tells whether
// the script is to speak lines. What is wrong with the launch is found here,
// before anything runs.
func (r *run) command(ctx context.Context) (cmd *exec.Cmd, lines bool, err error) {
	l := r.launch
	if len(l.Interpreter) == 0 {
		return nil, false, script.Errorf(script.CodeConfigInvalid, "no interpreter is named for %s", l.Source)
	}
	if r.patterns, err = newPatterns(l.Variables); err != nil {
		return nil, false, err
	}
	for _, p := range r.patterns.list {
		r.claims.claim(p.name, fromPattern)
	}
	if l.Module == "" {
		if err := checkSource(l.Source, l.Profile == profilePython); err != nil {
			return nil, false, err
		}
	}
	dir := l.Directory
	if dir == "" {
		dir = filepath.Dir(l.Source)
	}
	passed, err := passed(l.Args, l.Parameters, r.values)
	if err != nil {
		return nil, false, err
	}
	for _, dropped := range passed.Dropped {
		r.warn(dropped)
	}
	env := r.environment(dir, passed.Env)
	program, what := l.Interpreter, "interpreter"
	if len(l.Launcher) > 0 {
		program, what = l.Launcher, "launcher"
	}
	path, err := findProgram(what, program[0], dir, env)
	if err != nil {
		return nil, false, err
	}
	command := append([]string{path}, program[1:]...)
	lines = l.Protocol == "lines"
	switch {
	case lines: // the script itself has the descriptor
	case l.Profile == profilePython && len(l.Launcher) > 0:
		added, err := r.throughLauncher(path, env)
		if err != nil {
			return nil, false, err
		}
		env, lines = append(env, added...), true
	case l.Profile == profilePython:
		shim, err := r.shim(ctx, command, dir, env)
		if err != nil {
			return nil, false, err
		}
		if shim != "" {
			command, lines, r.shimmed = append(command, shim), true, true
		}
	}
	if lines && r.attach == nil {
		env = append(env, fdName+"="+strconv.Itoa(linesFD))
	}
	command = slices.Concat(command, l.Target(), passed.Before, passed.Args, passed.After, passed.Last)
	return &exec.Cmd{Path: path, Args: command, Dir: dir, Env: env}, lines, nil
}

// constants returns what literals of the source are configured to be, as the
// processes of a launcher are told of them.
func (r *run) constants() (string, error) {
	values := map[string]script.Value{}
	for _, p := range r.launch.Parameters {
		if v := r.values[p.Spec.Name]; p.Constant != "" && !v.IsNull() {
			values[p.Constant] = v
		}
	}
	if len(values) == 0 {
		return "", nil
	}
	text, err := json.Marshal(values)
	if err != nil {
		return "", fmt.Errorf("write the values of literals: %w", err)
	}
	return string(text), nil
}

// readingFifo lets a shell open the FIFO that is the script's standard input:
// that waits for a writer, and here everything else would wait with it. The
// shell then becomes the script.
func readingFifo(cmd *exec.Cmd, fifo string) {
	cmd.Args = append([]string{"sh", "-c", `exec "$@" <"$0"`, fifo, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
}

// environment is the wrapper's own, without what belongs to plugins, plus the
// launch's and the parameters', plus the run's mark.
func (r *run) environment(dir string, added []string) []string {
	env := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(notTheScripts, name)
	})
	env = append(env, "PWD="+dir)
	if r.launch.Profile == profilePython {
		env = append(env, "PYTHONUNBUFFERED=1")
	}
	for name, value := range r.launch.Env {
		env = append(env, name+"="+value)
	}
	env = append(env, added...)
	return append(env, markName+"="+r.session.Run())
}

// shim returns the path of the Python shim, "" where the interpreter is too
// old for it.
func (r *run) shim(ctx context.Context, command []string, dir string, env []string) (string, error) {
	folder, err := pythonFolder(r.session.RunDir())
	if err != nil {
		return "", err
	}
	v, err := probePython(ctx, command, dir, env, folder)
	if err != nil {
		return "", err
	}
	if v != (version{}) {
		r.version = v.String()
	}
	if v != (version{}) && v.below(oldest) {
		r.warn(fmt.Errorf("%s is Python %s, and mlhost's Python side needs %s: the script runs plain, and only its output is read", command[0], v, oldest))
		return "", nil
	}
	extracted, err := python.Extract(folder)
	if err != nil {
		r.warn(fmt.Errorf("the script runs plain, and only its output is read: %w", err))
		return "", nil
	}
	return filepath.Join(extracted, python.ShimName), nil
}

// pythonFolder is where mlhost's Python files are kept: beside the folder of
// all runs, or in the run's own directory where that stands alone.
func pythonFolder(runDir string) (string, error) {
	if runDir == "" {
		cache, err := os.UserCacheDir()
		return filepath.Join(cache, "mlhost", "python"), err
	}
	if runs := filepath.Dir(runDir); filepath.Base(runs) == "runs" {
		return filepath.Join(filepath.Dir(runs), "python"), nil
	}
	return filepath.Join(runDir, "python"), nil
}
