package host

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

// reader reads scripts one after the other, so that the parameters of those
// that do not run are known too. A script that starts does not wait for it.
type reader struct {
	discover func(context.Context, *config.Script) (script.Catalogue, error)
	tell     func(*config.Script, *script.Catalogue)
	logger   *slog.Logger
	wake     chan struct{}

	mu      sync.Mutex // guards all below
	queue   []*config.Script
	pending map[string]chan struct{} // by script; closed when it has been read
}

func newReader(discover func(context.Context, *config.Script) (script.Catalogue, error), tell func(*config.Script, *script.Catalogue), logger *slog.Logger) *reader {
	return &reader{discover: discover, tell: tell, logger: logger, wake: make(chan struct{}, 1), pending: map[string]chan struct{}{}}
}

// add queues the scripts among these that are read. Those that start by
// themselves come last: they are read then, and what was found is kept.
func (r *reader) add(scripts []*config.Script) {
	if r.discover == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, autostart := range []bool{false, true} {
		for _, s := range scripts {
			if s.IsRead() && s.Autostart == autostart && r.pending[s.Name] == nil {
				r.queue = append(r.queue, s)
				r.pending[s.Name] = make(chan struct{})
			}
		}
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run reads what is queued until ctx ends.
func (r *reader) run(ctx context.Context) {
	defer r.leave()
	for {
		s := r.next()
		if s == nil {
			select {
			case <-r.wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		found, err := r.discover(ctx, s)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			r.logger.Warn("read script", "script", s.Name, "error", err)
		default:
			r.tell(s, &found)
		}
		r.done(s.Name)
	}
}

func (r *reader) next() *config.Script {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) == 0 {
		return nil
	}
	s := r.queue[0]
	r.queue = slices.Delete(r.queue, 0, 1)
	return s
}

func (r *reader) done(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.pending[name])
	delete(r.pending, name)
}

// leave lets nobody wait for what is not going to be read.
func (r *reader) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, ch := range r.pending {
		close(ch)
		delete(r.pending, name)
	}
	r.queue = nil
}

// unread is closed when the script has been read; nil where it does not wait
// to be.
func (r *reader) unread(name string) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pending[name]
}

// await returns when nothing waits to be read, or when ctx ends.
func (r *reader) await(ctx context.Context) {
	r.mu.Lock()
	waiting := slices.Collect(maps.Values(r.pending))
	r.mu.Unlock()
	for _, ch := range waiting {
		select {
		case <-ch:
		case <-ctx.Done():
			return
		}
	}
}
