package interpreter

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

const (
	// maxArtifacts bounds the files that are told of one run.
	maxArtifacts = 1000
	// maxOpened bounds the names that a script may tell.
	maxOpened = 10_000
	// maxHashed is the size of the largest file whose sum is computed.
	maxHashed = 1 << 30
	// hashTime bounds the computing of all sums of a run, hashTimeStopped
	// that where somebody waits for the end.
	hashTime        = 10 * time.Second
	hashTimeStopped = time.Second
	// clockStep is how far the times of files may lie behind the clock.
	clockStep = 20 * time.Millisecond
)

// artifacts finds the files that a run leaves behind: those that the script
// is seen to open for writing, and those that changed in its directory.
type artifacts struct {
	emit    func(script.Body)
	folders []string // whose files are compared
	skip    []string // folders of mlhost's own
	inputs  []string // files that mlhost itself writes for the script
	started time.Time

	mu     sync.Mutex
	before listing // set when known
	named  map[string]bool
}

// begin looks at the script's folders, in the background.
func (a *artifacts) begin(c *recorder, r *run, dir string) {
	a.emit, a.started, a.named = c.emit, time.Now(), map[string]bool{}
	a.folders = []string{dir}
	if source := r.launch.Source; source != "" && !within(dir, filepath.Dir(source)) {
		a.folders = append(a.folders, filepath.Dir(source))
	}
	if runDir := r.session.RunDir(); runDir != "" {
		a.skip = append(a.skip, hostFolder(runDir))
	}
	for name := range r.files {
		a.inputs = append(a.inputs, below(dir, name))
	}
	c.work.Go(func() {
		before := list(c.ctx, a.folders, a.skip)
		a.mu.Lock()
		a.before = before
		a.mu.Unlock()
	})
}

// hostFolder is the folder of the host that a run directory lies in, else the
// run directory itself.
func hostFolder(runDir string) string {
	if runs := filepath.Dir(runDir); filepath.Base(runs) == "runs" {
		return filepath.Dir(runs)
	}
	return runDir
}

// opened takes names of files that the script opened for writing.
func (a *artifacts) opened(paths []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, path := range paths {
		if filepath.IsAbs(path) && len(a.named) < maxOpened {
			a.named[filepath.Clean(path)] = true
		}
	}
}

// tell reports what the run has left behind.
func (a *artifacts) tell(stopped bool) {
	limit := hashTime
	if stopped {
		limit = hashTimeStopped
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	found, more := a.find(ctx)
	for i := range found {
		if found[i].Size <= maxHashed {
			found[i].SHA256 = sumOfFile(ctx, found[i].Path)
		}
		a.emit(found[i])
	}
	if more > 0 {
		a.emit(script.Recorded{Record: map[string]script.Value{"artifacts_left_out": script.Int(int64(more))}})
	}
}

// find lists the artifacts, by path, without sums, and counts those that are
// too many.
func (a *artifacts) find(ctx context.Context) (found []script.ArtifactWritten, more int) {
	a.mu.Lock()
	named, before := a.named, a.before
	a.mu.Unlock()
	since := a.started.Add(-clockStep)
	all := map[string]script.ArtifactWritten{}
	for path := range named {
		info, err := os.Lstat(path)
		if err != nil || !info.Mode().IsRegular() || info.ModTime().Before(since) || a.ours(path) {
			continue // gone again, a device or a pipe, or nothing was written
		}
		all[path] = script.ArtifactWritten{Path: path, Size: info.Size(), Found: script.FoundOpened}
	}
	if before.files != nil {
		after := list(ctx, a.folders, a.skip)
		for path, now := range after.files {
			if _, ok := all[path]; !ok && !a.ours(path) && before.changed(path, now, a.started) {
				all[path] = script.ArtifactWritten{Path: path, Size: now.size, Found: script.FoundDirectory}
			}
		}
	}
	for _, one := range all {
		one.Kind = kindOfFile(one.Path)
		found = append(found, one)
	}
	slices.SortFunc(found, func(x, y script.ArtifactWritten) int { return strings.Compare(x.Path, y.Path) })
	more = max(0, len(found)-maxArtifacts)
	return found[:len(found)-more], more
}

// notArtifacts are folders in which nothing is meant to stay.
var notArtifacts = []string{"/dev", "/proc", "/sys", "/run", os.TempDir()}

// ours reports whether a file is none of the script's: mlhost's own, a cache,
// or a temporary one.
func (a *artifacts) ours(path string) bool {
	for _, folder := range a.skip {
		if within(folder, path) {
			return true
		}
	}
	if slices.Contains(a.inputs, path) || temporary(filepath.Base(path)) {
		return true
	}
	if !contained(a.folders, path) && contained(notArtifacts, path) {
		return true
	}
	return slices.ContainsFunc(strings.Split(filepath.Dir(path), string(filepath.Separator)), uninteresting)
}

// temporary reports whether a file's name is one that editors, compilers and
// libraries give to files that are not to stay.
func temporary(name string) bool {
	return strings.HasSuffix(name, "~") || strings.HasSuffix(name, ".pyc") || strings.HasSuffix(name, ".swp") ||
		strings.HasSuffix(name, ".lock") || strings.HasPrefix(name, ".nfs") || strings.HasPrefix(name, ".#")
}

// uninteresting reports whether a folder of that name holds caches, or other
// things that no script means to write.
func uninteresting(name string) bool {
	switch name {
	case "__pycache__", ".git", ".hg", ".svn", ".venv", "venv", "node_modules", ".ipynb_checkpoints",
		".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", ".cache", "site-packages":
		return true
	}
	return false
}

// within reports whether path is folder or lies below it.
func within(folder, path string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(rel)
}

// kinds of files, by the ends of their names.
var kinds = map[string]string{
	".pt": "model", ".pth": "model", ".ckpt": "model", ".safetensors": "model", ".onnx": "model", ".h5": "model", ".hdf5": "model",
	".keras": "model", ".pkl": "model", ".pickle": "model", ".joblib": "model", ".ubj": "model", ".gguf": "model", ".tflite": "model", ".rds": "model",
	".csv": "table", ".tsv": "table", ".parquet": "table", ".feather": "table", ".arrow": "table", ".xlsx": "table",
	".png": "image", ".jpg": "image", ".jpeg": "image", ".svg": "image", ".gif": "image", ".pdf": "image", ".webp": "image",
	".log": "log", ".out": "log", ".err": "log",
	".txt": "text", ".md": "text", ".html": "text", ".json": "text", ".jsonl": "text", ".yaml": "text", ".yml": "text", ".toml": "text",
	".npy": "data", ".npz": "data", ".mat": "data", ".db": "data", ".sqlite": "data", ".bin": "data", ".gz": "data", ".zip": "data", ".tar": "data",
}

func kindOfFile(path string) string {
	if strings.HasPrefix(filepath.Base(path), "events.out.tfevents.") {
		return "log"
	}
	ext := strings.ToLower(filepath.Ext(path))
	kind, ok := kinds[ext]
	switch {
	case ext == ".ckpt", (kind == "model" || kind == "data" || ext == ".index") && isCheckpoint(path):
		return "checkpoint"
	case ok:
		return kind
	}
	return "file"
}

// checkpointWord is what the name of a checkpoint, or of its folder, has.
var checkpointWord = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(^|[^a-z])(checkpoints?|ckpts?|chkpt|last|latest|epoch|step|iter|snapshots?)([^a-z]|$)`)
})

// isCheckpoint reports whether a file's name, or that of the folder it lies in,
// says that a training can go on from it.
func isCheckpoint(path string) bool {
	return checkpointWord().MatchString(filepath.Base(path)) || checkpointWord().MatchString(filepath.Base(filepath.Dir(path)))
}

// sumOfFile returns the sha256 of a file, "" where it cannot be read in time.
func sumOfFile(ctx context.Context, path string) string {
	if ctx.Err() != nil {
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	sum := sha256.New()
	for ctx.Err() == nil {
		_, err := io.CopyN(sum, f, 4<<20)
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(sum.Sum(nil))
		}
		if err != nil {
			return ""
		}
	}
	return ""
}
