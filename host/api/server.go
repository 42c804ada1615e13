// Package api serves the host's HTTP API: JSON under /api/v1, errors as
// problem+json, events as server-sent events. It is served on the host's unix
// socket, to the same user and to root; package client is the same from Go,
// package v1 its JSON. The handlers hold no state of their own: what is true
// comes from the registry, what was kept from the store, what is wanted goes
// through the host's doors Send and Do.
package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/bus"
	"github.com/mlhost/mlhost/host/registry"
	"github.com/mlhost/mlhost/host/router"
	"github.com/mlhost/mlhost/host/store"
	"github.com/mlhost/mlhost/host/web"
	"github.com/mlhost/mlhost/shared/script"
)

// Options is what an API shows and whom it asks.
type Options struct {
	Host      string // its name
	Directory string // of its configuration
	Version   string
	Commit    string
	Registry  *registry.Registry
	Store     *store.Store
	Bus       *bus.Bus // nil: no events, as without a host
	Logger    *slog.Logger
	// Send carries a request to a script, Do carries out an operator's verb.
	Send func(ctx context.Context, m script.Message) (script.Reply, error)
	Do   func(ctx context.Context, c Command) (Outcome, error)
	// Plan tells what carrying out a configuration would do: the given one, or,
	// for nil, the host's own as its files are now. Reload does it.
	Plan   func(ctx context.Context, to *v1.Outline) (v1.Plan, error)
	Reload func(ctx context.Context) (v1.Plan, error)
	// ConfigStatus tells what is not carried out of the configuration, and why.
	ConfigStatus func() v1.ConfigStatus
	// Upgrade lets another mlhost, at path, carry on in this process.
	Upgrade func(ctx context.Context, path string) (version string, err error)
	// Succeeded reports whether another mlhost will answer when this one does not.
	Succeeded func() bool
	// Listen tells which TCP addresses are bound.
	Listen func() v1.Listen
	// Findings tells what the host has found out about its configuration.
	Findings func(ctx context.Context) []v1.Check
	// Notified tells what has become of notifications. Nil: there are none.
	Notified func(ctx context.Context) ([]Notified, error)
	// RouteStates tells what moves parameters and messages, and what each route
	// has done.
	RouteStates func(ctx context.Context) v1.Routes
	// Doctor makes all checks that a running host can make.
	Doctor func(ctx context.Context) []v1.Check
	// Notices tells what a person should know of the host itself.
	Notices func() []string
	// NewID makes ids of messages and sets; nil: router.NewID.
	NewID func() string
	Now   func() time.Time // nil: time.Now
	// Token is what callers by TCP must know. Without one nobody is let in.
	Token string
	// URL is the address of the page for people, "" without one.
	URL func() string
	// Site is the page for people; nil: the one that is built in.
	Site *web.Site
	// Backup writes a backup of the host.
	Backup func(ctx context.Context, w io.Writer) error
}

// API answers requests. It may serve several listeners at once.
type API struct {
	Options
	started time.Time
	mux     *routes
	noted   *noted // the same, with its refusals logged
	codes   codes
	metrics *metrics
	traffic traffic

	patience *graces // nil: what they are; of tests
}

// routes is a router that remembers what it serves.
type routes struct {
	http.ServeMux
	patterns []string
}

// HandleFunc registers a handler for a pattern.
func (r *routes) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	r.patterns = append(r.patterns, pattern)
	r.ServeMux.HandleFunc(pattern, h)
}

// Routes lists what is served, in the patterns of http.ServeMux.
func (a *API) Routes() []string { return slices.Clone(a.mux.patterns) }

// New makes a Server. It does not listen.
func New(o Options) *API {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewID == nil {
		o.NewID = router.NewID
	}
	if o.Site == nil {
		o.Site = web.Embedded()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	a := &API{Options: o, started: o.Now(), mux: &routes{}}
	a.noted = &noted{api: a, logged: map[string]time.Time{}}
	a.metrics = newMetrics(a)
	a.routes()
	return a
}

// Handler answers requests whose caller has been let in already.
func (a *API) Handler() http.Handler { return a.noted }

// endKey finds in a request's context a channel that is closed when the server
// is about to end.
type endKey struct{}

// untilEnd returns a context that ends with the server, for a request that would
// not come to an end by itself.
func untilEnd(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if server, ok := ctx.Value(endKey{}).(context.Context); ok {
		context.AfterFunc(server, cancel)
	}
	return ctx, cancel
}

// Serve answers on a unix socket until ctx ends; then it lets requests that
// are under way come to an end and closes the listener.
func (a *API) Serve(ctx context.Context, l net.Listener) error {
	return a.serve(ctx, l, &http.Server{
		Handler:           checkPeer(a.noted),
		ConnContext:       withPeer,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       5 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(logWriter{a.Logger}, "", 0),
	})
}

func (a *API) serve(ctx context.Context, l net.Listener, server *http.Server) error {
	base, cancel := context.WithCancel(context.WithValue(context.WithoutCancel(ctx), endKey{}, ctx))
	defer cancel()
	server.BaseContext = func(net.Listener) context.Context { return base }
	e := newEnding()
	server.Handler = e.handler(server.Handler)
	guard := server.ConnState
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		e.state(conn, state)
		if guard != nil {
			guard(conn, state)
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	if err := server.Serve(l); ctx.Err() == nil {
		return fmt.Errorf("serve API: %w", err)
	}
	hurry := time.AfterFunc(workGrace, cancel)
	defer hurry.Stop()
	ending, done := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer done()
	e.wait(ending, a.graces())
	if err := server.Shutdown(ending); err != nil {
		return fmt.Errorf("end API: %w", errors.Join(err, server.Close()))
	}
	return nil
}

// graces are how long connections are waited for when the server ends. At rest
// they are only where somebody else will answer who connects anew.
func (a *API) graces() graces {
	switch {
	case a.patience != nil:
		return *a.patience
	case a.Succeeded != nil && a.Succeeded():
		return graces{firstGrace, restGrace}
	}
	return graces{first: firstGrace}
}

// logWriter hands net/http's complaints to the logger.
type logWriter struct{ logger *slog.Logger }

func (w logWriter) Write(p []byte) (int, error) {
	w.logger.Warn("HTTP server", "message", string(p))
	return len(p), nil
}

// routes registers every operation.
func (a *API) routes() {
	config := huma.DefaultConfig("mlhost", a.Version)
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "/api/openapi", "", ""
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {
		Type: "http", Scheme: "bearer", Description: "The token of the host, or one got for a link's code",
	}}
	config.Security = []map[string][]string{{"token": {}}}
	config.CreateHooks = nil // no $schema member in our answers
	config.Formats = strictFormats()
	schemas := config.Components.Schemas
	anything := reflect.TypeFor[any]()
	schemas.RegisterTypeAlias(reflect.TypeFor[script.Value](), anything)
	schemas.RegisterTypeAlias(reflect.TypeFor[v1.Point](), reflect.TypeFor[[]any]())
	api := humago.New(a.mux, config)

	a.hostRoutes(api)
	a.scriptRoutes(api)
	a.setRoutes(api)
	a.messageRoutes(api)
	a.runRoutes(api)
	a.logRoutes(api)
	a.eventRoutes(api)
	a.overviewRoutes(api)
	a.artifactRoutes(api)
	a.planRoutes(api)
	a.loginRoutes(api)
	a.backupRoute(api)
	a.pageRoutes()
	a.metricsRoute()
	describeBare(api.OpenAPI())
	for _, data := range v1.EventData() {
		schemas.Schema(reflect.TypeOf(data), true, "")
	}
	a.mux.ServeMux.HandleFunc("/", a.notFound)
}

func (a *API) notFound(w http.ResponseWriter, r *http.Request) {
	err := script.Errorf(script.CodeNotFound, "there is no %s %s", r.Method, r.URL.Path)
	if allowed := a.methods(r); len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		writeProblemAs(w, http.StatusMethodNotAllowed, err.WithHint("it has %s", strings.Join(allowed, ", ")))
		return
	}
	writeProblem(w, err)
}

// methods lists the methods that a request's path has.
func (a *API) methods(r *http.Request) []string {
	var out []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		other := *r
		other.Method = method
		if _, pattern := a.mux.Handler(&other); strings.HasPrefix(pattern, method+" ") || method == http.MethodHead && strings.HasPrefix(pattern, "GET ") {
			out = append(out, method)
		}
	}
	return out
}

// register adds one operation: out is what its answer's body holds.
func register[In, Out any](api huma.API, method, path, id, summary string, f func(ctx context.Context, in *In) (Out, error), more ...func(*huma.Operation)) {
	op := huma.Operation{
		OperationID: id, Method: method, Path: path, Summary: summary,
		MaxBodyBytes: MaxBody,
		// A read deadline would cancel a request that waits for a script.
		BodyReadTimeout: -1,
		// Bodies are decoded into their own types; to validate them against
		// their schema first would decode each one twice.
		SkipValidateBody: true,
	}
	for _, f := range more {
		f(&op)
	}
	huma.Register(api, op, func(ctx context.Context, in *In) (*answer[Out], error) {
		out, err := f(ctx, in)
		if err != nil {
			return nil, problem(err)
		}
		return &answer[Out]{Body: out}, nil
	})
}

// openToAll marks an operation that needs no token.
func openToAll(op *huma.Operation) {
	op.Security = []map[string][]string{{}}
	op.BodyReadTimeout = publicPatience
}

func (a *API) configStatus() v1.ConfigStatus {
	if a.ConfigStatus == nil {
		return v1.ConfigStatus{Pending: []string{}}
	}
	return a.ConfigStatus()
}

func (a *API) listen() v1.Listen {
	if a.Listen == nil {
		return v1.Listen{}
	}
	return a.Listen()
}

func (a *API) notices() []string {
	if a.Notices == nil {
		return []string{}
	}
	return some(a.Notices())
}

type answer[T any] struct{ Body T }

type nothing struct{}

func (a *API) hostRoutes(api huma.API) {
	register(api, http.MethodGet, "/api/v1/version", "version", "The version of the host",
		func(context.Context, *nothing) (v1.Version, error) {
			return v1.Version{Version: a.Version, Commit: a.Commit, Go: runtime.Version()}, nil
		})
	register(api, http.MethodGet, "/api/v1/host", "host", "Which host this is",
		func(context.Context, *nothing) (v1.Host, error) {
			return v1.Host{Name: a.Host, PID: os.Getpid(), Started: a.started, Version: a.Version, Directory: a.Directory, Config: a.configStatus(), Notices: a.notices(), Listen: a.listen()}, nil
		})
	register(api, http.MethodGet, "/api/v1/findings", "findings", "What the host has found out about its configuration",
		func(ctx context.Context, _ *nothing) (v1.Checks, error) {
			if a.Findings == nil {
				return v1.Checks{Checks: []v1.Check{}}, nil
			}
			return v1.Checks{Checks: some(a.Findings(ctx))}, nil
		})
	register(api, http.MethodPost, "/api/v1/scan", "scan", "Look for scripts again",
		func(ctx context.Context, _ *nothing) (v1.Scanned, error) {
			out, err := a.Do(ctx, Command{Verb: Scan, Author: author(ctx)})
			return v1.Scanned{Scripts: some(out.Scripts)}, err
		})
	register(api, http.MethodPost, "/api/v1/down", "down", "Stop every script and end the host",
		func(ctx context.Context, in *struct {
			Hurry bool `query:"hurry" doc:"kill what does not end at once"`
		}) (v1.Scanned, error) {
			_, err := a.Do(ctx, Command{Verb: Down, Author: author(ctx), Hurry: in.Hurry})
			return v1.Scanned{Scripts: []string{}}, err
		})
}

// some returns xs, never nil: JSON lists are never null.
func some[T any](xs []T) []T {
	if xs == nil {
		return []T{}
	}
	return xs
}
