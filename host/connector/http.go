package connector

import (
	"bufio"
	"net"
	"sync"
)

// HTTPListener hands over, as connections of its own, those that begin like
// HTTP on a port that is shared with connector commands.
type HTTPListener struct {
	// TLS tells that connections may begin with a TLS handshake too. It is set
	// before the listener is served.
	TLS bool

	addr  net.Addr
	conns chan net.Conn
	end   chan struct{}
	once  sync.Once
}

// NewHTTPListener makes the HTTP side of a listener.
func NewHTTPListener(l net.Listener) *HTTPListener {
	return &HTTPListener{addr: l.Addr(), conns: make(chan net.Conn), end: make(chan struct{})}
}

// Accept waits for the next connection that speaks HTTP.
func (l *HTTPListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.end:
		return nil, net.ErrClosed
	}
}

// Close makes Accept return; the shared listener stays open.
func (l *HTTPListener) Close() error {
	l.once.Do(func() { close(l.end) })
	return nil
}

// Addr is the shared listener's.
func (l *HTTPListener) Addr() net.Addr { return l.addr }

// takes reports whether a connection that begins with the byte is for HTTP.
func (l *HTTPListener) takes(first byte) bool {
	const handshake = 0x16 // the type of a TLS record
	return l != nil && (first >= 'A' && first <= 'Z' || l.TLS && first == handshake)
}

// hand gives a connection over, with what was read of it already. It reports
// false where nobody takes it any more.
func (l *HTTPListener) hand(conn net.Conn, read *bufio.Reader) bool {
	select {
	case l.conns <- &peeked{Conn: conn, read: read}:
		return true
	case <-l.end:
		return false
	}
}

// peeked is a connection of which some bytes were read ahead.
type peeked struct {
	net.Conn
	read *bufio.Reader
}

func (p *peeked) Read(b []byte) (int, error) { return p.read.Read(b) }
