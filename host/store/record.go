package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"

	"github.com/mlhost/mlhost/shared/script"
)

// Text is a text of a run that is kept as a file.
type Text struct {
	Name   string // script.TextSource, script.TextDiff
	SHA256 string
	Size   int64
}

// Artifact is a file that a run left behind.
type Artifact = script.ArtifactWritten

// Record returns what is recorded of a run beside what Run tells.
func (s *Store) Record(ctx context.Context, run string) (map[string]script.Value, error) {
	out := map[string]script.Value{}
	err := s.each(ctx, "read record", "SELECT key, value FROM run_record WHERE run = ?", []any{run}, func(rows *sql.Rows) error {
		var key, text string
		err := rows.Scan(&key, &text)
		if err != nil {
			return err
		}
		out[key], err = decodeValue(text)
		return err
	})
	return out, err
}

// Texts lists the texts of a run, by name.
func (s *Store) Texts(ctx context.Context, run string) ([]Text, error) {
	var out []Text
	err := s.each(ctx, "read texts", "SELECT name, sha256, size FROM run_text WHERE run = ? ORDER BY name", []any{run},
		func(rows *sql.Rows) error {
			var t Text
			err := rows.Scan(&t.Name, &t.SHA256, &t.Size)
			out = append(out, t)
			return err
		})
	return out, err
}

// Text returns a text of a run.
func (s *Store) Text(ctx context.Context, run, name string) ([]byte, error) {
	texts, err := s.Texts(ctx, run)
	if err != nil {
		return nil, err
	}
	for _, t := range texts {
		if t.Name == name {
			data, err := os.ReadFile(s.blobPath(t.SHA256))
			return data, explain("read "+name, s.blobPath(t.SHA256), err)
		}
	}
	return nil, script.Errorf(script.CodeNotFound, "run %s has no %s", run, name)
}

// Artifacts lists the files that a run left behind, by path. A file that only
// changed in the run's directory is left out where another run that ran at
// the same time is known to have written it.
func (s *Store) Artifacts(ctx context.Context, run string) ([]Artifact, error) {
	var out []Artifact
	err := s.each(ctx, "read artifacts", `SELECT path, size, sha256, kind, found FROM artifact a WHERE run = ? AND NOT (found = ?
		AND EXISTS (SELECT 1 FROM artifact b JOIN run r ON r.id = b.run JOIN run mine ON mine.id = a.run
		WHERE b.path = a.path AND b.found = 'opened' AND b.run <> a.run
		AND (mine.finished IS NULL OR r.started <= mine.finished) AND (r.finished IS NULL OR r.finished >= mine.started)))
		ORDER BY path`, []any{run, script.FoundDirectory}, func(rows *sql.Rows) error {
		var a Artifact
		err := rows.Scan(&a.Path, &a.Size, &a.SHA256, &a.Kind, &a.Found)
		out = append(out, a)
		return err
	})
	return out, err
}

// Beside lists the directories of the runs that ran at the same time as a run.
func (s *Store) Beside(ctx context.Context, run string) ([]string, error) {
	var out []string
	err := s.each(ctx, "read directories", `SELECT d.value FROM run mine JOIN run r ON r.id <> mine.id
		AND (mine.finished IS NULL OR r.started <= mine.finished) AND (r.finished IS NULL OR r.finished >= mine.started)
		JOIN run_record d ON d.run = r.id AND d.key = 'directory' WHERE mine.id = ?`, []any{run}, func(rows *sql.Rows) error {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		value, err := decodeValue(text)
		if dir, ok := value.Text(); ok {
			out = append(out, dir)
		}
		return err
	})
	return out, err
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func writeRecord(tx *tx, run string, b script.Recorded) error {
	for key, v := range b.Record {
		_, err := tx.exec(`INSERT INTO run_record (run, key, value) VALUES (?, ?, ?)
			ON CONFLICT (run, key) DO UPDATE SET value = excluded.value`, run, key, encodeValue(v))
		if err != nil {
			return err
		}
	}
	for name, text := range b.Texts {
		if len(text) > script.MaxText {
			continue // no plugin of ours sends one
		}
		_, err := tx.exec(`INSERT INTO run_text (run, name, sha256, size) VALUES (?, ?, ?, ?)
			ON CONFLICT (run, name) DO UPDATE SET sha256 = excluded.sha256, size = excluded.size`,
			run, name, sumOf([]byte(text)), len(text))
		if err != nil {
			return err
		}
	}
	return nil
}

func writeArtifact(tx *tx, e *script.Event, b script.ArtifactWritten) error {
	_, err := tx.exec(`INSERT INTO artifact (run, path, size, sha256, kind, found, time) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (run, path) DO UPDATE SET size = excluded.size, sha256 = excluded.sha256, kind = excluded.kind,
		found = excluded.found, time = excluded.time`,
		e.Run, b.Path, b.Size, b.SHA256, b.Kind, b.Found, nanos(e.Time))
	return err
}

// writeBlobs makes files of the texts of a batch, before the rows that name
// them are written.
func (s *Store) writeBlobs(b *batch) error {
	for i := range b.events {
		recorded, ok := b.events[i].Body.(script.Recorded)
		if !ok {
			continue
		}
		for _, text := range recorded.Texts {
			if len(text) > script.MaxText {
				continue
			}
			if err := s.writeBlob([]byte(text)); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeBlob makes a file of data, named by its sum, unless there is one.
func (s *Store) writeBlob(data []byte) error {
	path := s.blobPath(sumOf(data))
	if exists(path) {
		now := s.now()
		if os.Chtimes(path, now, now) == nil { // it is not to be removed before it is named
			return nil
		}
	}
	return explain("write file", path, writeSynced(path, data))
}

func (s *Store) blobPath(sum string) string { return filepath.Join(s.dir, "blobs", sum) }

// writeSynced writes a file that is there whole, or not at all.
func writeSynced(path string, data []byte) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil && exists(f.Name()) {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	folder, openErr := os.Open(dir)
	if openErr != nil {
		return nil // renamed it is; only a power cut could undo that
	}
	syncErr := folder.Sync()
	return errors.Join(syncErr, folder.Close())
}
