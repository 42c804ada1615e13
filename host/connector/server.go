package connector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// ServerOptions is what a Server is made of.
type ServerOptions struct {
	Commands  *Connector
	Auth      string // AuthUser, AuthToken or AuthNone, until SetAuth
	Token     string
	TokenFile string // where people find the token
	Logger    *slog.Logger
	// Attach makes a script known that was started by hand, and returns the id of
	// its run; Emit records facts about it; Detach tells that it has gone.
	Attach func(ctx context.Context, s *Session, facts []script.Body) (run string, err error)
	Emit   func(ctx context.Context, s *Session, facts ...script.Body) error
	Detach func(s *Session, end End)
	// MaxConns bounds the open connections; 0: a default.
	MaxConns int
	// Patience overrides how long a silent peer is waited for, in tests.
	Patience Patience
}

// Patience is how long a connection may be silent.
type Patience struct {
	First  time.Duration // before it has said anything
	Object time.Duration // from the first byte of a request to its last
	Idle   time.Duration // between requests
	Write  time.Duration // while an answer is not taken
}

var defaultPatience = Patience{
	First: 30 * time.Second, Object: 30 * time.Second, Idle: 10 * time.Minute, Write: 30 * time.Second,
}

const defaultMaxConns = 1024

// SetAuth changes who is answered, from the next request on.
func (s *Server) SetAuth(auth string) { s.auth.Store(&auth) }

func (s *Server) authNow() string {
	if auth := s.auth.Load(); auth != nil {
		return *auth
	}
	return s.Auth
}

// Server answers connector commands over TCP. It may serve several listeners.
type Server struct {
	ServerOptions

	auth atomic.Pointer[string] // nil: the options'

	mu      sync.Mutex // guards what follows
	open    map[*conn]struct{}
	refused map[string]*refusal
}

// refusal counts what was turned away for one reason.
type refusal struct {
	count  uint64
	logged time.Time
}

// logEvery is how often one kind of refusal is logged at most.
const logEvery = time.Minute

// NewServer makes a Server.
func NewServer(o ServerOptions) *Server {
	if o.MaxConns == 0 {
		o.MaxConns = defaultMaxConns
	}
	if o.Patience == (Patience{}) {
		o.Patience = defaultPatience
	}
	return &Server{ServerOptions: o, open: map[*conn]struct{}{}, refused: map[string]*refusal{}}
}

// Refused tells how many connections and requests were turned away, by reason.
func (s *Server) Refused() map[string]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := make(map[string]uint64, len(s.refused))
	for reason, r := range s.refused {
		counts[reason] = r.count
	}
	return counts
}

// refuse counts a refusal and logs the first of its kind, and one a minute.
func (s *Server) refuse(reason string, from net.Addr, detail error) {
	s.mu.Lock()
	r := s.refused[reason]
	if r == nil {
		r = &refusal{}
		s.refused[reason] = r
	}
	r.count++
	count, log := r.count, time.Since(r.logged) > logEvery
	if log {
		r.logged = time.Now()
	}
	s.mu.Unlock()
	if log {
		s.Logger.Warn("a connector request was refused", "reason", reason, "from", from.String(), "error", detail, "so_far", count)
	}
}

// Serve answers on a listener until ctx ends, and closes it. Connections that
// begin like HTTP go to http, or are closed where that is nil.
func (s *Server) Serve(ctx context.Context, l net.Listener, http *HTTPListener) error {
	ctx, cancel := context.WithCancel(ctx)
	var conns sync.WaitGroup
	defer conns.Wait()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	for {
		accepted, err := l.Accept()
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("serve %s: %w", l.Addr(), err)
		default: // no descriptor is left, or the peer has gone already
			s.refuse("not accepted", l.Addr(), err)
			s.makeRoom(0)
			if !pause(ctx, 10*time.Millisecond) {
				return nil
			}
			continue
		}
		c := s.admitConn(accepted)
		if c == nil {
			continue
		}
		conns.Go(func() {
			defer s.forget(c)
			working, hurry := context.WithCancel(context.WithoutCancel(ctx))
			defer hurry()
			c.until = ctx
			stop := context.AfterFunc(ctx, func() { c.leave(hurry) })
			defer stop()
			c.serve(working, http)
		})
	}
}

const (
	endGrace   = 2 * time.Second // for a request that is being answered when the server ends
	firstGrace = 2 * time.Second // for one that has connected just before
)

// admitConn makes room for one more connection: the one that has been silent
// for longest goes, one that has never spoken first.
func (s *Server) admitConn(accepted net.Conn) *conn {
	s.makeRoom(s.MaxConns - 1)
	c := &conn{Conn: accepted, server: s, heard: time.Now()}
	s.mu.Lock()
	full := len(s.open) >= s.MaxConns
	if !full {
		s.open[c] = struct{}{}
	}
	s.mu.Unlock()
	if full {
		s.refuse("too many connections", accepted.RemoteAddr(), nil)
		_ = accepted.Close()
		return nil
	}
	return c
}

// makeRoom closes one idle connection where more than most are open.
func (s *Server) makeRoom(most int) {
	s.mu.Lock()
	var victim *conn
	if len(s.open) > most {
		for c := range maps.Keys(s.open) {
			if !c.busy && !c.kept && (victim == nil || c.before(victim)) {
				victim = c
			}
		}
	}
	if victim != nil {
		delete(s.open, victim)
	}
	s.mu.Unlock()
	if victim != nil {
		s.refuse("idle while others wanted in", victim.RemoteAddr(), nil)
		_ = victim.Close()
	}
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	delete(s.open, c)
	s.mu.Unlock()
	if !c.handed {
		_ = c.Close()
	}
}
