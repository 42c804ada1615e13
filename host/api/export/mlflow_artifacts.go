package export

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// artifacts writes what is kept of the run as files: all that `runs show`
// tells, its texts and its packages, below mlhost/; and, where that is wanted,
// what the script has written itself.
func (m *mlflowWriter) artifacts(ctx context.Context) error {
	dir := filepath.Join(m.dir, "artifacts", "mlhost")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var j jsonWriter
	if err := os.WriteFile(filepath.Join(dir, "run.json"), append(j.encode(m.run), '\n'), 0o644); err != nil || j.err != nil {
		return errors.Join(err, j.err)
	}
	texts, err := m.e.texts(ctx, m.run)
	if err != nil {
		return err
	}
	for name, file := range map[string]string{script.TextSource: sourceName(m.run), script.TextDiff: "git.diff"} {
		if text, ok := texts[name]; ok {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
				return err
			}
		}
	}
	if packages, ok := m.run.Record["packages"].Map(); ok && len(packages) > 0 {
		var b strings.Builder
		for _, name := range sorted(packages) {
			fmt.Fprintf(&b, "%s==%s\n", oneLine(name), oneLine(plain(packages[name])))
		}
		if err := os.WriteFile(filepath.Join(dir, "requirements.txt"), []byte(b.String()), 0o644); err != nil {
			return err
		}
	}
	if !m.e.Artifacts {
		return nil
	}
	return m.copies(ctx)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// sourceName is the name under which a source is kept: its ending tells
// programs what it is.
func sourceName(run *v1.RunDetail) string {
	ending := path.Ext(filepath.Base(fact(run, "source", "path")))
	if len(ending) > 10 || !fits("source"+ending) {
		ending = ""
	}
	return "source" + ending
}

// copies copies the run's artifacts that are still what they were: of the same
// sum, or of the same size where no sum is known.
func (m *mlflowWriter) copies(ctx context.Context) error {
	taken := newNames()
	taken.files["mlhost"] = true
	for _, f := range m.run.Artifacts {
		name := filepath.Base(f.Path)
		if rel, err := filepath.Rel(fact(m.run, "directory"), f.Path); err == nil && filepath.IsLocal(rel) {
			name = filepath.ToSlash(rel)
		}
		target := filepath.Join(m.dir, "artifacts", filepath.FromSlash(taken.file(name)))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		same, err := copySame(f, target)
		if err == nil && !same {
			err = m.tag("mlhost.artifact_left_out."+name, "it is gone, or not what it was")
		}
		if err != nil {
			return err
		}
	}
	return m.renamed("artifact", taken)
}

// copySame copies a file, and keeps the copy only if it is what is recorded.
func copySame(f v1.Artifact, target string) (same bool, err error) {
	info, err := os.Lstat(f.Path)
	if err != nil || !info.Mode().IsRegular() || info.Size() != f.Size {
		return false, nil
	}
	from, err := os.Open(f.Path)
	if err != nil {
		return false, nil // it cannot be read any more
	}
	defer from.Close()
	to, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return false, err
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(to, sum), from)
	if err = errors.Join(err, to.Close()); err != nil {
		return false, err
	}
	if f.SHA256 != "" && hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return false, os.Remove(target)
	}
	return true, nil
}
