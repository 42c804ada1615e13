//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
)

// stranger is a way to ask without being let in.
type stranger struct {
	name   string
	token  string // "": none is sent
	host   string // "": the right one
	header http.Header
	want   int
	public bool // what is there for everybody is not asked for
}

// entry asks every route by every method, in every way that must not be let
// in, and then looks that nothing has happened.
func entry(ctx context.Context, l *lab, o *outcome) error {
	other, err := l.open(ctx, "")
	if err != nil {
		return err
	}
	h, err := l.open(ctx, fmt.Sprintf("script \"good\" {\n  plugin = %q\n  parameters = { pause = 3600 }\n}\nscript \"idle\" {\n  plugin = %q\n  autostart = false\n}\n", l.plugin, l.plugin))
	if err != nil {
		return err
	}
	if err := h.reach(ctx, time.Minute, running, "good"); err != nil {
		return err
	}
	before, err := h.everything(ctx)
	if err != nil {
		return err
	}
	address, err := h.bound()
	if err != nil {
		return err
	}
	paths, err := h.paths(ctx)
	if err != nil {
		return err
	}
	strangers, err := h.strangers(other)
	if err != nil {
		return err
	}
	methods := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"}
	o.count("routes", float64(len(paths)))
	o.count("methods", float64(len(methods)))
	asked, in := 0, 0
	for _, s := range strangers {
		o.at("%s", s.name)
		for _, path := range paths {
			for _, method := range methods {
				if s.public && public(method, path) {
					continue
				}
				got, err := s.ask(ctx, method, address.HTTP, path)
				if err != nil {
					return fmt.Errorf("%s %s with %s: %w", method, path, s.name, err)
				}
				asked++
				if got != s.want {
					in++
					o.breaks("%s %s with %s: %d, not %d", method, path, s.name, got, s.want)
				}
			}
		}
	}
	o.count("requests", float64(asked))
	o.zero("let in, or refused by another status", in)
	if err := h.connectors(ctx, o, address, other); err != nil {
		return err
	}
	after, err := h.everything(ctx)
	if err != nil {
		return err
	}
	if diff := cmp.Diff(before, after); diff != "" {
		o.breaks("something has happened: %s", diff)
	}
	return nil
}

// open starts a host that listens on free TCP ports and asks for its token on
// each of them.
func (l *lab) open(ctx context.Context, config string) (*host, error) {
	h, err := l.newHost()
	if err != nil {
		return nil, err
	}
	h.listen, h.auth = "127.0.0.1:0", "token"
	if config == "" {
		config = fmt.Sprintf("script \"other\" {\n  plugin = %q\n  autostart = false\n}\n", l.plugin)
	}
	return h, h.launch(ctx, config)
}

// bound reads on which addresses the host listens.
func (h *host) bound() (v1.Listen, error) {
	var l v1.Listen
	text, err := os.ReadFile(filepath.Join(h.state, "c", "listen.json"))
	if err == nil {
		err = json.Unmarshal(text, &l)
	}
	if err == nil && (l.HTTP == "" || l.Connector == "") {
		err = fmt.Errorf("the host does not listen: %s", text)
	}
	return l, err
}

// paths lists what the host serves by its own account, with names in it that
// are there, and what it should not serve.
func (h *host) paths(ctx context.Context) ([]string, error) {
	now, err := h.all(ctx)
	if err != nil {
		return nil, err
	}
	names := strings.NewReplacer("{script}", "good", "{run}", now["good"].Run, "{parameter}", "code", "{name}", "n", "{file}", "page.css", "{verb}", "stop")
	text, err := h.get(ctx, "/api/openapi.json")
	if err != nil {
		return nil, err
	}
	var document struct {
		Paths map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	paths := []string{"/metrics", "/api/openapi.json", "/api/v1/nothing", "/debug/pprof/", "//api/v1/scripts", "/api/v1/../v1/scripts", "/static/../api/v1/scripts"}
	for path := range document.Paths {
		path = names.Replace(path)
		if strings.Contains(path, "{") {
			return nil, fmt.Errorf("no name is known for %s", path)
		}
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

// public reports whether a route is for everybody.
func public(method, path string) bool {
	reads := method == http.MethodGet || method == http.MethodHead
	return reads && (path == "/" || path == "/healthz" || path == "/static/page.css") || method == http.MethodPost && path == "/api/v1/login"
}

// strangers lists the ways to ask that must not be let in.
func (h *host) strangers(other *host) ([]stranger, error) {
	read := func(h *host, name string) (string, error) {
		text, err := os.ReadFile(filepath.Join(h.state, "c", name))
		return strings.TrimSpace(string(text)), err
	}
	own, err := read(h, "token")
	if err != nil {
		return nil, err
	}
	foreign, err := read(other, "token")
	if err != nil {
		return nil, err
	}
	connector, err := read(h, "connector.token")
	if err != nil {
		return nil, err
	}
	origin := func(o string) http.Header { return http.Header{"Origin": {o}} }
	return []stranger{
		{name: "no token", want: 401, public: true},
		{name: "another host's token", token: foreign, want: 401, public: true},
		{name: "the token for scripts", token: connector, want: 401, public: true},
		{name: "a part of the token", token: own[:len(own)-1], want: 401, public: true},
		{name: "the token in the query", header: http.Header{"Cookie": {"token=" + own}}, want: 401, public: true},
		{name: "the name of another site", token: own, host: "evil.example", want: 421},
		{name: "no name", token: own, host: "127.0.0.1.evil.example:80", want: 421},
		{name: "a page of another site", token: own, header: origin("https://evil.example"), want: 403},
		{name: "a page of no site", token: own, header: origin("null"), want: 403},
		{name: "a page on another port", token: own, header: origin("http://127.0.0.1:1"), want: 403},
	}, nil
}

// ask sends one request and returns the answer's status.
func (s stranger) ask(ctx context.Context, method, address, path string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+address+"/", strings.NewReader("{}"))
	if err != nil {
		return 0, err
	}
	request.URL.Path = path // as it is
	request.Header.Set("Content-Type", "application/json")
	maps.Copy(request.Header, s.header)
	if s.token != "" {
		request.Header.Set("Authorization", "Bearer "+s.token)
	}
	if s.host != "" {
		request.Host = s.host
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20))
	return answer.StatusCode, err
}

// connectors says connector commands on both ports, with no token and with
// wrong ones.
func (h *host) connectors(ctx context.Context, o *outcome, address v1.Listen, other *host) error {
	foreign, err := os.ReadFile(filepath.Join(other.state, "c", "connector.token"))
	if err != nil {
		return err
	}
	commands := []string{
		`"command":"status"`, `"command":"stop","script":"good"`, `"command":"execute","script":"idle"`,
		`"command":"set_parameter","script":"good","parameter":"code","value":7`, `"command":"get_scripts_info"`,
		`"command":"collaborate","source":"x","target":"good","data":1`, `"command":"broadcast","source":"x","data":1`,
		`"command":"register_script","script_name":"stranger","info":{}`,
	}
	tokens := []string{``, `,"token":""`, `,"token":"x"`, fmt.Sprintf(`,"token":%q`, strings.TrimSpace(string(foreign)))}
	asked, in := 0, 0
	for _, port := range []string{address.HTTP, address.Connector} {
		for _, command := range commands {
			for _, token := range tokens {
				answer, err := say(ctx, port, "{"+command+token+"}\n")
				if err != nil {
					return err
				}
				asked++
				if !strings.Contains(answer, `"error"`) {
					in++
					o.breaks("%s is answered: %s", command+token, answer)
				}
			}
		}
	}
	o.count("connector commands", float64(asked))
	o.zero("of them answered", in)
	return nil
}

// say sends a text by TCP and returns all that comes back.
func say(ctx context.Context, address, text string) (string, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, text); err != nil {
		return "", err
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	return string(answer), err
}

// everything is what a request could have changed.
type everything struct {
	PID        int
	Scripts    []v1.Script
	Parameters []v1.Parameter
	Runs       []v1.Run
	Mail       []v1.Message
	Listen     v1.Listen
}

func (h *host) everything(ctx context.Context) (e everything, err error) {
	if e.PID, err = h.pid(); err != nil {
		return e, err
	}
	scripts, err := h.Scripts(ctx)
	if err != nil {
		return e, err
	}
	for _, s := range scripts.Scripts {
		s.Uptime = nil // which always changes
		e.Scripts = append(e.Scripts, s)
	}
	parameters, err := h.Parameters(ctx, "good")
	if err != nil {
		return e, err
	}
	e.Parameters = parameters.Parameters
	runs, err := h.Runs(ctx, client.RunFilter{Limit: 1000})
	if err != nil {
		return e, err
	}
	e.Runs = runs.Runs
	box, err := h.Mailbox(ctx, "good")
	if err != nil {
		return e, err
	}
	e.Mail = box.Messages
	e.Listen, err = h.bound()
	return e, err
}
