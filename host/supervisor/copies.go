package supervisor

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sync"
)

// use notes that a program's build is about to be executed.
func (b *binaries) use(path, sum string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last == nil {
		b.last = map[string]string{}
	}
	b.last[path] = sum
}

// copyName is how copies of plugins are named, and the descriptions that are
// kept of them.
var copyName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([0-9a-f]{64})(-[0-9a-f]{8}\.json)?$`) })

// DropCopies removes the copies of programs that no process executes and that
// no script is configured with, and what is kept of them. Call it when Swept is
// closed. It returns how many copies there were, and how large they were.
func (s *Supervisor) DropCopies() (n int, bytes int64, err error) {
	b := &s.binaries
	if b.dir == "" {
		return 0, 0, nil
	}
	entries, err := os.ReadDir(b.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	used := s.usedSums()
	var errs []error
	for _, e := range entries {
		m := copyName().FindStringSubmatch(e.Name())
		if m == nil || used[m[1]] {
			continue
		}
		info, err := e.Info()
		if err == nil {
			err = os.Remove(filepath.Join(b.dir, e.Name()))
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			errs = append(errs, err)
		case m[2] == "":
			n++
			bytes += info.Size()
		}
	}
	return n, bytes, errors.Join(errs...)
}

// dropUnfinished removes what is left of copies that a host was killed at. No
// script starts yet.
func (b *binaries) dropUnfinished() error {
	if b.dir == "" {
		return nil
	}
	left, err := filepath.Glob(filepath.Join(b.dir, ".*-*"))
	errs := []error{err}
	for _, path := range left {
		errs = append(errs, os.Remove(path))
	}
	return errors.Join(errs...)
}

// usedSums are the builds that are executed, or are what is configured.
func (s *Supervisor) usedSums() map[string]bool {
	b := &s.binaries
	used := map[string]bool{}
	paths := []string{s.options.Executable}
	s.mu.Lock()
	for _, u := range s.units {
		paths = append(paths, u.config().Plugin)
		if u.process != nil {
			used[u.process.program.sum], used[u.process.instance.SHA256] = true, true
		}
	}
	s.mu.Unlock()
	sums := b.sumFile()
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil {
			used[sums.get(keyOf(path, info))] = true
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, sum := range b.last {
		used[sum] = true
	}
	return used
}
