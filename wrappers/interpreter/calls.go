package interpreter

import (
	"context"
	"strconv"
	"sync"

	"github.com/mlhost/mlhost/shared/script"
)

// calls matches the answers of a script with what was asked of it.
type calls struct {
	mu      sync.Mutex // guards all below
	last    int
	pending map[string]func(answer any) // gets a doneLine or a replyLine, once
	closed  bool
	gone    chan struct{} // closed when no answer can come any more
}

func newCalls() *calls {
	return &calls{pending: map[string]func(any){}, gone: make(chan struct{})}
}

// add waits for an answer under the wished id, or under a new one where that
// is "" or in use.
func (c *calls) add(id string, got func(any)) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, used := c.pending[id]; id == "" || used {
		c.last++
		id = "w" + strconv.Itoa(c.last)
	}
	c.pending[id] = got
	return id
}

// take ends the wait for id and returns who waited, nil for nobody.
func (c *calls) take(id string) func(any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	got := c.pending[id]
	delete(c.pending, id)
	return got
}

// replace lets somebody else have the answer, unless it has come already.
func (c *calls) replace(id string, got func(any)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, waits := c.pending[id]; waits && got != nil {
		c.pending[id] = got
		return
	}
	delete(c.pending, id)
}

// close tells everybody that no answer will come.
func (c *calls) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		close(c.gone)
	}
}

// ask sends a line made for an id and waits for its answer. seen gets the
// answer before the script's next line is looked at; late gets one that comes
// after ctx has ended. Both may be nil.
func (c *calls) ask(ctx context.Context, to *conn, wish string, line func(id string) any, seen, late func(any)) (any, error) {
	answer := make(chan any, 1)
	id := c.add(wish, func(a any) {
		if seen != nil {
			seen(a)
		}
		answer <- a
	})
	if err := to.send(line(id)); err != nil {
		c.take(id)
		return nil, err
	}
	select {
	case a := <-answer:
		return a, nil
	case <-c.gone:
		select {
		case a := <-answer: // it came at the last moment
			return a, nil
		default:
		}
		return nil, script.Errorf(script.CodeUnavailable, "the script ended, or closed its end of the line protocol, before it answered")
	case <-ctx.Done():
		c.replace(id, late)
		return nil, script.Errorf(script.CodeDeadline, "the script did not answer in time; what became of the request is unknown")
	}
}
