package host

import (
	"archive/zip"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mlhost/mlhost/host/store"
	"github.com/mlhost/mlhost/shared/script"
)

// newestCheckpoint returns the newest checkpoint that a run has written: a
// file, or the folder of one step where several files make one up; "" where
// there is none. Where no file's name says that it is a checkpoint, the newest
// model is taken for one. One that was cut short by the end of the run does not
// count, and one that is called the best only where there is no other. A file
// that the script was not seen to open may be that of another script which ran
// in the same directory at the same time, and is left alone then.
func (h *Host) newestCheckpoint(ctx context.Context, run string) (string, error) {
	all, err := h.store.Artifacts(ctx, run)
	if err != nil {
		return "", err
	}
	beside, err := h.store.Beside(ctx, run)
	if err != nil {
		return "", err
	}
	all = slices.DeleteFunc(all, func(a store.Artifact) bool {
		return a.Found != script.FoundOpened && slices.ContainsFunc(beside, func(dir string) bool { return within(dir, a.Path) })
	})
	for _, pick := range []func(store.Artifact) bool{
		func(a store.Artifact) bool { return a.Kind == "checkpoint" && !isBest(a.Path) },
		func(a store.Artifact) bool { return a.Kind == "checkpoint" },
		func(a store.Artifact) bool { return a.Kind == "model" },
	} {
		if path := newestWhole(all, pick); path != "" {
			return path, nil
		}
	}
	return "", nil
}

// newestWhole returns the newest of the wanted files, or its step's folder.
func newestWhole(all []store.Artifact, want func(store.Artifact) bool) string {
	damaged := map[string]bool{}
	newest := map[string]time.Time{}
	for _, a := range all {
		if !want(a) {
			continue
		}
		path := checkpointPath(a.Path)
		info, err := os.Stat(a.Path)
		if err != nil || !isWhole(a.Path, info.Size()) {
			damaged[path] = true
		} else if newest[path].Before(info.ModTime()) {
			newest[path] = info.ModTime()
		}
	}
	best := ""
	for path, at := range newest {
		if !damaged[path] && (best == "" || at.After(newest[best]) || at.Equal(newest[best]) && path > best) {
			best = path
		}
	}
	return strings.TrimSuffix(best, ".index") // TensorFlow's name for the files that belong together
}

// within reports whether path lies below dir.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// stepFolder is the name of a folder that holds the checkpoint of one step.
var stepFolder = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^(.*[^a-z])?(checkpoint|ckpt|epoch|step|iter)[-_=]?\d+$`)
})

// checkpointPath is what names the checkpoint that a file belongs to.
func checkpointPath(file string) string {
	if dir := filepath.Dir(file); stepFolder().MatchString(filepath.Base(dir)) {
		return dir
	}
	return file
}

func isBest(path string) bool {
	return strings.Contains(strings.ToLower(filepath.Base(path)), "best")
}

// isWhole reports whether a file looks complete: what PyTorch, NumPy and Keras
// write are zip files, whose directory stands at the end.
func isWhole(path string, size int64) bool {
	if size == 0 {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // opened for reading
	head := make([]byte, 4)
	if _, err := io.ReadFull(f, head); err != nil || string(head) != "PK\x03\x04" {
		return true
	}
	_, err = zip.NewReader(f, size)
	return err == nil
}
