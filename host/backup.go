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
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mlhost/mlhost/host/api"
	"github.com/mlhost/mlhost/host/store"
	"github.com/mlhost/mlhost/shared/script"
)

// A backup is a gzipped tar archive of a host's directory. Its last entry is
// the manifest, so an archive that was cut off is known as such.
const (
	manifestName  = "manifest.json"
	backupVersion = 1
	copiesPrefix  = ".backup-" // of the databases, while a backup is made
)

// Manifest tells what a backup holds.
type Manifest struct {
	Format  int               `json:"format"`
	Host    string            `json:"host"`
	Created time.Time         `json:"created"`
	Version string            `json:"version"` // of the mlhost that made it
	Files   map[string]string `json:"files"`   // SHA-256 sums by path
	Bytes   int64             `json:"bytes"`   // of all files, not compressed
}

// leftOut are parts of a host's directory that no other place can use: what is
// made again where it is missing, what belongs to living processes, and what
// lets its holder in.
var leftOut = map[string]bool{"plugins": true, "python": true, "host.lock": true, "api.sock": true,
	api.TokenFile: true, TokenFile: true, ListenFile: true}

// Backup writes a backup of the host in dir to w, whether it runs or not. Each
// database is copied as it is at one moment.
func Backup(ctx context.Context, dir, version string, w io.Writer) (m Manifest, err error) {
	m = Manifest{Format: backupVersion, Host: filepath.Base(dir), Created: time.Now().UTC(), Version: version, Files: map[string]string{}}
	copies, err := NewScratchDir(dir, copiesPrefix)
	if err != nil {
		return m, script.Errorf(script.CodeIO, "make backup: %v", err)
	}
	defer func() { err = errors.Join(err, copies.Close()) }()
	packed := gzip.NewWriter(w)
	b := &backup{manifest: &m, tar: tar.NewWriter(packed)}
	if err := b.databases(ctx, dir, copies.Path); err != nil {
		return m, err
	}
	if err := b.files(ctx, dir); err != nil {
		return m, err
	}
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return m, fmt.Errorf("make backup: %w", err)
	}
	header := tar.Header{Name: manifestName, Mode: 0o600, Size: int64(len(text)), ModTime: m.Created, Typeflag: tar.TypeReg}
	if err := b.tar.WriteHeader(&header); err != nil {
		return m, backupError(err)
	}
	if _, err := b.tar.Write(text); err != nil {
		return m, backupError(err)
	}
	return m, backupError(errors.Join(b.tar.Close(), packed.Close()))
}

func backupError(err error) error {
	if err == nil {
		return nil
	}
	return script.Errorf(script.CodeIO, "write backup: %v", err)
}

type backup struct {
	manifest *Manifest
	tar      *tar.Writer
}

// databases adds copies of the databases.
func (b *backup) databases(ctx context.Context, dir, copies string) error {
	names, err := store.Databases(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		copied := filepath.Join(copies, name)
		if err := store.Snapshot(ctx, filepath.Join(dir, name), copied); err != nil {
			return err
		}
		if err := b.add(copied, name); err != nil {
			return err
		}
		if err := os.Remove(copied); err != nil {
			return backupError(err)
		}
	}
	return nil
}

// files adds everything else.
func (b *backup) files(ctx context.Context, dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		name, relErr := filepath.Rel(dir, path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // it has gone meanwhile
		case err != nil || relErr != nil:
			return backupError(errors.Join(err, relErr))
		case name == ".":
			return nil
		case leftOut[name] || strings.HasPrefix(name, "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !d.Type().IsRegular() || d.Name() == "instance.json" || isDatabase(name):
			return nil
		}
		return b.add(path, name)
	})
}

// isDatabase reports whether the file belongs to a database.
func isDatabase(name string) bool {
	base := filepath.Base(name)
	dir := filepath.Dir(name)
	return (dir == "." || dir == "samples") && strings.Contains(base, ".db")
}

// add adds a file as long as it is now: what is appended meanwhile is left out.
func (b *backup) add(path, name string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return backupError(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return backupError(err)
	}
	header := tar.Header{Name: filepath.ToSlash(name), Mode: 0o600, Size: info.Size(), ModTime: info.ModTime(), Typeflag: tar.TypeReg}
	if err := b.tar.WriteHeader(&header); err != nil {
		return backupError(err)
	}
	sum := sha256.New()
	n, err := io.CopyN(io.MultiWriter(b.tar, sum), f, info.Size())
	if errors.Is(err, io.EOF) { // it was cut short meanwhile: a log that was rotated
		_, err = io.CopyN(io.MultiWriter(b.tar, sum), zeros{}, info.Size()-n)
	}
	if err != nil {
		return backupError(err)
	}
	b.manifest.Files[header.Name] = hex.EncodeToString(sum.Sum(nil))
	b.manifest.Bytes += info.Size()
	return nil
}

// zeros is a reader of nothing but zeros.
type zeros struct{}

// Read implements io.Reader.
func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
