package api

import (
	"context"
	"crypto/x509"
	"log"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// TCPOptions is what the API over TCP is made of.
type TCPOptions struct {
	// TokenFile is where people find the token.
	TokenFile string
	// Certificate returns the one that is served; nil without TLS. Callers may
	// reach us by its names.
	Certificate func() *x509.Certificate
	// Hosts are further names by which callers may reach us.
	Hosts []string
}

// TCP answers requests that come by TCP: from whoever knows the token, has
// called us by a name of ours, and is no page of another site. Nothing else of
// a request is looked at before that.
func (a *API) TCP(o TCPOptions) http.Handler {
	return a.newGuard(o)
}

func (a *API) newGuard(o TCPOptions) *guard {
	g := &guard{TCPOptions: o, api: a, logged: map[string]time.Time{}}
	g.conns = newConns(maxConns, g.tooMany, g.unread)
	return g
}

// ServeTCP answers HTTP on a listener until ctx ends. Where the connections
// are to be encrypted the listener does that.
func (a *API) ServeTCP(ctx context.Context, l net.Listener, o TCPOptions) error {
	g := a.newGuard(o)
	return a.serve(ctx, l, &http.Server{
		Handler:                      g,
		ConnState:                    g.conns.state,
		ConnContext:                  g.conns.context,
		ReadHeaderTimeout:            10 * time.Second,
		IdleTimeout:                  5 * time.Minute,
		MaxHeaderBytes:               64 << 10,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     log.New(serverLog{g}, "", 0),
	})
}

// guard stands before the router. It holds for every path and method.
type guard struct {
	TCPOptions
	api   *API
	conns *conns

	mu     sync.Mutex
	logged map[string]time.Time // when a kind of refusal was last logged
}

// logRefusals is how often one kind of refusal is logged at most.
const logRefusals = time.Minute

const (
	// refusedPatience is how long the rest of a refused request may take.
	refusedPatience = time.Second
	// publicPatience is how long the body of one may take that needs no token.
	publicPatience = 5 * time.Second
)

// refusal is why a request is not let in.
type refusal struct {
	status int
	kind   string // for counting: one of a few
	err    *script.Error
}

// The kinds of refusals.
const (
	wrongHost   = "host"
	wrongOrigin = "origin"
	wrongToken  = "token"
	localOnly   = "local_only"
	wrongType   = "content_type"
	tooLong     = "too_large"
	tooManyOpen = "connections"
	noRequest   = "malformed"
	noTLS       = "tls"
)

// ServeHTTP lets a request through to the router, or refuses it.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.conns.heard(r.Context())
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'") // the page has its own
	if no := g.check(r); no != nil {
		g.refuse(w, r, no)
		return
	}
	g.api.noted.ServeHTTP(w, r)
}

func (g *guard) check(r *http.Request) *refusal {
	if !g.ours(r) {
		return &refusal{http.StatusMisdirectedRequest, wrongHost,
			script.Errorf(script.CodeForbidden, "this host is not called %q", clip(r.Host)).
				WithHint("call it by its address or as localhost, or name it in allowed_hosts of the host block")}
	}
	if origin := r.Header.Get("Origin"); len(r.Header["Origin"]) > 0 && !sameOrigin(origin, r.Host) {
		return &refusal{http.StatusForbidden, wrongOrigin,
			script.Errorf(script.CodeForbidden, "requests of pages from %q are not answered", clip(origin))}
	}
	if g.public(r) {
		return g.checkBody(r)
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return &refusal{http.StatusForbidden, wrongOrigin,
			script.Errorf(script.CodeForbidden, "requests that a page of another site makes are not answered")}
	}
	if !g.known(r) {
		message := "a token is needed"
		if r.Header.Get("Authorization") != "" {
			message = "this is not the token of this host"
		}
		return &refusal{http.StatusUnauthorized, wrongToken,
			script.Errorf(script.CodeForbidden, "%s", message).
				WithHint("send the one in %s as `Authorization: Bearer TOKEN`", g.TokenFile)}
	}
	if slices.Contains(localPaths, r.URL.Path) {
		return &refusal{http.StatusForbidden, localOnly,
			script.Errorf(script.CodeForbidden, "%s is possible on the host's own machine only", r.URL.Path).
				WithHint("run the verb there")}
	}
	return g.checkBody(r)
}

// localPaths are for the user on the host's machine alone.
var localPaths = []string{upgradePath}

// public reports whether a request needs no token: the page and its files,
// the sign of life, and the exchange of a link's code.
func (g *guard) public(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return r.URL.Path == "/healthz" || g.api.Site.Has(r.URL.Path)
	case http.MethodPost:
		return r.URL.Path == loginPath
	}
	return false
}

// checkBody refuses bodies that are not said to be JSON: those are what a
// form on a page can send.
func (g *guard) checkBody(r *http.Request) *refusal {
	if r.ContentLength == 0 && len(r.TransferEncoding) == 0 {
		return nil
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return &refusal{http.StatusUnsupportedMediaType, wrongType, script.Errorf(script.CodeUsage, "a %s has no body", r.Method)}
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err == nil && kind == "application/json" {
		if r.ContentLength > MaxBody {
			return &refusal{http.StatusRequestEntityTooLarge, tooLong, script.Errorf(script.CodeRejected, tooLarge)}
		}
		return nil
	}
	return &refusal{http.StatusUnsupportedMediaType, wrongType,
		script.Errorf(script.CodeUsage, "the body of a request is JSON").WithHint("send it with `Content-Type: application/json`")}
}

// known reports whether the request carries the token, or one made of it.
func (g *guard) known(r *http.Request) bool {
	values := r.Header.Values("Authorization")
	if len(values) != 1 || g.api.Token == "" {
		return false
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return false
	}
	token = strings.TrimSpace(token)
	return equal(token, g.api.Token) || validSession(g.api.Token, token, g.api.Now())
}

// ours reports whether the request is for us: a page can let its own name
// lead to our address, but the browser tells us that name.
func (g *guard) ours(r *http.Request) bool {
	name := hostName(r.Host)
	if name == "" {
		return false
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	if ip, err := netip.ParseAddr(name); err == nil && !ip.Is4In6() { // nobody writes ::ffff:127.0.0.1
		if ip.IsLoopback() {
			return true
		}
		local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
		if ok && local.AddrPort().Addr().Unmap().WithZone("") == ip.WithZone("") {
			return true
		}
	}
	for _, host := range g.Hosts {
		if strings.EqualFold(host, name) || strings.EqualFold(host, r.Host) {
			return true
		}
	}
	return g.Certificate != nil && g.Certificate().VerifyHostname(name) == nil
}

// hostName returns the host of a Host header without its port, "" where it is
// none.
func hostName(host string) string {
	u, err := url.Parse("//" + host)
	if err != nil || u.Host != host || u.User != nil {
		return ""
	}
	return strings.TrimSuffix(u.Hostname(), ".")
}

// sameOrigin reports whether a page comes from us.
func sameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && strings.EqualFold(u.Host, host)
}

func (g *guard) refuse(w http.ResponseWriter, r *http.Request, no *refusal) {
	if no.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="mlhost"`)
	}
	if r.ContentLength != 0 {
		w.Header().Set("Connection", "close") // its body is not read
		// net/http reads what is left of a short one, for as long as that takes.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(refusedPatience))
	}
	g.api.metrics.refused.WithLabelValues(no.kind).Inc()
	if g.first(no.kind) {
		g.api.Logger.LogAttrs(r.Context(), slog.LevelWarn, "HTTP request refused",
			slog.String("kind", no.kind), slog.String("reason", no.err.Message), slog.String("method", clip(r.Method)),
			slog.String("path", clip(r.URL.Path)), slog.String("from", r.RemoteAddr))
	}
	writeProblemAs(w, no.status, no.err)
}

// tooMany tells of a connection that was closed because there are too many.
func (g *guard) tooMany(from net.Addr) {
	g.closed(tooManyOpen, from, "there are too many")
}

// unread tells of a connection that said something of which net/http has not
// made a request: it has no Host or two, its head is too large or too slow.
func (g *guard) unread(from net.Addr) {
	g.closed(noRequest, from, "what it said is no request: malformed, too large, too slow or cut off")
}

// serverLog hands net/http's complaints to the logger; that a stranger speaks
// no TLS, or another one, is a refusal.
type serverLog struct{ g *guard }

func (l serverLog) Write(p []byte) (int, error) {
	text, ok := strings.CutPrefix(strings.TrimSpace(string(p)), "http: TLS handshake error from ")
	if !ok {
		return logWriter{l.g.api.Logger}.Write(p)
	}
	l.g.api.metrics.refused.WithLabelValues(noTLS).Inc()
	if l.g.first(noTLS) {
		l.g.api.Logger.Warn("an HTTP connection was closed: no TLS handshake", "kind", noTLS, "from", clip(text))
	}
	return len(p), nil
}

func (g *guard) closed(kind string, from net.Addr, why string) {
	g.api.metrics.refused.WithLabelValues(kind).Inc()
	if g.first(kind) {
		g.api.Logger.Warn("an HTTP connection was closed: "+why, "kind", kind, "from", from.String())
	}
}

// first reports whether a refusal is to be logged: one of its kind a minute.
func (g *guard) first(kind string) bool {
	now := g.api.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if last, ok := g.logged[kind]; ok && now.Sub(last) < logRefusals {
		return false
	}
	g.logged[kind] = now
	return true
}

// clip shortens what a stranger has sent.
func clip(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
