package host

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Scratch is a file or directory in the making. It is locked, and the kernel
// gives the lock up when the process ends, however it ends: what others have
// left half made is known by that, and removed.
type Scratch struct {
	Path string
	held *os.File
}

// NewScratchDir makes a directory in dir, and removes those with the same
// prefix that no process works on any more.
func NewScratchDir(dir, prefix string) (*Scratch, error) {
	return newScratch(dir, prefix, func() (*os.File, error) {
		path, err := os.MkdirTemp(dir, prefix)
		if err != nil {
			return nil, err
		}
		return os.Open(path)
	})
}

// NewScratchFile is NewScratchDir for a file, which is open for writing.
func NewScratchFile(dir, prefix string) (*Scratch, error) {
	return newScratch(dir, prefix, func() (*os.File, error) { return os.CreateTemp(dir, prefix+"*") })
}

func newScratch(dir, prefix string, create func() (*os.File, error)) (*Scratch, error) {
	_ = SweepScratch(dir, prefix) // what cannot be removed is in nobody's way
	for {
		f, err := create()
		if err != nil {
			return nil, err
		}
		// Another process may sweep between making and locking it.
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) || !sameFile(f) {
			_ = f.Close()
			continue
		}
		return &Scratch{Path: f.Name(), held: f}, nil
	}
}

// File returns the file that NewScratchFile has made.
func (s *Scratch) File() *os.File { return s.held }

// Close gives it up: it is removed, unless it was renamed.
func (s *Scratch) Close() error {
	var err error
	if sameFile(s.held) {
		err = os.RemoveAll(s.Path)
	}
	return errors.Join(err, s.held.Close())
}

// SweepScratch removes what processes that have ended have left half made.
func SweepScratch(dir, prefix string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), prefix) || e.Type()&^os.ModeDir != 0 {
			continue
		}
		f, err := os.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			continue // it has gone, or is somebody else's
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil && sameFile(f) {
			errs = append(errs, os.RemoveAll(f.Name()))
		}
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// sameFile reports whether the file is still at its path.
func sameFile(f *os.File) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(f.Name())
	return err == nil && os.SameFile(mine, there)
}
