package api_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mlhost/mlhost/host/api"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	dashboard "github.com/mlhost/mlhost/host/web"
	"github.com/mlhost/mlhost/shared/script"
)

const token = "correct-horse-battery-staple"

// web is a fixture that is served over TCP too.
type web struct {
	*fixture
	url    string
	host   string
	client *http.Client
}

func newWeb(t *testing.T, o api.TCPOptions) *web {
	t.Helper()
	f := newFixture(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- f.api.ServeTCP(ctx, l, o) }()
	w := &web{fixture: f, host: l.Addr().String(), client: &http.Client{
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	w.url = "http://" + w.host
	t.Cleanup(func() {
		w.client.CloseIdleConnections()
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return w
}

// with changes a request before it is sent.
type with func(*http.Request)

func header(name, value string) with { return func(r *http.Request) { r.Header.Set(name, value) } }
func bearer(token string) with       { return header("Authorization", "Bearer "+token) }
func called(host string) with        { return func(r *http.Request) { r.Host = host } }

// ask makes one request and returns its answer.
func (w *web) ask(t *testing.T, method, path, body string, changes ...with) (int, http.Header, []byte) {
	t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, w.url+path, r)
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, change := range changes {
		change(request)
	}
	response, err := w.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, data
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"}

var wildcard = regexp.MustCompile(`\{[a-z]+\}`)

// paths lists every path that is served, and some that are not.
func (w *web) paths() []string {
	out := []string{
		"/api", "/api/", "/api/v1", "/api/v2/scripts", "/api/v1/nothing", "/api/v1/../v1/scripts", "//api/v1/scripts", "/api/v1/scripts/",
		"/API/v1/scripts", "/api/v1/scripts;x", "/api/v1%2fscripts", "/metrics", "/debug/pprof/", "/static/", "/static/../page.go",
		"/static/%2e%2e%2fpage.go", "/static/none.js", "/index.html",
	}
	for _, pattern := range w.api.Routes() {
		_, path, _ := strings.Cut(pattern, " ")
		out = append(out, strings.ReplaceAll(wildcard.ReplaceAllString(path, "trainer"), "{$}", ""))
	}
	out = append(out, dashboard.Embedded().Paths()...)
	slices.Sort(out)
	return slices.Compact(out)
}

func isOpen(method, path string) bool {
	if method == "POST" {
		return path == "/api/v1/login"
	}
	return (method == "GET" || method == "HEAD") && slices.Contains([]string{"/", "/healthz"}, path)
}

// Nobody gets in: every route with every method refuses a caller without the
// token, one with another, one that calls us by another name, and a page of
// another site; and nothing happens.
func TestNobodyGetsIn(t *testing.T) {
	w := newWeb(t, api.TCPOptions{})
	w.train(t)
	w.send = func(_ context.Context, m script.Message) (script.Reply, error) {
		t.Errorf("a message went to %s", m.Target)
		return script.Reply{}, nil
	}
	w.do = func(_ context.Context, c api.Command) (api.Outcome, error) {
		t.Errorf("%s was done", c.Verb)
		return api.Outcome{}, nil
	}
	callers := []struct {
		name   string
		status int
		open   bool // what needs no token is served
		change []with
	}{
		{"no token", 401, true, nil},
		{"wrong token", 401, true, []with{bearer("wrong")}},
		{"part of the token", 401, true, []with{bearer(token[:10])}},
		{"longer token", 401, true, []with{bearer(token + "x")}},
		{"huge token", 401, true, []with{bearer(strings.Repeat("x", 50_000))}},
		{"forged session", 401, true, []with{bearer("session_zzzzzz_" + strings.Repeat("A", 43))}},
		{"expired session", 401, true, []with{bearer(sessionUntil(time.Now().Add(-time.Second)))}},
		{"overridden method", 401, true, []with{header("X-HTTP-Method-Override", "GET")}},
		{"basic", 401, true, []with{header("Authorization", "Basic "+token)}},
		{"cookie", 401, true, []with{header("Cookie", "token="+token)}},
		{"wrong host", 421, false, []with{bearer(token), called("evil.example")}},
		{"rebound host", 421, false, []with{bearer(token), called("127.0.0.1.evil.example:10117")}},
		{"another machine's address", 421, false, []with{bearer(token), called("169.254.169.254")}},
		{"foreign origin", 403, false, []with{bearer(token), header("Origin", "https://evil.example")}},
		{"null origin", 403, false, []with{bearer(token), header("Origin", "null")}},
		{"origin of another port", 403, false, []with{bearer(token), header("Origin", "http://127.0.0.1:1")}},
		{"same site", 403, true, []with{bearer(token), header("Sec-Fetch-Site", "same-site")}},
	}
	for _, caller := range callers {
		t.Run(caller.name, func(t *testing.T) {
			for _, path := range w.paths() {
				for _, method := range methods {
					if caller.open && (isOpen(method, path) || dashboard.Embedded().Has(path) && (method == "GET" || method == "HEAD")) {
						continue
					}
					body := ""
					if method == "POST" || method == "PATCH" {
						body = `{"values":{"lr":0.5},"topic":"x","code":"x","path":"/bin/false"}`
					}
					status, h, data := w.ask(t, method, path, body, caller.change...)
					if status != caller.status {
						t.Errorf("%s %s: %d, want %d", method, path, status, caller.status)
					}
					if got := h.Get("Content-Type"); got != "application/problem+json" {
						t.Errorf("%s %s: an answer of type %q", method, path, got)
					}
					if h.Get("Set-Cookie") != "" || h.Get("Access-Control-Allow-Origin") != "" || bytes.Contains(data, []byte("trainer\"")) {
						t.Errorf("%s %s: the answer tells too much: %v %s", method, path, h, data)
					}
				}
			}
		})
	}
}

// sessionUntil makes what a host gives for a link's code, good until then.
func sessionUntil(until time.Time) string {
	body := "session_" + strconv.FormatInt(until.Unix(), 36)
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte(body))
	return body + "_" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func TestToken(t *testing.T) {
	w := newWeb(t, api.TCPOptions{TokenFile: "/state/lab1/token"})
	w.train(t)
	for _, host := range []string{w.host, "localhost:8080", "[::1]:10117", "LOCALHOST"} {
		status, _, data := w.ask(t, "GET", "/api/v1/scripts", "", bearer(token), called(host), header("Origin", "http://"+host))
		if status != 200 || !bytes.Contains(data, []byte(`"trainer"`)) {
			t.Errorf("%s: %d %s", host, status, data)
		}
	}
	if status, _, _ := w.ask(t, "GET", "/api/v1/scripts", "", bearer(sessionUntil(time.Now().Add(time.Hour)))); status != 200 {
		t.Errorf("a session that has not expired: %d", status)
	}
	status, h, data := w.ask(t, "GET", "/api/v1/scripts", "")
	if status != 401 || h.Get("WWW-Authenticate") == "" || !bytes.Contains(data, []byte("/state/lab1/token")) {
		t.Errorf("got %d %v %s", status, h, data)
	}
	if status, _, data = w.ask(t, "POST", "/api/v1/upgrade", `{"path":"/bin/false"}`, bearer(token)); status != 403 {
		t.Errorf("upgrade: %d %s", status, data)
	}
	for _, path := range dashboard.Embedded().Paths() {
		if status, _, _ = w.ask(t, "GET", path, ""); status != 200 {
			t.Errorf("%s: %d", path, status)
		}
	}
	if status, _, _ = w.ask(t, "GET", "/healthz", ""); status != 204 {
		t.Errorf("healthz: %d", status)
	}
}

func TestBodiesAreJSON(t *testing.T) {
	w := newWeb(t, api.TCPOptions{})
	w.train(t)
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "application/jsonx", ";"} {
		status, _, data := w.ask(t, "POST", "/api/v1/scripts/trainer/tell", `{"topic":"x"}`, bearer(token), header("Content-Type", kind))
		if status != 415 {
			t.Errorf("%q: %d %s", kind, status, data)
		}
	}
	w.send = func(context.Context, script.Message) (script.Reply, error) { return script.Reply{}, nil }
	status, _, data := w.ask(t, "POST", "/api/v1/scripts/trainer/tell", `{"topic":"x"}`, bearer(token), header("Content-Type", "application/json; charset=utf-8"))
	if status != 200 {
		t.Errorf("got %d %s", status, data)
	}
	status, _, data = w.ask(t, "POST", "/api/v1/scripts/trainer/tell", `{"topic":"`+strings.Repeat("x", api.MaxBody)+`"}`, bearer(token))
	if status != 413 {
		t.Errorf("got %d %s", status, data)
	}
}

// A link is good once, and gives a token that is good everywhere.
func TestLogin(t *testing.T) {
	w := newWeb(t, api.TCPOptions{})
	status, _, data := w.ask(t, "POST", "/api/v1/login/code", "", bearer(token))
	var code v1.LoginCode
	if err := json.Unmarshal(data, &code); err != nil || status != 200 {
		t.Fatalf("got %d %s", status, data)
	}
	body := `{"code":"` + code.Code + `"}`
	if status, _, data = w.ask(t, "POST", "/api/v1/login", body, header("Content-Type", "text/plain")); status != 415 {
		t.Errorf("got %d %s", status, data)
	}
	status, h, data := w.ask(t, "POST", "/api/v1/login", body)
	var session v1.Session
	if err := json.Unmarshal(data, &session); err != nil || status != 200 || h.Get("Set-Cookie") != "" {
		t.Fatalf("got %d %v %s", status, h, data)
	}
	if status, _, data = w.ask(t, "POST", "/api/v1/login", body); status != 403 {
		t.Errorf("the second time: %d %s", status, data)
	}
	if status, _, data = w.ask(t, "GET", "/api/v1/scripts", "", bearer(session.Token)); status != 200 {
		t.Errorf("got %d %s", status, data)
	}
	last := session.Token[len(session.Token)-2]
	other := session.Token[:len(session.Token)-2] + string(last^1) + session.Token[len(session.Token)-1:]
	if status, _, _ = w.ask(t, "GET", "/api/v1/scripts", "", bearer(other)); status != 401 {
		t.Errorf("a forged one: %d", status)
	}
}

func TestReadToken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	first, err := api.ReadToken(path)
	if err != nil || len(first) < 20 {
		t.Fatal(first, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	if again, err := api.ReadToken(path); err != nil || again != first {
		t.Error(again, err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := api.ReadToken(path); script.CodeOf(err) != script.CodeForbidden {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := api.ReadToken(path); script.CodeOf(err) != script.CodeUsage {
		t.Error(err)
	}
}
