package api_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mlhost/mlhost/host/api"
	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// quiet is a web on which nothing may happen.
func quiet(t *testing.T) *web {
	t.Helper()
	w := newWeb(t, api.TCPOptions{})
	w.train(t)
	w.send = func(_ context.Context, m script.Message) (script.Reply, error) {
		t.Errorf("a message went to %s", m.Target)
		return script.Reply{}, errors.New("no")
	}
	w.do = func(_ context.Context, c api.Command) (api.Outcome, error) {
		t.Errorf("%s was done", c.Verb)
		return api.Outcome{}, errors.New("no")
	}
	return w
}

// raw sends text as it is, and returns the status of each answer until the
// other side closes the connection.
func (w *web) raw(t *testing.T, text string) (statuses []int) {
	t.Helper()
	conn, err := net.Dial("tcp", w.host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.WriteString(conn, text) // the other side may close before it has all
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	defer func() { <-sent }()
	for r := bufio.NewReader(conn); ; {
		response, err := http.ReadResponse(r, nil)
		if err != nil {
			if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
				t.Errorf("the connection stays open: %v", err)
			}
			return statuses
		}
		statuses = append(statuses, response.StatusCode)
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
}

// Requests that no ordinary client sends are refused, each kind is logged
// once, and others are served as before.
func TestStrangeRequests(t *testing.T) {
	const (
		host  = "Host: localhost\r\n"
		known = "Authorization: Bearer " + token + "\r\n"
		get   = "GET /api/v1/scripts HTTP/1.1\r\n"
	)
	// The beginning of HTTP/2, and streams that are opened and reset at once.
	reset := "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	for i := range 1000 {
		id := fmt.Sprintf("\x00\x00%c%c", i*2/256, i*2%256+1)
		reset += "\x00\x00\x03\x01\x05" + id + "\x82\x86\x84" + "\x00\x00\x04\x03\x00" + id + "\x00\x00\x00\x08"
	}
	tests := map[string]struct {
		text   string
		status int
		kind   string
	}{
		"no Host":             {get + known + "\r\n", 400, "malformed"},
		"two Hosts":           {get + host + "Host: evil.example\r\n" + known + "\r\n", 400, "malformed"},
		"the same Host twice": {get + host + host + known + "\r\n", 400, "malformed"},
		"strange Host":        {get + "Host: local host\x7f\r\n" + known + "\r\n", 400, "malformed"},
		"empty Host":          {get + "Host:\r\n" + known + "\r\n", 421, "host"},
		"Host in the path":    {"GET http://evil.example/api/v1/scripts HTTP/1.1\r\n" + host + known + "\r\n", 421, "host"},
		"any address":         {get + "Host: 0.0.0.0\r\n" + known + "\r\n", 421, "host"},
		"any address, IPv6":   {get + "Host: [::]\r\n" + known + "\r\n", 421, "host"},
		"mapped address":      {get + "Host: [::ffff:127.0.0.1]\r\n" + known + "\r\n", 421, "host"},
		"mapped address, hex": {get + "Host: [::ffff:7f00:1]:10117\r\n" + known + "\r\n", 421, "host"},
		"number as address":   {get + "Host: 2130706433\r\n" + known + "\r\n", 421, "host"},
		"short address":       {get + "Host: 127.1\r\n" + known + "\r\n", 421, "host"},
		"port of a stranger":  {get + "Host: localhost:10117.evil.example\r\n" + known + "\r\n", 421, "host"},
		"longer name":         {get + "Host: 127.0.0.1.evil.example\r\n" + known + "\r\n", 421, "host"},
		"user in the Host":    {get + "Host: localhost@evil.example\r\n" + known + "\r\n", 400, "malformed"},
		"CONNECT":             {"CONNECT /api/v1/scripts HTTP/1.1\r\n" + host + "\r\n", 401, "token"},
		"CONNECT elsewhere":   {"CONNECT evil.example:443 HTTP/1.1\r\n" + host + known + "\r\n", 421, "host"},
		"1 MB of token":       {get + host + "Authorization: Bearer " + strings.Repeat("x", 1<<20) + "\r\n\r\n", 431, "malformed"},
		"unicode token":       {get + host + "Authorization: Bearer " + token + "\u00e9\u4e16\U0001f600\r\n\r\n", 401, "token"},
		"wide token":          {get + host + "Authorization: Bearer \uff43orrect-horse-battery-staple\r\n\r\n", 401, "token"},
		"NUL in the token":    {get + host + "Authorization: Bearer " + token + "\x00\r\n\r\n", 400, "malformed"},
		"two tokens":          {get + host + known + known + "\r\n", 401, "token"},
		"override":            {"POST /api/v1/scripts/trainer/stop HTTP/1.1\r\n" + host + "X-HTTP-Method-Override: GET\r\nContent-Length: 0\r\n\r\n", 401, "token"},
		"HTTP/2":              {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 421, "host"},
		"rapid reset":         {reset, 421, "host"},
		"HTTP/9":              {"GET / HTTP/9.0\r\n" + host + "\r\n", 505, "malformed"},
		"two lengths":         {"POST /api/v1/scan HTTP/1.1\r\n" + host + known + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400, "malformed"},
		"4 GB length":         {"POST /api/v1/scripts/trainer/tell HTTP/1.1\r\n" + host + known + "Content-Type: application/json\r\nContent-Length: 4294967296\r\n\r\n{", 413, "too_large"},
		"endless number":      {"POST /api/v1/scan HTTP/1.1\r\n" + host + known + "Content-Length: 99999999999999999999\r\n\r\n", 400, "malformed"},
		"bad chunk":           {"POST /api/v1/scripts/trainer/tell HTTP/1.1\r\n" + host + known + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n{", 400, ""},
		"folded header":       {get + host + " evil: x\r\n\r\n", 400, "malformed"},
		"cut off":             {get + "Hos", 400, "malformed"},
		"garbage":             {"\x00\xff\x00\xff\r\n\r\n", 400, "malformed"},
		"a request behind it": {get + "\r\n" + get + host + known + "\r\n", 400, "malformed"},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			w := quiet(t)
			for range 2 {
				got := w.raw(t, c.text)
				if len(got) != 1 || got[0] != c.status {
					t.Errorf("answered %v, want one %d", got, c.status)
				}
			}
			if status, _, data := w.ask(t, "GET", "/api/v1/scripts", "", bearer(token)); status != 200 || !bytes.Contains(data, []byte(`"running"`)) {
				t.Errorf("another caller: %d %s", status, data)
			}
			if c.kind != "" {
				w.logged(t, c.kind, 2)
			}
		})
	}
}

// Who says that a body comes, and sends none, does not keep a connection: no
// more than the time that its head may take.
func TestBodiesThatDoNotCome(t *testing.T) {
	for name, c := range map[string]struct {
		head   string
		status int
	}{
		"no token":    {"POST /api/v1/scan", 401},
		"link's code": {"POST /api/v1/login", 408},
		"page":        {"GET /healthz", 415},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := quiet(t)
			conn, err := net.Dial("tcp", w.host)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(60 * time.Second)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, c.head+" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(conn)
			if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 "+strconv.Itoa(c.status))) {
				t.Errorf("answered %q, %v", answer, err)
			}
		})
	}
}

// logged fails the test unless so many refusals of a kind, and no others, were
// counted, and one line was logged. It waits for what is told only when a
// connection has been closed.
func (w *web) logged(t *testing.T, kind string, count int) {
	t.Helper()
	var metrics []byte
	for deadline := time.Now().Add(30 * time.Second); ; {
		_, _, metrics = w.ask(t, "GET", "/metrics", "", bearer(token))
		if bytes.Contains(metrics, []byte(`mlhost_http_refused_total{reason="`+kind+`"} `+strconv.Itoa(count)+"\n")) && strings.Contains(w.log.String(), "\n") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("not counted %d times\n%s", count, w.log)
		}
	}
	if n := bytes.Count(metrics, []byte("\nmlhost_http_refused_total{")); n != 1 {
		t.Errorf("%d kinds of refusal", n)
	}
	if lines := strings.Split(strings.TrimSpace(w.log.String()), "\n"); len(lines) != 1 || !strings.Contains(lines[0], "kind="+kind) {
		t.Errorf("logged:\n%s", w.log)
	}
}

// A method is what the request line says: not what a header, a query or a form
// says beside it.
func TestMethodsAreNotOverridden(t *testing.T) {
	const owner = "/api/v1/scripts/trainer/parameters/lr/owner" // it has DELETE alone
	w := quiet(t)
	for name, c := range map[string]struct {
		method, path, body string
		change             []with
		status             int
	}{
		"header":          {"POST", owner, "", []with{header("X-HTTP-Method-Override", "DELETE")}, 405},
		"header of GET":   {"GET", owner, "", []with{header("X-HTTP-Method-Override", "DELETE")}, 405},
		"other header":    {"POST", owner, "", []with{header("X-Method-Override", "DELETE"), header("X-HTTP-Method", "DELETE")}, 405},
		"query":           {"POST", owner + "?_method=DELETE", "", nil, 405},
		"query of GET":    {"GET", owner + "?_method=DELETE", "", nil, 405},
		"body":            {"POST", owner, `{"_method":"DELETE"}`, nil, 405},
		"form":            {"POST", owner, "_method=DELETE", []with{header("Content-Type", "application/x-www-form-urlencoded")}, 415},
		"stop by GET":     {"GET", "/api/v1/scripts/trainer/stop?_method=POST", "", []with{header("X-HTTP-Method-Override", "POST")}, 405},
		"a link to down":  {"GET", "/api/v1/down?_method=POST", "", nil, 405},
		"lower-case verb": {"delete", owner, "", nil, 405},
	} {
		status, h, data := w.ask(t, c.method, c.path, c.body, append(c.change, bearer(token))...)
		if status != c.status {
			t.Errorf("%s: %d, want %d: %s", name, status, c.status, data)
		}
		if status == http.StatusMethodNotAllowed && (h.Get("Allow") == "" || !strings.Contains(string(data), "it has "+h.Get("Allow"))) {
			t.Errorf("%s: Allow is %q: %s", name, h.Get("Allow"), data)
		}
	}
	if _, h, _ := w.ask(t, "PUT", "/api/v1/scripts/trainer/parameters", "", bearer(token)); h.Get("Allow") != "GET, HEAD, PATCH" {
		t.Errorf("Allow is %q", h.Get("Allow"))
	}
}

// hostileNames are what a name must not be able to reach or do.
var hostileNames = []string{
	"../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%252e%252e/etc/passwd", "....//etc/passwd", "/etc/passwd", `C:\`, `..\..\x`, "a\x00b", "file:///etc/passwd",
	"http:///#/../../etc", "..", ".", "CON", "trainer/", "trainer\n", "trainer\x00", "a\nb", "\x1b]2;x\x07", "<script>alert(1)</script>", "\xff\xfe", "\u202e",
	"'; DROP TABLE run; --", "%", "*", strings.Repeat("x", 4096),
}

// No name of a script or run leads to anything but a script or run.
func TestHostileNames(t *testing.T) {
	w := quiet(t)
	if w.ask(t, "GET", "/api/v1/scripts", ""); !strings.Contains(w.log.String(), "kind=token") {
		t.Errorf("logged: %s", w.log)
	}
	before := w.log.String()
	for _, name := range hostileNames {
		for _, path := range []string{
			"/api/v1/scripts/" + url.PathEscape(name) + "/logs", "/api/v1/scripts/" + url.PathEscape(name) + "/logs/page",
			"/api/v1/scripts/trainer/logs?run=" + url.QueryEscape(name), "/api/v1/scripts/trainer/logs/page?run=" + url.QueryEscape(name),
			"/api/v1/runs/" + url.PathEscape(name), "/api/v1/runs/" + url.PathEscape(name) + "/artifacts/file?path=x",
			"/api/v1/runs/" + url.PathEscape(name) + "/chart?name=loss", "/api/v1/scripts/" + url.PathEscape(name) + "/parameters",
			"/api/v1/scripts/trainer/logs/page?before=" + url.QueryEscape(name), "/api/v1/scripts/trainer/logs?stream=" + url.QueryEscape(name),
			"/static/" + url.PathEscape(name), "/" + url.PathEscape(name),
		} {
			status, h, data := w.ask(t, "GET", path, "", bearer(token))
			if status == 307 || status == 301 {
				if to := h.Get("Location"); !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") {
					t.Errorf("%.80s: sent to %q", path, to)
				}
				continue // "." and "..": the same place, written shorter
			}
			if status < 400 || status >= 500 || h.Get("Content-Type") != "application/problem+json" || bytes.ContainsAny(data, "\x00\x1b\x07") {
				t.Errorf("%.80s: %d %.200q", path, status, data)
			}
		}
	}
	if w.log.String() != before {
		t.Errorf("to look for what is not there is no refusal:\n%s", w.log)
	}
}

// Values that do not fit are refused in whatever form they come.
func TestHostileValues(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	f.send = func(_ context.Context, m script.Message) (script.Reply, error) {
		outcomes, err := f.registry.CheckBatch(m.Target, *m.Batch)
		return script.Reply{Batch: &script.BatchReply{Revision: 1, Outcomes: outcomes}}, err
	}
	bodies := map[string]int{
		`{"values":{"lr":-0}}`: 200, `{"values":{"lr":-0.0}}`: 200, `{"texts":{"steps":"-0"}}`: 200,
		`{"values":{"name":"1; rm -rf"}}`: 200, // a text is a text
		`{"values":{"lr":"1; rm -rf"}}`:   422, `{"texts":{"lr":"1; rm -rf"}}`: 422, `{"values":{"lr":NaN}}`: 422, `{"values":{"lr":"NaN"}}`: 422,
		`{"values":{"lr":"Infinity"}}`: 422, `{"values":{"lr":Infinity}}`: 422, `{"texts":{"lr":"Infinity"}}`: 422, `{"texts":{"lr":"-Infinity"}}`: 422,
		`{"values":{"lr":1e400}}`: 422, `{"values":{"steps":-9223372036854775809}}`: 422, `{"texts":{"steps":"-9223372036854775809"}}`: 422,
		`{"values":{"steps":1e300}}`: 422, `{"texts":{"steps":"` + strings.Repeat("9", 100_000) + `"}}`: 422, `{"values":{"steps":` + strings.Repeat("9", 100_000) + `}}`: 422,
		`{"values":{"steps":1.5}}`: 422, `{"values":{"steps":true}}`: 422, `{"values":{"steps":null}}`: 422, `{"values":{"steps":[1]}}`: 422, `{"values":{"steps":{"a":1}}}`: 422,
		`{"values":{"name":1}}`: 422, `{"values":{"name":["a"]}}`: 422, `{"values":[1]}`: 422, `{"values":"lr=1"}`: 422, `[]`: 422, `"lr"`: 422, `null`: 400, `{`: 422, `{}`: 400,
		`{"values":{"lr":` + strings.Repeat("[", 100_000) + `}}`: 422, `{"values":{"lr":0.5},"if_revision":-1}`: 422, `{"values":{"lr":0.5},"if_revision":99}`: 409,
		`{"values":{"lr":0.5},"if_revision":"1"}`: 422, `{"values":{"lr":0.5},"at_step":"soon"}`: 422, `{"values":{"lr":0.5}}{"values":{"lr":0.1}}`: 422,
		`{"values":{"lr":0.5},"at_step":-1}`: 400, `{"values":{"lr":0.5},"take_it":true}`: 422, `{"value":{"lr":0.5}}`: 422,
	}
	for _, name := range append(hostileNames, "", " lr", "lr ", "LR", "lr.x", "__proto__", "trainer.lr") {
		data, err := json.Marshal(map[string]any{"values": map[string]any{name: 1}})
		if err != nil {
			t.Fatal(err)
		}
		bodies[string(data)] = 404
	}
	for body, want := range bodies {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, "http://mlhost/api/v1/scripts/trainer/parameters", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		response, err := f.http(t).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != want || len(data) > 20_000 {
			t.Errorf("%.60s: %d, want %d: %.300s, %v", body, response.StatusCode, want, data, err)
		}
	}
	for _, code := range []string{"rejected", "usage", "conflict", "not_found"} {
		if n := strings.Count(f.log.String(), `msg="a request was refused" code=`+code+" "); n != 1 {
			t.Errorf("%s: logged %d times:\n%s", code, n, f.log)
		}
	}
	_, err := f.Set(t.Context(), "trainer", v1.Set{Texts: map[string]string{"token": "1", "lr": "x"}})
	if rejected, ok := errors.AsType[*client.RejectedError](err); !ok || strings.Contains(fmt.Sprint(rejected.Outcomes), "secret") {
		t.Errorf("got %v", err)
	}
}

// What is wrong with a body is told in the words of JSON and of our document.
func TestBodiesAreExplained(t *testing.T) {
	w := quiet(t)
	for body, want := range map[string]string{
		`[]`:                         "the body wants an object, got a JSON array",
		`{"value":{"lr":1}}`:         `the body has an unknown key "value"; did you mean "values"?`,
		`{"hurry":1}`:                `the body has an unknown key "hurry"; the keys are at_step, id, if_revision, take, texts, values`,
		`{"values":{},"take":"yes"}`: "take in the body wants true or false, got a JSON string",
		`{"values":{}} {}`:           "the body has something behind its JSON",
		`{"values":{},"at_step":-1}`: "there is no step -1: steps count from 0",
	} {
		if _, _, data := w.ask(t, "PATCH", "/api/v1/scripts/trainer/parameters", body, bearer(token)); !strings.Contains(string(data), strings.ReplaceAll(want, `"`, `\"`)) {
			t.Errorf("%s: got %s", body, data)
		}
	}
}

// Thousands of connections on which nothing is said keep nobody out.
func TestIdleConnections(t *testing.T) {
	w := quiet(t)
	for range 3000 {
		conn, err := net.Dial("tcp", w.host)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	if status, _, data := w.ask(t, "GET", "/api/v1/scripts", "", bearer(token)); status != 200 {
		t.Errorf("another caller: %d %s", status, data)
	}
	if n := strings.Count(w.log.String(), "kind=connections"); n != 1 || strings.Count(w.log.String(), "\n") != 1 {
		t.Errorf("logged:\n%s", w.log)
	}
}
