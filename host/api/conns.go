package api

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// maxConns bounds the open HTTP connections of a listener.
const maxConns = 1024

// conns bounds how many connections a server has: for a new one that of those
// at rest goes which has been so for longest, and where none is at rest the
// new one. It also sees which connections say what no handler gets to see,
// because it is no request that net/http understands.
type conns struct {
	most    int
	refused func(from net.Addr) // there are too many
	unread  func(from net.Addr) // it has said something that is no request

	mu      sync.Mutex // guards what follows
	rest    map[net.Conn]time.Time
	all     map[net.Conn]bool
	unheard map[net.Conn]bool // what they said last has not reached a handler
}

func newConns(most int, refused, unread func(net.Addr)) *conns {
	return &conns{
		most: most, refused: refused, unread: unread,
		rest: map[net.Conn]time.Time{}, all: map[net.Conn]bool{}, unheard: map[net.Conn]bool{},
	}
}

// connKey finds a request's connection in its context.
type connKey struct{}

// context is http.Server.ConnContext.
func (c *conns) context(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// heard is told that a request has reached a handler.
func (c *conns) heard(ctx context.Context) {
	if conn, ok := ctx.Value(connKey{}).(net.Conn); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.unheard, conn)
	}
}

// state is told what becomes of connections, as http.Server.ConnState.
func (c *conns) state(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	var victim net.Conn
	unread := false
	switch state {
	case http.StateNew:
		if len(c.all) >= c.most {
			victim = c.longest()
			if victim == nil {
				victim = conn
			}
			delete(c.all, victim)
			delete(c.rest, victim)
		}
		if victim != conn {
			c.all[conn], c.rest[conn] = true, time.Now()
		}
	case http.StateIdle:
		c.rest[conn] = time.Now()
	case http.StateActive:
		delete(c.rest, conn)
		if c.all[conn] { // else it was closed to make room
			c.unheard[conn] = true
		}
	case http.StateClosed, http.StateHijacked:
		unread = c.unheard[conn]
		delete(c.all, conn)
		delete(c.rest, conn)
		delete(c.unheard, conn)
	}
	c.mu.Unlock()
	if unread {
		c.unread(conn.RemoteAddr())
	}
	if victim != nil {
		c.refused(victim.RemoteAddr())
		_ = victim.Close()
	}
}

// longest returns the connection that has been at rest for longest. One that
// has not said all of its first request yet is at rest too.
func (c *conns) longest() (victim net.Conn) {
	for conn, since := range c.rest {
		if victim == nil || since.Before(c.rest[victim]) {
			victim = conn
		}
	}
	return victim
}
