package host

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"

	v1 "github.com/mlhost/mlhost/host/api/v1"
)

const (
	// lookTime is how often files are looked at that are watched as well: a
	// watch sees neither what another machine does on a network file system nor
	// a link that is put in a directory's place.
	lookTime = 5 * time.Second
	// lookAgain is that of files that cannot be watched.
	lookAgain = time.Second
)

// fileState is by what a file is known to be another one, or to have changed.
type fileState struct {
	inode    uint64
	size     int64
	modified int64
	changed  int64
}

// eyes see that files of some directories have changed: by a watch, where
// there can be one, and by looking.
type eyes struct {
	watcher *fsnotify.Watcher // nil: there is none
	failed  error             // why, or why a directory is not watched
	watched map[string]uint64 // directories, and which they were
	seen    map[string]fileState
	looked  time.Time
}

// openEyes prepares to see. Without a watch there is only looking.
func openEyes() *eyes {
	e := &eyes{watched: map[string]uint64{}}
	e.watcher, e.failed = fsnotify.NewWatcher()
	return e
}

func (e *eyes) close() {
	if e.watcher != nil {
		_ = e.watcher.Close()
	}
}

// events and errors are those of the watch; nil where there is none.
func (e *eyes) events() <-chan fsnotify.Event {
	if e.watcher == nil {
		return nil
	}
	return e.watcher.Events
}

func (e *eyes) errors() <-chan error {
	if e.watcher == nil {
		return nil
	}
	return e.watcher.Errors
}

// follow watches these directories and no others, and those anew that are other
// ones by now though their names are the same. It reports whether there is one
// that was not watched.
func (e *eyes) follow(dirs []string) (more bool) {
	if e.watcher == nil {
		return false
	}
	e.failed = nil
	watching := e.watcher.WatchList() // one that was moved is not among them any more
	for dir := range e.watched {
		if !slices.Contains(dirs, dir) {
			_ = e.watcher.Remove(dir) // it may be gone
			delete(e.watched, dir)
		}
	}
	for _, dir := range dirs {
		now := uint64(0)
		if info, err := os.Stat(dir); err == nil {
			now = stateOf(info).inode
		}
		was, known := e.watched[dir]
		if known && was == now && slices.Contains(watching, dir) {
			continue
		}
		if known && slices.Contains(watching, dir) {
			_ = e.watcher.Remove(dir) // it may be gone
		}
		delete(e.watched, dir)
		if err := e.watcher.Add(dir); err != nil {
			e.failed = fmt.Errorf("watch %s: %w", dir, err)
			continue
		}
		e.watched[dir], more = now, true
	}
	return more
}

// due reports whether it is time to look.
func (e *eyes) due(now time.Time) bool {
	every := lookTime
	if e.failed != nil {
		every = lookAgain
	}
	return now.Sub(e.looked) >= every
}

// look returns the wanted files that are others than at the look before, or
// that are gone.
func (e *eyes) look(dirs []string, wanted func(dir, name string) bool) (changed []string) {
	now := map[string]fileState{}
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // it is gone, or cannot be read: so are its files
		}
		for _, entry := range entries {
			path := filepath.Join(dir, entry.Name())
			if !wanted(dir, entry.Name()) {
				continue
			}
			if info, err := os.Stat(path); err == nil {
				now[path] = stateOf(info)
			}
		}
	}
	for path, state := range now {
		if was, known := e.seen[path]; !known || was != state {
			changed = append(changed, path)
		}
	}
	for path := range e.seen {
		if _, there := now[path]; !there {
			changed = append(changed, path)
		}
	}
	e.seen, e.looked = now, time.Now()
	slices.Sort(changed)
	return changed
}

func stateOf(info os.FileInfo) fileState {
	s := fileState{size: info.Size(), modified: info.ModTime().UnixNano()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode, s.changed = st.Ino, changeTime(st)
	}
	return s
}

// blindness is what of the host's files is not watched, and why.
type blindness struct {
	mu  sync.Mutex
	why map[string]error // by what is looked at instead
}

// note remembers whether something is watched, and reports whether that it is
// not is new.
func (b *blindness) note(what string, err error) (fresh bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		delete(b.why, what)
		return false
	}
	if b.why == nil {
		b.why = map[string]error{}
	}
	_, known := b.why[what]
	b.why[what] = err
	return !known
}

// noteEyes tells, once, that files are looked at because they cannot be watched.
func (h *Host) noteEyes(what string, err error) {
	if h.blind.note(what, err) {
		h.logger.Warn(what+" cannot be watched, and is looked at each second", "error", err)
	}
}

// watches is the doctor's check of what is not watched.
func (h *Host) watches() v1.Check {
	const name = "watched files"
	h.blind.note("programs of scripts", h.supervisor.Unwatched())
	h.blind.mu.Lock()
	defer h.blind.mu.Unlock()
	if len(h.blind.why) == 0 {
		return check(name, v1.CheckOK, "changes are told by the system", "")
	}
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(h.blind.why)) {
		parts = append(parts, fmt.Sprintf("%s: %v", what, h.blind.why[what]))
	}
	return check(name, v1.CheckWarn, "they are looked at each second, as they cannot be watched: "+strings.Join(parts, "; "),
		"raise the limits, `sysctl fs.inotify.max_user_instances=1024 fs.inotify.max_user_watches=524288`, and start the host again")
}
