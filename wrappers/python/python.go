// Package python carries the Python side of mlhost: the shim that starts a
// script, and the modules mlhost, script_interface and script_wrappers that a
// script may import. They need Python 3.8 and nothing else.
package python

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Files holds the modules, below the folder "src".
//
//go:embed src/*.py src/mlhost_site/*.py src/mlhost/*.py src/mlhost/hooks/*.py src/mlhost/py.typed src/mlhost_discover/*.py src/mlhost_discover/observe/*.py src/launchers/*.py
var Files embed.FS

// ShimName is the file in an extracted directory that starts a script:
// python <dir>/mlhost_shim.py SCRIPT ARGS…
const ShimName = "mlhost_shim.py"

// siteName is the folder whose sitecustomize.py brings the shim into the
// processes that a launcher starts.
const siteName = "mlhost_site"

// SitePath is the PYTHONPATH of a launcher, where it was path before; home is
// what Extract has returned.
func SitePath(home, path string) string {
	site := filepath.Join(home, siteName)
	if path == "" {
		return site
	}
	return site + string(filepath.ListSeparator) + path
}

func isSite(name string) bool { return strings.HasPrefix(name, siteName+"/") }

// inner is the directory that the modules lie in. Python's warnings do not
// count frames of files with such a path as anybody's caller, so a warning
// that looks further up than the script finds what it finds under plain python.
const inner = "importlib_bootstrap"

// Extract writes the modules below dir, into a directory named after their
// content, and returns the directory that ShimName lies in. What is there
// already is not written again; several processes may extract at once.
func Extract(dir string) (string, error) {
	hash, err := contentHash()
	if err != nil {
		return "", err
	}
	final := filepath.Join(dir, hash)
	if _, err := os.Stat(final); err == nil {
		return filepath.Join(final, inner), nil
	}
	if err := extractTo(dir, final); err != nil {
		return "", fmt.Errorf("extract the Python modules: %w", err)
	}
	return filepath.Join(final, inner), nil
}

func extractTo(dir, final string) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	work, err := os.MkdirTemp(dir, ".extract-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	whole := filepath.Join(work, "whole")
	if err := writeFiles(filepath.Join(whole, inner), func(name string) bool { return !isDiscover(name) && !isLauncher(name) }); err != nil {
		return err
	}
	if err := os.Rename(whole, final); err != nil {
		if _, statErr := os.Stat(final); statErr == nil {
			return nil // another process was faster
		}
		return err
	}
	return nil
}

// launchers is the folder of the programs that WriteSDK writes beside the
// modules.
const launchers = "launchers/"

// launcherMark stands in every launcher that WriteSDK has written.
const launcherMark = "Written by `mlhost sdk python`"

// WriteSDK writes into dir, which it makes if need be, the modules that a
// script imports: script_interface.py, script_wrappers.py and mlhost; and the
// launchers connector.py, hivemind_connector.py and troubleshoot_all.py, which
// use the given mlhost. Older copies of all of them are replaced; other
// programs with a launcher's name are an error, and nothing is written then.
func WriteSDK(dir, program string) error {
	err := walk(func(name string, _ fs.File) error { return replaceable(dir, name) })
	if err == nil {
		err = writeFiles(dir, func(name string) bool {
			return name != ShimName && !isDiscover(name) && !isSite(name) && !isLauncher(name)
		})
	}
	if err == nil {
		err = walk(func(name string, file fs.File) error {
			if !isLauncher(name) {
				return nil
			}
			data, err := io.ReadAll(file)
			if err != nil {
				return err
			}
			text := strings.Replace(string(data), `MLHOST = ""`, "MLHOST = "+strconv.Quote(program), 1)
			return os.WriteFile(filepath.Join(dir, strings.TrimPrefix(name, launchers)), []byte(text), 0o644)
		})
	}
	if err != nil {
		return fmt.Errorf("write the Python modules: %w", err)
	}
	return nil
}

func isLauncher(name string) bool { return strings.HasPrefix(name, launchers) }

// replaceable tests that no launcher would take the place of another program.
func replaceable(dir, name string) error {
	if !isLauncher(name) {
		return nil
	}
	path := filepath.Join(dir, strings.TrimPrefix(name, launchers))
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !strings.Contains(string(data), launcherMark):
		return fmt.Errorf("%s is another program: move it away, or choose another folder", path)
	}
	return nil
}

// writeFiles writes each file that want accepts into dir.
func writeFiles(dir string, want func(name string) bool) error {
	part := make([]byte, partSize)
	return walk(func(name string, file fs.File) error {
		if !want(name) {
			return nil
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return writeFile(path, file, part)
	})
}

// writeFile copies a file to path, part by part.
func writeFile(path string, from io.Reader, part []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(copyParts(file, from, part), file.Close())
}

// copyParts copies with no more memory than part has.
func copyParts(to io.Writer, from io.Reader, part []byte) error {
	_, err := io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, part)
	return err
}

// partSize is how much of a file a wrapper has in memory at once.
const partSize = 4 << 10

// walk calls visit for each file, in the order of their names.
func walk(visit func(name string, file fs.File) error) error {
	src, err := fs.Sub(Files, "src")
	if err != nil {
		return err
	}
	return fs.WalkDir(src, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		file, err := src.Open(name)
		if err != nil {
			return err
		}
		return errors.Join(visit(name, file), file.Close())
	})
}

// contentHash names the modules. It holds no file in memory: each wrapper
// computes it.
func contentHash() (string, error) {
	sum := sha256.New()
	part := make([]byte, partSize)
	err := walk(func(name string, file fs.File) error {
		if isDiscover(name) || isLauncher(name) {
			return nil
		}
		info, err := file.Stat()
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%s %d\n", name, info.Size())
		if err := copyParts(sum, file, part); err != nil {
			return err
		}
		_, err = sum.Write([]byte{'\n'})
		return err
	})
	return hex.EncodeToString(sum.Sum(nil))[:16], err
}
