package connector

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

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

// leave ends a connection because the server ends: at once, unless a request is
// being answered, or about to come. hurry ends the work at the request.
func (c *conn) leave(hurry func()) {
	c.mark(func() {
		c.leaving = true
		switch {
		case c.handed:
		case c.busy && !c.kept:
			time.AfterFunc(endGrace, func() { hurry(); _ = c.Close() })
		case !c.spoken && !c.left:
			c.left = true
			time.AfterFunc(firstGrace, func() { c.leave(hurry) })
		default:
			_ = c.Close()
		}
	})
}

// goes reports whether the server ends.
func (c *conn) goes() (leaving bool) {
	c.mark(func() { leaving = c.leaving })
	return leaving
}

// pause waits, and reports false where ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

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

// conn is one connection.
type conn struct {
	net.Conn
	server *Server
	peer   peer
	read   *splitter
	handed bool            // to the HTTP side
	until  context.Context // ends with the server
	left   bool            // it has been given time for its first request; of leave

	writing sync.Mutex

	// Guarded by the server's mutex.
	heard   time.Time // when it last said something
	spoken  bool      // it has sent a request
	busy    bool      // a request is being answered
	kept    bool      // a script is controlled over it
	leaving bool      // the server ends
}

// before reports whether c is to go before d.
func (c *conn) before(d *conn) bool {
	if c.spoken != d.spoken {
		return !c.spoken
	}
	return c.heard.Before(d.heard)
}

func (c *conn) mark(f func()) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	f()
}

// serve answers the connection's requests, one after the other.
func (c *conn) serve(ctx context.Context, http *HTTPListener) {
	p := c.server.Patience
	reader := bufio.NewReader(c)
	if c.SetReadDeadline(time.Now().Add(p.First)) != nil {
		return
	}
	first, err := reader.Peek(1)
	if err != nil {
		c.hungUp(err)
		return
	}
	if http.takes(first[0]) {
		c.mark(func() { c.handed = c.SetReadDeadline(time.Time{}) == nil })
		if c.handed && !http.hand(c.Conn, reader) {
			c.mark(func() { c.handed = false })
		}
		return
	}
	if first[0] == ' ' || first[0] == '\t' || first[0] == '\r' || first[0] == '\n' || first[0] == '{' {
		c.answerAll(ctx, reader)
		return
	}
	c.server.refuse("not a request", c.RemoteAddr(), fmt.Errorf("it begins with %q", first))
}

// hungUp tells of a connection that ended in the middle of something.
func (c *conn) hungUp(err error) {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.server.refuse("too slow", c.RemoteAddr(), err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		c.server.refuse("cut off", c.RemoteAddr(), err)
	}
}

func (c *conn) answerAll(ctx context.Context, reader *bufio.Reader) {
	p := c.server.Patience
	s := &splitter{r: reader, began: func() { _ = c.SetReadDeadline(time.Now().Add(p.Object)) }}
	c.read = s
	asked := false
	for {
		object, err := s.next()
		switch {
		case errors.Is(err, errNoObject), errors.Is(err, errTooLong), errors.Is(err, errTooDeep):
			c.server.refuse("not a request", c.RemoteAddr(), err)
			_ = c.write(failure(script.Errorf(script.CodeUsage, "%v", err).WithHint(`for example {"command": "status"}`)))
			c.drain(reader)
			return
		case err != nil:
			c.hungUp(err)
			return
		}
		if !asked { // not before there is a request: asking costs, where there are many connections
			c.peer, asked = askPeer(c.Conn), true
		}
		if !c.answer(ctx, object) || c.goes() || c.SetReadDeadline(time.Now().Add(p.Idle)) != nil {
			return
		}
	}
}

// drainLimit is how much of a refused request is read, so that the refusal
// reaches a peer that still sends.
const drainLimit = 4 * MaxObject

func (c *conn) drain(reader *bufio.Reader) {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Second))
	_, _ = io.CopyN(io.Discard, reader, drainLimit) // whatever comes is dropped
}

// answer answers one request, and reports whether more may come.
func (c *conn) answer(ctx context.Context, object []byte) bool {
	c.mark(func() { c.busy, c.spoken = true, true })
	defer c.mark(func() { c.busy, c.heard = false, time.Now() })
	command, err := parse(object)
	if err != nil {
		c.server.refuse("invalid JSON", c.RemoteAddr(), err)
		return c.write(notUnderstood(err)) == nil
	}
	fields, _ := command.Map()
	if err := c.server.admit(c.peer, fields); err != nil {
		c.server.refuse("forbidden", c.RemoteAddr(), err)
		_ = c.write(failure(err))
		return false
	}
	if text(fields, "command") == "register_script" && c.registers(fields) {
		return c.control(c.until, fields)
	}
	reply := c.server.Commands.Handle(ctx, c.peer.author(), command)
	if answer, _ := reply.Map(); text(answer, "code") != "" && text(answer, "error") != "" {
		c.server.refuse("command refused", c.RemoteAddr(), errors.New(clip(text(answer, "error"))))
	}
	return c.write(reply) == nil
}

// parse reads one object that has come.
func parse(object []byte) (script.Value, error) {
	v, err := script.ParseJSON(object)
	if err == nil && !utf8.Valid(object) {
		err = errors.New("the request is not UTF-8")
	}
	return v, err
}

// notUnderstood answers what parse has refused.
func notUnderstood(err error) script.Value {
	return failure(script.Errorf(script.CodeUsage, "%v", err).WithHint("UTF-8 JSON objects are understood"))
}

// clip shortens what a stranger may have sent.
func clip(s string) string {
	const most = 200
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// write sends one object.
func (c *conn) write(v script.Value) error {
	var b bytes.Buffer
	data, err := v.MarshalJSON()
	if err != nil {
		return err
	}
	b.Write(data)
	b.WriteByte('\n')
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.SetWriteDeadline(time.Now().Add(c.server.Patience.Write)); err != nil {
		return err
	}
	_, err = c.Write(b.Bytes())
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.server.refuse("too slow", c.RemoteAddr(), err)
	}
	return err
}
