package interpreter

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

const (
	// probeTime is how long an interpreter may take to tell its version.
	probeTime = 20 * time.Second
	// probeCode works in every Python that there ever was.
	probeCode = "import sys; sys.stdout.write('mlhost %d %d\\n' % sys.version_info[:2])"
)

// version is the version of a Python.
type version struct{ major, minor int }

// oldest is the least version that the shim works with.
var oldest = version{3, 8}

func (v version) String() string { return fmt.Sprintf("%d.%d", v.major, v.minor) }

func (v version) below(w version) bool {
	return v.major < w.major || (v.major == w.major && v.minor < w.minor)
}

// probePython asks a Python for its version, and keeps the answer in the
// folder cache for as long as the executable stays the same. It returns the
// zero version where the answer could not be kept: a script that chooses the
// Python by itself (pyenv, conda run) is slow to ask and may choose another
// one the next time. There the shim finds out.
func probePython(ctx context.Context, command []string, dir string, env []string, cache string) (version, error) {
	file := cacheFile(command)
	if file == "" {
		return version{}, nil
	}
	file = filepath.Join(cache, file)
	if data, err := os.ReadFile(file); err == nil {
		if v, err := parseVersion(data); err == nil {
			return v, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], "-c", probeCode)
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, env, time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		last := strings.TrimSpace(stderr.String())
		last = last[strings.LastIndexByte(last, '\n')+1:]
		return version{}, script.Errorf(script.CodeRejected, "interpreter %s does not run as a Python: %s: %s", command[0], err, last)
	}
	v, err := parseVersion(out)
	if err != nil {
		return v, script.Errorf(script.CodeRejected, "interpreter %s is not a Python: %s", command[0], err)
	}
	if err := os.MkdirAll(cache, 0o700); err == nil {
		_ = replaceFile(file, out) // only the next start is slower without
	}
	return v, nil
}

// parseVersion finds the answer of probeCode, behind whatever a startup file
// may have printed.
func parseVersion(out []byte) (version, error) {
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) != 3 || f[0] != "mlhost" {
			continue
		}
		major, err1 := strconv.Atoi(f[1])
		minor, err2 := strconv.Atoi(f[2])
		if err := errors.Join(err1, err2); err != nil {
			return version{}, err
		}
		return version{major, minor}, nil
	}
	return version{}, fmt.Errorf("read the version of Python: got %.80q", out)
}

// cacheFile names the file that keeps the answer of a command, "" where it
// cannot be kept.
func cacheFile(command []string) string {
	if len(command) != 1 {
		return ""
	}
	path, err := filepath.EvalSymlinks(command[0])
	if err != nil {
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	info, err := f.Stat()
	head := make([]byte, 2)
	if _, readErr := f.Read(head); err != nil || readErr != nil || string(head) == "#!" {
		return ""
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", path, info.Size(), info.ModTime().UnixNano()))
	return "version-" + hex.EncodeToString(sum[:8])
}
