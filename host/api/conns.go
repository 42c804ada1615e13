package api

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// maxConns bounds the open HTTP connections of a listener.
const maxConns = 1024

// conns bounds how many connections a server has: for a new one that of those
// at rest goes which has been so for longest, and where none is at rest the
// new one.
type conns struct {
	most    int
	refused func(from net.Addr)

	mu   sync.Mutex // guards what follows
	rest map[net.Conn]time.Time
	all  map[net.Conn]bool
}

func newConns(most int, refused func(net.Addr)) *conns {
	return &conns{most: most, refused: refused, rest: map[net.Conn]time.Time{}, all: map[net.Conn]bool{}}
}

// state is told what becomes of connections, as http.Server.ConnState.
func (c *conns) state(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	var victim net.Conn
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
	case http.StateClosed, http.StateHijacked:
		delete(c.all, conn)
		delete(c.rest, conn)
	}
	c.mu.Unlock()
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
