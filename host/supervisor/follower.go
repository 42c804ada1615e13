package supervisor

import (
	"log/slog"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// lookAgain is how often a file is looked at whose changes cannot be watched.
const lookAgain = time.Second

// follower tells when files have grown. One watch serves all scripts: the
// kernel gives a user few.
type follower struct {
	watcher *fsnotify.Watcher
	quit    chan struct{} // closed to end serve
	ended   chan struct{} // closed when it has

	mu    sync.Mutex
	wakes map[string]chan struct{}
	polls map[string]bool // files that cannot be watched
}

// open starts the watch. Without one the files are polled.
func (f *follower) open(logger *slog.Logger) {
	f.quit, f.ended = make(chan struct{}), make(chan struct{})
	f.wakes, f.polls = map[string]chan struct{}{}, map[string]bool{}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		logger.Warn("output files are polled, because they cannot be watched", "error", err)
		w = nil
	}
	f.watcher = w
	go f.serve(logger)
}

func (f *follower) serve(logger *slog.Logger) {
	defer close(f.ended)
	ticker := time.NewTicker(lookAgain)
	defer ticker.Stop()
	var events chan fsnotify.Event
	var errs chan error
	if f.watcher != nil {
		events, errs = f.watcher.Events, f.watcher.Errors
	}
	for {
		select {
		case e := <-events:
			f.wake(e.Name)
		case err := <-errs:
			logger.Warn("watch output files", "error", err)
			f.wakeAll(false)
		case <-ticker.C:
			f.wakeAll(true)
		case <-f.quit:
			return
		}
	}
}

func (f *follower) wake(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	poke(f.wakes[path])
}

// wakeAll wakes everybody, or only those whose files are polled.
func (f *follower) wakeAll(polled bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for path, wake := range f.wakes {
		if !polled || f.polls[path] {
			poke(wake)
		}
	}
}

func poke(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default: // also where there is none
	}
}

// follow returns a channel that gets something when one of the files has
// grown, and a function that ends this.
func (f *follower) follow(paths []string) (<-chan struct{}, func()) {
	wake := make(chan struct{}, 1)
	for _, path := range paths {
		f.mu.Lock()
		f.wakes[path] = wake
		f.mu.Unlock()
		// Not under mu: the watcher may wait for serve to take an event.
		if f.watcher == nil || f.watcher.Add(path) != nil {
			f.mu.Lock()
			f.polls[path] = true
			f.mu.Unlock()
		}
	}
	return wake, func() {
		for _, path := range paths {
			if f.watcher != nil {
				_ = f.watcher.Remove(path) // it may be gone with its directory
			}
			f.mu.Lock()
			delete(f.wakes, path)
			delete(f.polls, path)
			f.mu.Unlock()
		}
	}
}

func (f *follower) close() {
	close(f.quit)
	<-f.ended
	if f.watcher != nil {
		_ = f.watcher.Close()
	}
}
