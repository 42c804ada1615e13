package host

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/mlhost/mlhost/host/store"
	"github.com/mlhost/mlhost/shared/script"
)

// RestoreOptions tell where a backup goes.
type RestoreOptions struct {
	StateDir string
	Host     string // "": the one that the backup is of
	Replace  bool   // what is there is set aside
}

// Restored tells what a restore did.
type Restored struct {
	Manifest Manifest
	Dir      string
	Aside    string // where what was there before lies now; "": nothing was
}

// Restore makes a host's directory of a backup. Nothing is changed unless the
// whole backup is sound.
func Restore(ctx context.Context, r io.Reader, o RestoreOptions) (done Restored, err error) {
	if err := os.MkdirAll(o.StateDir, 0o700); err != nil {
		return done, StateError(o.StateDir, err)
	}
	work, err := NewScratchDir(o.StateDir, ".restore-")
	if err != nil {
		return done, StateError(o.StateDir, err)
	}
	defer func() { err = errors.Join(err, work.Close()) }()
	fresh := filepath.Join(work.Path, "host")
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return done, StateError(work.Path, err)
	}
	if done.Manifest, err = unpack(ctx, r, func(file io.Reader, header *tar.Header) (string, error) { return unpackFile(file, header, fresh) }); err != nil {
		return done, err
	}
	if err := checkDatabases(ctx, fresh); err != nil {
		return done, err
	}
	name := o.Host
	if name == "" {
		name = done.Manifest.Host
	}
	if name == "" || filepath.Base(name) != name || name[0] == '.' {
		return done, script.Errorf(script.CodeUsage, "%q cannot be the name of a host", name).WithHint("choose another one with --host NAME")
	}
	done.Dir = Dir(o.StateDir, name)
	if done.Aside, err = makeRoom(done.Dir, o.Replace); err != nil {
		return done, err
	}
	// The lock's file is what a host's directory is known by.
	if err := os.WriteFile(filepath.Join(fresh, lockName), nil, 0o600); err != nil {
		return done, StateError(work.Path, err)
	}
	if err := os.Rename(fresh, done.Dir); err != nil {
		return done, StateError(done.Dir, err)
	}
	return done, nil
}

// makeRoom sets aside what is at the place of a restored host.
func makeRoom(dir string, replace bool) (aside string, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", StateError(dir, err)
	}
	if pid, err := LockHolder(dir); err != nil {
		return "", err
	} else if pid != 0 {
		return "", script.Errorf(script.CodeHostRunning, "the host %s is running (pid %d)", filepath.Base(dir), pid).WithHint("`mlhost down` ends it")
	}
	if len(entries) == 0 {
		return "", os.Remove(dir)
	}
	if !replace {
		return "", script.Errorf(script.CodeConflict, "there is a host's state in %s", dir).
			WithHint("--replace sets it aside, --host NAME restores under another name")
	}
	aside = filepath.Join(filepath.Dir(dir), fmt.Sprintf(".%s-before-%s", filepath.Base(dir), time.Now().UTC().Format("20060102T150405.000")))
	if err := os.Rename(dir, aside); err != nil {
		return "", StateError(dir, err)
	}
	return aside, nil
}

// ReadManifest reads a backup to its end and returns its manifest, which it is
// checked against.
func ReadManifest(ctx context.Context, r io.Reader) (Manifest, error) {
	m, err := unpack(ctx, r, func(file io.Reader, _ *tar.Header) (string, error) {
		sum := sha256.New()
		if _, err := io.Copy(sum, file); err != nil {
			return "", damagedBackup(err)
		}
		return hex.EncodeToString(sum.Sum(nil)), nil
	})
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	return m, err
}

// unpack lets take have the files of a backup, and checks the sums that it
// returns against the manifest.
func unpack(ctx context.Context, r io.Reader, take func(io.Reader, *tar.Header) (string, error)) (m Manifest, err error) {
	packed, err := gzip.NewReader(r)
	if err != nil {
		return m, script.Errorf(script.CodeUsage, "this is no backup of mlhost: %v", err)
	}
	archive := tar.NewReader(packed)
	sums := map[string]string{}
	for m.Format == 0 {
		if err := ctx.Err(); err != nil {
			return m, err
		}
		header, err := archive.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return m, script.Errorf(script.CodeUsage, "the backup is cut off: it has no manifest").WithHint("nothing was changed; use another backup")
		}
		if err != nil {
			return m, damagedBackup(err)
		}
		if header.Name == manifestName {
			if err := json.NewDecoder(io.LimitReader(archive, 1<<30)).Decode(&m); err != nil {
				return m, damagedBackup(err)
			}
			break
		}
		if sums[header.Name], err = take(archive, header); err != nil {
			return m, err
		}
	}
	if m.Format > backupVersion || m.Format < 1 {
		return m, script.Errorf(script.CodeConflict, "the backup has format %d, and this mlhost knows %d", m.Format, backupVersion).
			WithHint("it was made by mlhost %s: use that or a newer one", m.Version)
	}
	if !maps.Equal(sums, m.Files) {
		return m, damagedBackup(fmt.Errorf("%s differs from what the manifest says", firstDifference(sums, m.Files)))
	}
	return m, nil
}

func damagedBackup(err error) error {
	return script.Errorf(script.CodeUsage, "the backup is damaged: %v", err).WithHint("nothing was changed; use another backup")
}

func firstDifference(a, b map[string]string) string {
	var names []string
	for name := range a {
		if a[name] != b[name] {
			names = append(names, name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	return slices.Min(names)
}

func unpackFile(r io.Reader, header *tar.Header, dir string) (string, error) {
	name := filepath.FromSlash(header.Name)
	if header.Typeflag != tar.TypeReg || !filepath.IsLocal(name) {
		return "", damagedBackup(fmt.Errorf("it holds %q, which does not belong there", header.Name))
	}
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", StateError(dir, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", StateError(dir, err)
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, sum), r)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return "", damagedBackup(err)
	}
	if err := os.Chtimes(path, header.ModTime, header.ModTime); err != nil {
		return "", StateError(dir, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func checkDatabases(ctx context.Context, dir string) error {
	names, err := store.Databases(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := store.Check(ctx, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}
