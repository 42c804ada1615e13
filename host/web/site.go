// Package web holds the dashboard: its sources in TypeScript, what was built
// of them, and the handler that serves it. What it serves needs no token, and
// is the same for everybody: a page and its files. Everything else the page
// asks the API for.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Prefix begins the path of every file but the page itself.
const Prefix = "/static/"

// Policy is the Content-Security-Policy of the page: nothing but its own
// files, no script or style within the page, nothing that is made from text.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; worker-src 'self'; connect-src 'self'; " +
	"img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"

// Site serves the files of one build. It is safe for concurrent use.
type Site struct {
	files map[string]*file // by the path of the URL
}

// file is one file, in the forms in which it is served.
type file struct {
	body   []byte
	zipped func() []byte // nil where that is not shorter
	kind   string
	etag   string
	cache  string
}

// New reads a build: index.html, and static/ beside it.
func New(build fs.FS) (*Site, error) {
	s := &Site{files: map[string]*file{}}
	err := fs.WalkDir(build, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		url := "/" + name
		if name == "index.html" {
			url = "/"
		} else if !strings.HasPrefix(url, Prefix) {
			return nil
		}
		body, err := fs.ReadFile(build, name)
		if err == nil {
			s.files[url] = newFile(name, body)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read dashboard: %w", err)
	}
	if s.files["/"] == nil {
		return nil, errors.New("read dashboard: it has no index.html")
	}
	return s, nil
}

// hashed matches the names that Vite gives: another content, another name.
var hashed = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`-[A-Za-z0-9_-]{8}\.[a-z0-9]+$`) })

func newFile(name string, body []byte) *file {
	sum := sha256.Sum256(body)
	f := &file{body: body, kind: kindOf(name), etag: hex.EncodeToString(sum[:12]), cache: "no-cache"}
	if hashed().MatchString(name) {
		f.cache = "public, max-age=31536000, immutable"
	}
	f.zipped = sync.OnceValue(func() []byte {
		var out bytes.Buffer
		w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // the level is a valid one
		_, err := w.Write(body)
		if err = errors.Join(err, w.Close()); err != nil || out.Len() >= len(body) {
			return nil
		}
		return out.Bytes()
	})
	return f
}

// kinds are the media types of our files: a machine's own table may say that
// a script is text/plain, which browsers then refuse to run.
var kinds = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml", ".png": "image/png", ".json": "application/json", ".webmanifest": "application/manifest+json",
	".txt": "text/plain; charset=utf-8",
}

func kindOf(name string) string {
	ext := path.Ext(name)
	if kind, ok := kinds[ext]; ok {
		return kind
	}
	if kind := mime.TypeByExtension(ext); kind != "" {
		return kind
	}
	return "application/octet-stream"
}

// Has reports whether a file is served at a path.
func (s *Site) Has(path string) bool { return s.files[path] != nil }

// Paths lists what is served, sorted.
func (s *Site) Paths() []string {
	out := make([]string, 0, len(s.files))
	for path := range s.files {
		out = append(out, path)
	}
	slices.Sort(out)
	return out
}

// ServeHTTP answers GET and HEAD for a path that Has knows, and 404 else.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := s.files[r.URL.Path]
	if f == nil {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", Policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", f.cache)
	h.Set("Vary", "Accept-Encoding")
	body, etag := f.body, f.etag
	if takesGzip(r.Header.Get("Accept-Encoding")) {
		if zipped := f.zipped(); zipped != nil {
			h.Set("Content-Encoding", "gzip")
			body, etag = zipped, etag+"-gz"
		}
	}
	etag = `"` + etag + `"`
	h.Set("ETag", etag)
	if matches(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", f.kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // whoever asked has gone: nobody is left to tell
	}
}

// takesGzip reads an Accept-Encoding header.
func takesGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, q, weighed := strings.Cut(strings.TrimSpace(part), ";")
		if strings.TrimSpace(name) != "gzip" {
			continue
		}
		weight, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(q), "q="), 64)
		return !weighed || err == nil && weight > 0
	}
	return false
}

// matches reads an If-None-Match header.
func matches(header, etag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		if part = strings.TrimSpace(part); part == "*" || strings.TrimPrefix(part, "W/") == etag {
			return true
		}
	}
	return false
}
