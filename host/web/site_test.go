package web_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mlhost/mlhost/host/web"
)

func site(t *testing.T) *web.Site {
	t.Helper()
	s, err := web.New(fstest.MapFS{
		"index.html":                  {Data: []byte("<!doctype html>" + strings.Repeat("page ", 100))},
		"static/app-Ab3_x-9Z.js":      {Data: []byte(strings.Repeat("export default 1;\n", 100))},
		"static/page.css":             {Data: []byte("a{}")},
		"placeholder.txt":             {Data: []byte("not served")},
		"static/deep/er-12345678.svg": {Data: []byte("<svg/>")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// answer is what a test looks at of a response.
type answer struct {
	status int
	header http.Header
	body   string
}

func ask(s *web.Site, method, path string, header ...string) answer {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

func TestServes(t *testing.T) {
	s := site(t)
	for path, kind := range map[string]string{
		"/": "text/html; charset=utf-8", "/static/app-Ab3_x-9Z.js": "text/javascript; charset=utf-8",
		"/static/page.css": "text/css; charset=utf-8", "/static/deep/er-12345678.svg": "image/svg+xml",
	} {
		r := ask(s, http.MethodGet, path)
		if r.status != 200 || r.header.Get("Content-Type") != kind || r.header.Get("X-Content-Type-Options") != "nosniff" || !s.Has(path) {
			t.Errorf("%s: %d %v", path, r.status, r.header)
		}
	}
	for _, path := range []string{"/index.html", "/placeholder.txt", "/static/", "/static/none.js", "/static/../index.html", "/script/trainer"} {
		if r := ask(s, http.MethodGet, path); r.status != 404 || s.Has(path) {
			t.Errorf("%s: %d", path, r.status)
		}
	}
}

// The page may run and show its own files alone.
func TestPolicy(t *testing.T) {
	got := ask(site(t), http.MethodGet, "/").header.Get("Content-Security-Policy")
	if !strings.Contains(got, "default-src 'none'") || strings.Contains(got, "unsafe") || !strings.Contains(got, "frame-ancestors 'none'") {
		t.Error(got)
	}
}

func TestCaching(t *testing.T) {
	s := site(t)
	for path, want := range map[string]string{"/": "no-cache", "/static/page.css": "no-cache", "/static/app-Ab3_x-9Z.js": "public, max-age=31536000, immutable"} {
		r := ask(s, http.MethodGet, path)
		if got := r.header.Get("Cache-Control"); got != want {
			t.Errorf("%s: %q", path, got)
		}
		again := ask(s, http.MethodGet, path, "If-None-Match", `"other", W/`+r.header.Get("ETag"))
		if again.status != 304 || again.body != "" {
			t.Errorf("%s: %d with its own tag", path, again.status)
		}
	}
}

func TestGzip(t *testing.T) {
	s := site(t)
	plain := ask(s, http.MethodGet, "/")
	zipped := ask(s, http.MethodGet, "/", "Accept-Encoding", "br, gzip;q=0.5")
	if zipped.header.Get("Content-Encoding") != "gzip" || zipped.header.Get("Vary") != "Accept-Encoding" || zipped.header.Get("ETag") == plain.header.Get("ETag") {
		t.Fatal(zipped.header)
	}
	r, err := gzip.NewReader(strings.NewReader(zipped.body))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil || string(data) != plain.body {
		t.Error(len(data), err)
	}
	for _, header := range []string{"gzip;q=0", "br", "", "gzip;q=x"} {
		if r := ask(s, http.MethodGet, "/", "Accept-Encoding", header); r.header.Get("Content-Encoding") != "" {
			t.Errorf("%q: %v", header, r.header)
		}
	}
	if r := ask(s, http.MethodGet, "/static/page.css", "Accept-Encoding", "gzip"); r.header.Get("Content-Encoding") != "" {
		t.Error("a file that does not get shorter is compressed")
	}
	if r := ask(s, http.MethodHead, "/"); r.body != "" || r.header.Get("Content-Length") == "0" {
		t.Error(r.header)
	}
}

func TestNoIndex(t *testing.T) {
	if _, err := web.New(fstest.MapFS{"static/x.js": {}}); err == nil {
		t.Error("a build without a page is taken")
	}
}

var attributes = regexp.MustCompile(`(?:src|href)="([^"]*)"`)

// What this program was built with is whole: every file that the page names is
// there, nothing in it would break its own policy, and its JavaScript stays
// below 150 KB compressed.
func TestEmbedded(t *testing.T) {
	s := web.Embedded()
	page := ask(s, http.MethodGet, "/").body
	for _, m := range attributes.FindAllStringSubmatch(page, -1) {
		if !s.Has(m[1]) {
			t.Errorf("the page names %s, which is not there", m[1])
		}
	}
	if regexp.MustCompile(`<script[^>]*>[^<]|<style| style=| on[a-z]+="`).MatchString(page) {
		t.Errorf("the page has script or style within it:\n%s", page)
	}
	total := 0
	for _, path := range s.Paths() {
		if !strings.HasSuffix(path, ".js") {
			continue
		}
		text := ask(s, http.MethodGet, path).body
		if strings.Contains(text, "new Function(") || regexp.MustCompile(`[^\w.$]eval\(`).MatchString(text) {
			t.Errorf("%s makes code from text", path)
		}
		var zipped bytes.Buffer
		w := gzip.NewWriter(&zipped)
		if _, err := io.WriteString(w, text); err != nil || w.Close() != nil {
			t.Fatal(err)
		}
		total += zipped.Len()
	}
	if total > 150_000 {
		t.Errorf("JavaScript of %d bytes, compressed", total)
	}
	t.Logf("JavaScript: %d bytes compressed", total)
}
