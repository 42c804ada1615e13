package sdk

import (
	"context"
	"sync"

	"github.com/mlhost/mlhost/shared/script"
)

// remembered is how many batches are known by their ids.
const remembered = 256

// batches remembers the replies to the newest batches, so that one that comes
// again is not applied again.
type batches struct {
	mu    sync.Mutex
	known map[string]*batchResult
	order []string
}

type batchResult struct {
	done  chan struct{}
	reply script.BatchReply
	err   error
}

// once calls apply for a batch id that is new among its kind; otherwise it
// returns what came of the first time. A batch without an id is always new. An error is not
// remembered: nothing was changed, and the next try may go better.
func (b *batches) once(ctx context.Context, kind, id string, apply func() (script.BatchReply, error)) (script.BatchReply, error) {
	if id == "" {
		return apply()
	}
	id = kind + " " + id
	b.mu.Lock()
	if r, ok := b.known[id]; ok {
		b.mu.Unlock()
		select {
		case <-r.done:
			return r.reply, r.err
		case <-ctx.Done():
			return script.BatchReply{}, ctx.Err()
		}
	}
	r := &batchResult{done: make(chan struct{})}
	b.remember(id, r)
	b.mu.Unlock()

	r.err = script.Errorf(script.CodeInternal, "the change panicked")
	defer func() {
		if r.err != nil {
			b.mu.Lock()
			delete(b.known, id)
			b.mu.Unlock()
		}
		close(r.done)
	}()
	r.reply, r.err = apply()
	return r.reply, r.err
}

func (b *batches) remember(id string, r *batchResult) {
	if b.known == nil {
		b.known = map[string]*batchResult{}
	}
	b.known[id] = r
	b.order = append(b.order, id)
	if len(b.order) > remembered {
		delete(b.known, b.order[0])
		b.order = b.order[1:]
	}
}
