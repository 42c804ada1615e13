package api

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// asker is a connection to a server that ends.
type asker struct {
	net.Conn
	t    *testing.T
	read *bufio.Reader
}

func ask(t *testing.T, address string) *asker {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &asker{Conn: conn, t: t, read: bufio.NewReader(conn)}
}

func (a *asker) say(text string) {
	a.t.Helper()
	if _, err := io.WriteString(a, text); err != nil {
		a.t.Fatal(err)
	}
}

// answered reports whether the server closes the connection behind its answer.
func (a *asker) answered(what string) (closes bool) {
	a.t.Helper()
	resp, err := http.ReadResponse(a.read, nil)
	if err != nil {
		a.t.Fatalf("%s: %v", what, err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		a.t.Fatalf("%s: %v", what, err)
	}
	return resp.Close
}

func (a *asker) closed() {
	a.t.Helper()
	if rest, err := io.ReadAll(a.read); err != nil || len(rest) > 0 {
		a.t.Errorf("%q and %v, where the connection ends", rest, err)
	}
}

const whole = "GET / HTTP/1.1\r\nHost: lab\r\n\r\n"

// serveUntil serves until the returned func is called, which waits until
// nobody is let in any more.
func serveUntil(t *testing.T, g graces) (address string, end func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served, closed := make(chan error, 1), make(chan struct{})
	a := New(Options{})
	a.patience = &g
	go func() {
		served <- a.serve(ctx, &told{Listener: l, closed: closed}, &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String(), func() { cancel(); <-closed }
}

// told is a listener that tells when it is closed.
type told struct {
	net.Listener
	closed chan struct{}
}

func (l *told) Close() error {
	err := l.Listener.Close()
	if err == nil {
		close(l.closed)
	}
	return err
}

// Nothing that has been begun to be said is dropped.
func TestEndAnswersWhatHasBegun(t *testing.T) {
	address, end := serveUntil(t, graces{first: time.Hour})
	rested, begun := ask(t, address), ask(t, address)
	rested.say(whole)
	if rested.answered("before the end") {
		t.Error("the connection is closed without a reason")
	}
	begun.say(whole[:20])
	end()
	rested.closed() // what is at rest goes
	begun.say(whole[20:])
	if !begun.answered("a request that had begun") {
		t.Error("the connection could be used again")
	}
	begun.closed()
}

// Where another host takes over, one that is at rest may ask once more.
func TestEndAnswersOnceMore(t *testing.T) {
	address, end := serveUntil(t, graces{first: time.Hour, rest: time.Hour})
	a := ask(t, address)
	a.say(whole)
	a.answered("before the end")
	end()
	a.say(whole)
	if !a.answered("one request more") {
		t.Error("the connection could be used again")
	}
	a.closed()
}

// One that says nothing is not waited for without end.
func TestEndOfTheSilent(t *testing.T) {
	address, end := serveUntil(t, graces{})
	silent := ask(t, address)
	answered := ask(t, address) // accepted behind the silent one
	answered.say(whole)
	answered.answered("before the end")
	end()
	silent.closed()
	answered.closed()
}
