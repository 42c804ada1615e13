package supervisor

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	settleTime = 200 * time.Millisecond // without a change, before a program counts as saved
	wholeTime  = 5 * time.Second        // for a program to become whole after that
	pollTime   = 5 * time.Second        // between two looks at what is watched as well
)

// programs watches the programs of all scripts: the binaries of plugins, and
// sources. The directories are watched, as a build mostly puts a new file in
// the old one's place; in between the files are looked at, which finds what
// the watch cannot see.
type programs struct {
	s       *Supervisor
	watcher *fsnotify.Watcher // nil: there is none
	failed  error             // why
	dirs    map[string]bool   // watched; false: in vain
	files   map[string]*programFile
	units   int       // when it was last refreshed
	fresh   time.Time // when that was

	mu     sync.Mutex
	wanted map[string]bool // the files; much else may happen in their directories
	names  map[string]bool // those that something happened to
	poke   chan struct{}   // holds one: there are names
	checks sync.WaitGroup
}

// programFile is the program of one script.
type programFile struct {
	unit   *unit
	path   string
	real   string    // behind links
	seen   fileKey   // at the last look
	told   fileKey   // what was acted on
	due    time.Time // of the next look; zero: when something happens
	since  time.Time // when it was first found not to be whole
	looked time.Time
	busy   chan struct{} // holds one: it is being acted on
}

// watchPrograms looks after changed programs until ctx ends.
func (s *Supervisor) watchPrograms(ctx context.Context) {
	w := &programs{s: s, dirs: map[string]bool{}, files: map[string]*programFile{}, names: map[string]bool{}, poke: make(chan struct{}, 1)}
	defer w.checks.Wait()
	if w.watcher, w.failed = fsnotify.NewWatcher(); w.failed != nil {
		w.watcher = nil
		s.noteUnwatched(w.failed)
	} else {
		pumped := make(chan struct{})
		go func() { w.pump(); close(pumped) }()
		defer func() { _ = w.watcher.Close(); <-pumped }()
	}
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	w.refresh()
	for {
		var due <-chan time.Time
		if at := w.nextDue(); !at.IsZero() {
			due = time.After(time.Until(at))
		}
		select {
		case <-w.poke:
			w.heed()
		case <-tick.C:
			if w.s.count() != w.units || time.Since(w.fresh) >= pollTime {
				w.refresh()
			}
			w.poll()
		case <-due:
		case <-ctx.Done():
			return
		}
		w.look(ctx)
	}
}

// pump takes what the watcher says; it must never wait for one who adds to it.
func (w *programs) pump() {
	for {
		select {
		case e, ok := <-w.watcher.Events:
			if !ok {
				return
			}
			w.mu.Lock()
			ours := w.wanted[e.Name]
			if ours {
				w.names[e.Name] = true
			}
			w.mu.Unlock()
			if ours {
				poke(w.poke)
			}
		case err, ok := <-w.watcher.Errors:
			if !ok {
				return
			}
			w.s.logger.Warn("watch programs", "error", err) // the polls find what was lost
		}
	}
}

// heed has a look taken at the programs that something happened to, once
// nothing has for a while.
func (w *programs) heed() {
	w.mu.Lock()
	names := w.names
	w.names = map[string]bool{}
	w.mu.Unlock()
	for _, f := range w.files {
		if names[f.path] || names[f.real] {
			f.due = time.Now().Add(settleTime)
		}
	}
}

// refresh takes up the scripts as they are configured now.
func (w *programs) refresh() {
	w.s.mu.Lock()
	now := maps.Clone(w.s.units)
	w.s.mu.Unlock()
	w.units, w.fresh = len(now), time.Now()
	needed, reals := map[string]bool{}, map[string]string{}
	for name, u := range now {
		path := programPath(u.config())
		f := w.files[name]
		if path == "" {
			delete(w.files, name)
			continue
		}
		if f == nil || f.path != path || f.unit != u {
			f = &programFile{unit: u, path: path, busy: make(chan struct{}, 1)}
			w.files[name] = f
		}
		real, known := reals[path] // many scripts may have one program
		if !known {
			real, _ = filepath.EvalSymlinks(path) // "": it is gone, for now
			reals[path] = real
		}
		if real != "" {
			f.real = real
		}
		needed[filepath.Dir(path)] = true
		if f.real != "" {
			needed[filepath.Dir(f.real)] = true
		}
	}
	for name, f := range w.files {
		if now[name] != f.unit {
			delete(w.files, name)
		}
	}
	wanted := make(map[string]bool, 2*len(w.files))
	for _, f := range w.files {
		wanted[f.path], wanted[f.real] = true, true
	}
	w.mu.Lock()
	w.wanted = wanted
	w.mu.Unlock()
	w.follow(needed)
}

// follow watches the directories that are needed, and no others.
func (w *programs) follow(needed map[string]bool) {
	for dir := range w.dirs {
		if !needed[dir] {
			if w.dirs[dir] {
				_ = w.watcher.Remove(dir) // it may be gone itself
			}
			delete(w.dirs, dir)
		}
	}
	for dir := range needed {
		if w.dirs[dir] {
			continue
		}
		_, tried := w.dirs[dir]
		err := w.failed
		if w.watcher != nil {
			err = w.watcher.Add(dir)
		}
		w.dirs[dir] = err == nil
		if err == nil || tried {
			continue
		}
		if w.failed != nil || errors.Is(err, syscall.ENOSPC) { // it concerns all of them
			w.s.noteUnwatched(err)
			continue
		}
		for _, f := range w.files {
			if filepath.Dir(f.path) == dir {
				w.s.tell(w.s.event(f.unit.name, "", watchLost(f.path, err)))
			}
		}
	}
}

// poll looks whether a file has changed without a word.
func (w *programs) poll() {
	now := time.Now()
	keys := map[string]fileKey{} // many scripts may have one program
	for _, f := range w.files {
		every := pollTime
		if !w.dirs[filepath.Dir(f.path)] {
			every = lookAgain
		}
		if !f.due.IsZero() || now.Sub(f.looked) < every {
			continue
		}
		f.looked = now
		key, known := keys[f.path]
		if !known {
			key, _ = statKey(f.path) // a zero key: it is gone
			keys[f.path] = key
		}
		if key != (fileKey{}) && key != f.told {
			f.seen = key
			f.due = now.Add(settleTime)
		}
	}
}

func (w *programs) nextDue() time.Time {
	var next time.Time
	for _, f := range w.files {
		if !f.due.IsZero() && (next.IsZero() || f.due.Before(next)) {
			next = f.due
		}
	}
	return next
}

// look acts on the programs that have changed and are whole.
func (w *programs) look(ctx context.Context) {
	now := time.Now()
	for _, f := range w.files {
		if f.due.IsZero() || f.due.After(now) {
			continue
		}
		f.due = time.Time{}
		if f.settled(now) {
			w.act(ctx, f)
		}
	}
}

// settled reports whether the program has stayed the same since the last look
// and is whole. Otherwise another look is due, unless it is gone.
func (f *programFile) settled(now time.Time) bool {
	key, err := statKey(f.path)
	if err != nil {
		f.seen, f.since = fileKey{}, time.Time{}
		return false // the next event, or a poll, finds it
	}
	again := now.Add(settleTime)
	if key != f.seen {
		f.seen, f.since, f.due = key, time.Time{}, again
		return false
	}
	if key == f.told {
		return false
	}
	if why := unfinished(f.unit.config(), f.path); why != "" {
		if f.since.IsZero() {
			f.since = now
		}
		if now.Sub(f.since) < wholeTime || beingWritten(f.path) {
			f.due = again
			return false
		}
	}
	f.since = time.Time{}
	return true
}

// act lets the script take up its new program, unless it does that just now:
// then it is looked at again.
func (w *programs) act(ctx context.Context, f *programFile) {
	select {
	case f.busy <- struct{}{}:
	default:
		f.due = time.Now().Add(settleTime)
		return
	}
	f.told = f.seen
	w.checks.Go(func() {
		defer func() { <-f.busy }()
		f.unit.programChanged(ctx)
	})
}

// noteUnwatched remembers, and tells once, that programs cannot be watched.
func (s *Supervisor) noteUnwatched(err error) {
	s.mu.Lock()
	known := s.unwatched != nil
	s.unwatched = err
	s.mu.Unlock()
	if !known {
		s.logger.Warn("programs of scripts cannot be watched, and are looked at each second", "error", err)
	}
}

// Unwatched tells why programs are looked at each second, though they should be
// watched; nil where they are.
func (s *Supervisor) Unwatched() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unwatched
}

func statKey(path string) (fileKey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return fileKey{}, err
	}
	return keyOf(path, info), nil
}
