package export

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// The numbers that MLflow writes for the state of a run.
const (
	mlflowRunning  = 1
	mlflowFinished = 3
	mlflowFailed   = 4
	mlflowKilled   = 5
)

// MLflow writes runs into a file store of MLflow, the folder root: an
// experiment for each script, a run for each run. Runs that are there already
// are left alone, and are an error.
func (e *Exporter) MLflow(ctx context.Context, root string, ids []string) error {
	runs, err := e.runs(ctx, ids)
	if err != nil {
		return err
	}
	root, err = filepath.Abs(root)
	if err != nil {
		return err
	}
	for i := range runs {
		if err := e.mlflowRun(ctx, root, &runs[i]); err != nil {
			return err
		}
	}
	return nil
}

// experimentID is the id of a script's experiment: digits, as MLflow makes
// them, and always the same for a name.
func experimentID(name string) string {
	sum := sha256.Sum256([]byte("mlhost script " + name))
	return strconv.FormatUint(1e17+binary.BigEndian.Uint64(sum[:8])%9e17, 10)
}

func (e *Exporter) mlflowRun(ctx context.Context, root string, run *v1.RunDetail) (err error) {
	experiment := experimentID(run.Script)
	folder := filepath.Join(root, experiment)
	final := filepath.Join(folder, fileID(run.ID))
	if _, err := os.Lstat(final); err == nil {
		return script.Errorf(script.CodeConflict, "run %s is in %s already", run.ID, root).
			WithHint("export it into another folder, or remove %s", final)
	}
	if err := mlflowExperiment(folder, experiment, run); err != nil {
		return err
	}
	work, err := os.MkdirTemp(root, ".export-")
	if err != nil {
		return fmt.Errorf("write run %s: %w", run.ID, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	m := mlflowWriter{e: e, run: run, dir: filepath.Join(work, "run"), metrics: newNames(), tags: newNames()}
	for _, name := range []string{"metrics", "params", "tags", "artifacts"} {
		if err := os.MkdirAll(filepath.Join(m.dir, name), 0o755); err != nil {
			return err
		}
	}
	if err := m.write(ctx, experiment, final); err != nil {
		return fmt.Errorf("write run %s: %w", run.ID, err)
	}
	return os.Rename(m.dir, final)
}

// fileID is a run's id, as long as it can be the name of a folder.
func fileID(id string) string {
	n := newNames()
	file := n.file(id)
	if filepath.Base(file) != file {
		return alter(id)
	}
	return file
}

// mlflowExperiment makes the experiment of a run's script, where there is none.
func mlflowExperiment(folder, id string, run *v1.RunDetail) error {
	meta := filepath.Join(folder, "meta.yaml")
	if _, err := os.Stat(meta); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("make experiment: %w", err)
	}
	var y yaml
	y.text("artifact_location", fileURL(folder))
	y.number("creation_time", run.Started.UnixMilli())
	y.text("experiment_id", id)
	y.number("last_update_time", run.Started.UnixMilli())
	y.text("lifecycle_stage", "active")
	y.text("name", clipRunes(run.Script, 500))
	return y.write(meta)
}

func fileURL(path string) string { return (&url.URL{Scheme: "file", Path: path}).String() }

// mlflowWriter writes one run into a folder.
type mlflowWriter struct {
	e             *Exporter
	run           *v1.RunDetail
	dir           string
	metrics, tags *names
	leftOut       []string // series that are no numbers
}

func (m *mlflowWriter) write(ctx context.Context, experiment, final string) error {
	if err := m.params(); err != nil {
		return err
	}
	if err := m.allMetrics(ctx); err != nil {
		return err
	}
	if err := m.artifacts(ctx); err != nil {
		return err
	}
	if err := m.allTags(); err != nil {
		return err
	}
	return m.meta(experiment, final)
}

func (m *mlflowWriter) meta(experiment, final string) error {
	r := m.run
	status := mlflowRunning
	switch {
	case r.State == script.Finished:
		status = mlflowFinished
	case r.State == script.Stopped:
		status = mlflowKilled
	case r.State.Ended():
		status = mlflowFailed
	}
	var y yaml
	y.text("artifact_uri", fileURL(filepath.Join(final, "artifacts")))
	y.null("deleted_time")
	if r.Finished != nil {
		y.number("end_time", r.Finished.UnixMilli())
	} else {
		y.null("end_time")
	}
	y.text("entry_point_name", "")
	y.text("experiment_id", experiment)
	y.text("lifecycle_stage", "active")
	y.text("run_id", filepath.Base(final))
	y.text("run_name", clipRunes(r.Script+" "+r.ID, 250))
	y.text("run_uuid", filepath.Base(final))
	y.text("source_name", "")
	y.number("source_type", 4)
	y.text("source_version", "")
	y.number("start_time", r.Started.UnixMilli())
	y.number("status", int64(status))
	y.list("tags")
	y.text("user_id", "mlhost")
	return y.write(filepath.Join(m.dir, "meta.yaml"))
}

// params writes the parameters as they were at the start.
func (m *mlflowWriter) params() error {
	n := newNames()
	for _, name := range sorted(m.run.Parameters) {
		if err := m.put("params", n.file(name), clipRunes(m.run.Parameters[name].String(), 6000)); err != nil {
			return err
		}
	}
	return m.renamed("param", n)
}

// put writes a small file below the run's folder.
func (m *mlflowWriter) put(kind, file, text string) error {
	path := filepath.Join(m.dir, kind, filepath.FromSlash(file))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// renamed tells by tags which names are not what they were.
func (m *mlflowWriter) renamed(kind string, n *names) error {
	for _, file := range sorted(n.altered) {
		if err := m.tag("mlhost."+kind+"."+filepath.Base(file), n.altered[file]); err != nil {
			return err
		}
	}
	return nil
}

func (m *mlflowWriter) tag(name, text string) error {
	return m.put("tags", m.tags.file(name), clipRunes(text, 5000))
}

// allTags tells the rest of the record.
func (m *mlflowWriter) allTags() error {
	r := m.run
	tags := map[string]string{
		"mlflow.runName": clipRunes(r.Script+" "+r.ID, 250), "mlflow.source.type": "LOCAL", "mlflow.source.name": fact(r, "source", "path"),
		"mlflow.source.git.commit": fact(r, "git", "commit"), "mlflow.source.git.branch": fact(r, "git", "branch"),
		"mlflow.source.git.repoURL": fact(r, "git", "remote"),
		"mlhost.run":                r.ID, "mlhost.script": r.Script, "mlhost.state": string(r.State), "mlhost.reason": r.Reason,
	}
	if r.ExitCode != nil {
		tags["mlhost.exit_code"] = strconv.Itoa(*r.ExitCode)
	}
	for _, key := range []string{"command", "directory", "interpreter", "machine", "git", "source"} {
		tags["mlhost.record."+key] = plain(r.Record[key])
	}
	for _, name := range sorted(r.Results) {
		if _, ok := number(r.Results[name]); !ok {
			tags["mlhost.result."+name] = plain(r.Results[name])
		}
	}
	if len(m.leftOut) > 0 {
		tags["mlhost.series_left_out"] = fmt.Sprint(m.leftOut)
	}
	for _, name := range sorted(tags) {
		if tags[name] == "" {
			continue
		}
		if err := m.tag(name, tags[name]); err != nil {
			return err
		}
	}
	return m.renamed("metric", m.metrics)
}
