package connector

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/mlhost/mlhost/shared/script"
)

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
