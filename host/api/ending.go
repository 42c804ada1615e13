package api

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// How long a server that ends waits.
const (
	stopGrace  = 5 * time.Second        // for requests that are under way
	workGrace  = 2 * time.Second        // after which they are told to come to an end; event streams are at once
	firstGrace = 2 * time.Second        // for the first request of a connection
	restGrace  = 250 * time.Millisecond // for the next request of one at rest, where another host takes over
)

// graces are firstGrace and restGrace, which tests override.
type graces struct{ first, rest time.Duration }

// ending brings the connections of a server to their end. It closes those that
// are at rest, and the others as soon as they have been answered.
//
// http.Server.Shutdown comes after it: from that on the server drops, without
// an answer, what it has read.
type ending struct {
	begun chan struct{} // closed: the server ends

	mu    sync.Mutex
	conns map[net.Conn]stay
	moved chan struct{} // size 1: conns are others than before
}

// stay is in which state a connection is, and since when.
type stay struct {
	state http.ConnState
	since time.Time
}

func newEnding() *ending {
	return &ending{begun: make(chan struct{}), conns: map[net.Conn]stay{}, moved: make(chan struct{}, 1)}
}

// state is told what becomes of connections, as http.Server.ConnState.
func (e *ending) state(conn net.Conn, state http.ConnState) {
	e.mu.Lock()
	if state == http.StateClosed || state == http.StateHijacked {
		delete(e.conns, conn)
	} else {
		e.conns[conn] = stay{state, time.Now()}
	}
	e.mu.Unlock()
	select {
	case e.moved <- struct{}{}:
	default:
	}
}

// handler tells those that h answers while the server ends to connect anew for
// their next request.
func (e *ending) handler(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-e.begun:
			w.Header().Set("Connection", "close")
		default:
		}
		h.ServeHTTP(w, r)
	})
}

// wait returns when no connection is left, or when ctx ends. The server has
// accepted its last one. It is called once.
func (e *ending) wait(ctx context.Context, g graces) {
	close(e.begun)
	begun := time.Now()
	for {
		left, next := e.closeRested(begun, g)
		if left == 0 {
			return
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
		case <-e.moved:
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// closeRested closes the connections that have been waited for long enough. It
// returns how many there still are, and when to look again.
func (e *ending) closeRested(begun time.Time, g graces) (left int, next time.Duration) {
	next = stopGrace
	e.mu.Lock()
	defer e.mu.Unlock()
	for conn, s := range e.conns {
		grace := g.rest
		switch s.state {
		case http.StateNew:
			grace = g.first
		case http.StateIdle:
		default:
			continue // it closes when it has been answered
		}
		if begun.After(s.since) {
			s.since = begun
		}
		wait := time.Until(s.since.Add(grace))
		if wait <= 0 {
			_ = conn.Close()
			delete(e.conns, conn)
			continue
		}
		next = min(next, wait)
	}
	return len(e.conns), next
}
