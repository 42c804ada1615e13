package api

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"time"

	v1 "github.com/mlhost/mlhost/host/api/v1"
)

// noted stands before the router and logs what of those who were let in was
// refused, where they wanted to change something: one of its kind a minute.
type noted struct {
	api *API

	mu     sync.Mutex
	logged map[string]time.Time // when a kind of refusal was last logged
}

// ServeHTTP implements http.Handler.
func (n *noted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		n.api.mux.ServeHTTP(w, r)
		return
	}
	note := &note{ResponseWriter: w}
	n.api.mux.ServeHTTP(note, r)
	if note.status < http.StatusBadRequest {
		return
	}
	var p v1.Problem
	_ = json.Unmarshal(note.body.Bytes(), &p) // of a long one the status says enough
	kind := string(p.Code)
	if kind == "" {
		kind = http.StatusText(note.status)
	}
	if !n.first(kind) {
		return
	}
	n.api.Logger.LogAttrs(r.Context(), slog.LevelWarn, "a request was refused",
		slog.String("code", kind), slog.String("reason", clip(p.Message)), slog.String("method", clip(r.Method)),
		slog.String("path", clip(r.URL.Path)), slog.String("author", author(r.Context())))
}

// first reports whether a refusal is to be logged.
func (n *noted) first(kind string) bool {
	now := n.api.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	if last, ok := n.logged[kind]; ok && now.Sub(last) < logRefusals {
		return false
	}
	n.logged[kind] = now
	return true
}

// note keeps the beginning of an answer that is a refusal.
type note struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

const maxNote = 16 << 10

func (n *note) WriteHeader(status int) {
	n.status = status
	n.ResponseWriter.WriteHeader(status)
}

func (n *note) Write(p []byte) (int, error) {
	if n.status >= http.StatusBadRequest && n.body.Len() < maxNote {
		n.body.Write(p[:min(len(p), maxNote-n.body.Len())])
	}
	return n.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (n *note) Unwrap() http.ResponseWriter { return n.ResponseWriter }
