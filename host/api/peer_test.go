package api

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// The kernel tells who is on the other end of a unix socket.
func TestReadPeer(t *testing.T) {
	l, err := net.Listen("unix", t.TempDir()+"/s")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	caller, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer caller.Close()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if p := readPeer(conn); p.err != nil || p.uid != os.Getuid() || p.name == "" {
		t.Errorf("got %+v, want uid %d", p, os.Getuid())
	}
	if got := author(withPeer(t.Context(), conn)); got != LocalAuthor() {
		t.Errorf("the author is %q, want %q", got, LocalAuthor())
	}
	left, right := net.Pipe()
	defer left.Close()
	defer right.Close()
	if p := readPeer(left); p.err == nil {
		t.Errorf("a pipe has a peer: %+v", p)
	}
}

func TestCheckPeer(t *testing.T) {
	own := os.Getuid()
	for name, c := range map[string]struct {
		peer *peer
		want int
	}{
		"same user":    {&peer{uid: own, name: "me"}, http.StatusNoContent},
		"root":         {&peer{uid: 0, name: "root"}, http.StatusNoContent},
		"another user": {&peer{uid: own + 4242, name: "other"}, http.StatusForbidden},
		"unknown":      {&peer{err: errors.New("no credentials")}, http.StatusForbidden},
		"none":         {nil, http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			if c.peer != nil {
				ctx = context.WithValue(ctx, peerKey{}, c.peer)
			}
			handler := checkPeer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", http.NoBody).WithContext(ctx))
			if w.Code != c.want {
				t.Errorf("status %d, want %d", w.Code, c.want)
			}
			if w.Code == http.StatusForbidden && !strings.Contains(w.Body.String(), `"code":"forbidden"`) {
				t.Errorf("body %s", w.Body)
			}
		})
	}
}
