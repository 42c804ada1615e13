package connector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mlhost/mlhost/internal/left"

	"github.com/mlhost/mlhost/internal/testkit"
	"github.com/mlhost/mlhost/shared/script"
)

func TestMain(m *testing.M) { left.Main(m) }

// served is a server on a free port.
type served struct {
	*Server
	address string
	log     *testkit.Log
}

// serve serves the test connector until the test ends.
func serve(t *testing.T, http *HTTPListener, change func(*ServerOptions)) *served {
	t.Helper()
	commands, _, _ := newTestConnector(t)
	s := &served{log: &testkit.Log{}}
	o := ServerOptions{Commands: commands, Auth: AuthUser, Token: "secret", TokenFile: "/state/connector.token"}
	o.Logger = slog.New(slog.NewTextHandler(s.log, nil))
	if change != nil {
		change(&o)
	}
	s.Server = NewServer(o)
	l, err := Listen("127.0.0.1:0", "listen", "X")
	if err != nil {
		t.Fatal(err)
	}
	s.address = l.Addr().String()
	if http != nil {
		http.addr = l.Addr()
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l, http) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *served) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// say sends text and returns the next answer.
func say(t *testing.T, conn net.Conn, text string) map[string]any {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return hear(t, conn)
}

func hear(t *testing.T, conn net.Conn) map[string]any {
	t.Helper()
	var line []byte
	for one := make([]byte, 1); len(line) == 0 || line[len(line)-1] != '\n'; line = append(line, one[0]) {
		if _, err := io.ReadFull(conn, one); err != nil {
			t.Fatalf("no answer: %v; so far %q", err, line)
		}
	}
	var answer map[string]any
	if err := json.Unmarshal(line, &answer); err != nil {
		t.Fatalf("the answer %q: %v", line, err)
	}
	return answer
}

// ended fails the test unless the other side has closed the connection.
func ended(t *testing.T, conn net.Conn) {
	t.Helper()
	rest, err := io.ReadAll(conn)
	if errors.Is(err, os.ErrDeadlineExceeded) || len(rest) > 0 {
		t.Errorf("the connection is not closed: %v, %q", err, rest)
	}
}

func TestManyRequestsOnOneConnection(t *testing.T) {
	s := serve(t, nil, nil)
	conn := s.dial(t)
	for range 3 {
		if a := say(t, conn, `{"command": "status"}`); a["status"] != "active" || a["connector_id"] != "lab" {
			t.Errorf("got %v", a)
		}
	}
	if a := say(t, conn, `{"command":"list_scripts"}{"command":"nothing"}`); len(a["scripts"].([]any)) != 2 {
		t.Errorf("got %v", a)
	}
	if a := hear(t, conn); a["code"] != "not_found" || a["error"] == "" || a["hint"] == "" {
		t.Errorf("got %v", a)
	}
	if a := say(t, conn, `{"command": ]}`); a["code"] != "usage" {
		t.Errorf("got %v", a)
	}
	if a := say(t, conn, "{\"command\": \"get_parameter\", \"script\": \"\xff\xfe\"}"); a["code"] != "usage" || a["error"] != "the request is not UTF-8" {
		t.Errorf("got %v", a)
	}
	if a := say(t, conn, `{"command": "status"}`); a["status"] != "active" {
		t.Errorf("after a failure: %v", a)
	}
	if _, err := io.WriteString(conn, "{\"command\": \"status\"}\n"); err != nil {
		t.Fatal(err)
	}
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if a := hear(t, conn); a["status"] != "active" {
		t.Errorf("after the half-close: %v", a)
	}
	ended(t, conn)
}

func TestWhatIsNoRequestIsClosed(t *testing.T) {
	s := serve(t, nil, func(o *ServerOptions) {
		o.Patience = Patience{First: 300 * time.Millisecond, Object: 300 * time.Millisecond, Idle: 10 * time.Second, Write: time.Second}
	})
	other := s.dial(t)
	say(t, other, `{"command":"status"}`)
	for name, c := range map[string]struct{ text, reason string }{
		"TLS hello":     {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "not a request"},
		"HTTP":          {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "not a request"},
		"HTTP/2":        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "not a request"},
		"garbage":       {"\x00\x00\x00\x00", "not a request"},
		"length prefix": {"\xff\xff\xff\xff{}", "not a request"},
		"a list":        {`[{"command":"status"}]`, "not a request"},
		"silence":       {"", "too slow"},
		"slow":          {`{"command"`, "too slow"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := s.dial(t)
			if _, err := io.WriteString(conn, c.text); err != nil {
				t.Fatal(err)
			}
			ended(t, conn)
			if s.Refused()[c.reason] == 0 {
				t.Errorf("not counted: %v", s.Refused())
			}
		})
	}
	for name, text := range map[string]string{
		"long": `{"a":"` + strings.Repeat("x", MaxObject),
		"deep": strings.Repeat(`{"a":`, 2000),
	} {
		conn := s.dial(t)
		if a := say(t, conn, text); a["code"] != "usage" {
			t.Errorf("%s: %v", name, a)
		}
		ended(t, conn)
	}
	if a := say(t, other, `{"command":"status"}`); a["status"] != "active" {
		t.Errorf("another connection: %v", a)
	}
	if n := strings.Count(s.log.String(), "reason=\"not a request\""); n != 1 {
		t.Errorf("logged %d times:\n%s", n, s.log)
	}
}

func TestIdleConnectionsMakeRoom(t *testing.T) {
	s := serve(t, nil, func(o *ServerOptions) { o.MaxConns = 20 })
	used := s.dial(t)
	say(t, used, `{"command":"status"}`)
	for range 200 {
		s.dial(t)
	}
	if a := say(t, s.dial(t), `{"command":"status"}`); a["status"] != "active" {
		t.Errorf("a new connection: %v", a)
	}
	if a := say(t, used, `{"command":"status"}`); a["status"] != "active" {
		t.Errorf("the connection in use: %v", a)
	}
}

func TestWhoMaySpeak(t *testing.T) {
	foreign := peer{uid: os.Getuid() + 4242, known: true}
	unknown := peer{why: "it does not come from this machine"}
	own := peer{uid: os.Getuid(), known: true}
	for name, c := range map[string]struct {
		auth    string
		peer    peer
		request string
		allowed bool
	}{
		"same user":                {AuthUser, own, `{}`, true},
		"another user":             {AuthUser, foreign, `{}`, false},
		"another user with token":  {AuthUser, foreign, `{"token":"secret"}`, true},
		"unknown":                  {AuthUser, unknown, `{}`, false},
		"unknown with token":       {AuthUser, unknown, `{"token":"secret"}`, true},
		"unknown with wrong token": {AuthUser, unknown, `{"token":"Secret"}`, false},
		"token: none":              {AuthToken, own, `{}`, false},
		"token: wrong":             {AuthToken, own, `{"token":""}`, false},
		"token: no text":           {AuthToken, own, `{"token":["secret"]}`, false},
		"token: right":             {AuthToken, foreign, `{"token":"secret"}`, true},
		"none":                     {AuthNone, unknown, `{}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewServer(ServerOptions{Auth: c.auth, Token: "secret"})
			request, err := script.ParseJSON([]byte(c.request))
			if err != nil {
				t.Fatal(err)
			}
			fields, _ := request.Map()
			if err := s.admit(c.peer, fields); (err == nil) != c.allowed {
				t.Errorf("got %v", err)
			}
		})
	}
}

// The kernel tells whose connection it is, over both kinds of loopback.
func TestPeerOfTheKernel(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Skip(err)
		}
		defer l.Close()
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if p := askPeer(conn); !p.own() || p.uid != os.Getuid() {
			t.Errorf("%s: %+v", address, p)
		}
		if err := client.Close(); err != nil {
			t.Fatal(err)
		}
		if p := askPeer(conn); p.known {
			t.Errorf("a closed socket belongs to %+v", p)
		}
	}
}

func TestTakenPortNamesItsHolder(t *testing.T) {
	l, err := Listen("127.0.0.1:0", "listen in the connector block", "MLHOST_CONNECTOR_LISTEN")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = Listen(l.Addr().String(), "listen in the connector block", "MLHOST_CONNECTOR_LISTEN")
	want := fmt.Sprintf("is taken by process %d (", os.Getpid())
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "MLHOST_CONNECTOR_LISTEN") {
		t.Errorf("got %v, want …%s…", err, want)
	}
}

// Connections that begin like HTTP go to the HTTP side, bytes and all.
func TestHTTPOnTheSharedPort(t *testing.T) {
	side := &HTTPListener{conns: make(chan net.Conn), end: make(chan struct{})}
	s := serve(t, side, nil)
	conn := s.dial(t)
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\n"); err != nil {
		t.Fatal(err)
	}
	got, err := side.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	line := make([]byte, 16)
	if _, err := io.ReadFull(got, line); err != nil || string(line) != "GET / HTTP/1.1\r\n" {
		t.Errorf("got %q, %v", line, err)
	}
	if a := say(t, s.dial(t), `{"command":"status"}`); a["status"] != "active" {
		t.Errorf("a command: %v", a)
	}
	if err := side.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := side.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
