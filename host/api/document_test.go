package api_test

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/host/api"
)

// operation is what the tests read of one.
type operation struct {
	OperationID string
	Summary     string
	Parameters  []struct{ Name, In string }

	path, method string
}

// operations are those of the document that a host serves, by path and method.
func operations(t *testing.T, w *web) []*operation {
	t.Helper()
	status, h, data := w.ask(t, "GET", "/api/openapi.json", "", bearer(token))
	if status != 200 || h.Get("Content-Type") != "application/openapi+json" {
		t.Fatalf("got %d %v", status, h)
	}
	var doc struct {
		OpenAPI string                           `json:"openapi"`
		Paths   map[string]map[string]*operation `json:"paths"`
	}
	if err := json.Unmarshal(data, &doc); err != nil || !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Fatal(doc.OpenAPI, err)
	}
	var out []*operation
	for path, methods := range doc.Paths {
		for method, op := range methods {
			op.path, op.method = path, strings.ToUpper(method)
			out = append(out, op)
		}
	}
	slices.SortFunc(out, func(a, b *operation) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.method, b.method))
	})
	return out
}

// The document says what is served: nothing more, nothing less.
func TestDocumentIsTheRoutes(t *testing.T) {
	w := newWeb(t, api.TCPOptions{})
	var told []string
	ids := map[string]bool{}
	for _, op := range operations(t, w) {
		told = append(told, op.method+" "+op.path)
		if op.OperationID == "" || ids[op.OperationID] || op.Summary == "" {
			t.Errorf("%s %s: the name %q, the summary %q", op.method, op.path, op.OperationID, op.Summary)
		}
		ids[op.OperationID] = true
	}
	var served []string
	for _, pattern := range w.api.Routes() {
		served = append(served, strings.Replace(pattern, "{$}", "", 1))
	}
	slices.Sort(told)
	slices.Sort(served)
	if diff := gocmp.Diff(served, told); diff != "" {
		t.Errorf("served, not told (-), told, not served (+):\n%s", diff)
	}
}
