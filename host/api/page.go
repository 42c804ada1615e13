package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/mlhost/mlhost/host/web"
)

// pageRoutes serve what needs no token: a page, its files, a sign of life.
func (a *API) pageRoutes() {
	a.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	a.mux.HandleFunc("GET /{$}", a.Site.ServeHTTP)
	a.mux.HandleFunc("GET "+web.Prefix+"{file}", func(w http.ResponseWriter, r *http.Request) {
		if !a.Site.Has(r.URL.Path) {
			a.notFound(w, r)
			return
		}
		a.Site.ServeHTTP(w, r)
	})
}

// describeBare adds to the document what is served without huma.
func describeBare(doc *huma.OpenAPI) {
	bare := func(id, path, summary, kind string, more ...func(*huma.Operation)) {
		op := &huma.Operation{
			OperationID: id, Method: http.MethodGet, Path: path, Summary: summary,
			Responses: map[string]*huma.Response{"200": {Description: http.StatusText(http.StatusOK), Content: map[string]*huma.MediaType{
				kind: {Schema: &huma.Schema{Type: huma.TypeString}},
			}}},
		}
		for _, f := range more {
			f(op)
		}
		doc.AddOperation(op)
	}
	bare("page", "/", "A page for people", "text/html", openToAll)
	bare("page-file", web.Prefix+"{file}", "A file of that page", "text/plain", openToAll, func(op *huma.Operation) {
		op.Parameters = []*huma.Param{{Name: "file", In: "path", Required: true, Description: "the name of the file", Schema: &huma.Schema{Type: huma.TypeString}}}
	})
	bare("healthz", "/healthz", "Whether the host is there", "text/plain", openToAll, func(op *huma.Operation) {
		op.Responses = map[string]*huma.Response{"204": {Description: "It is"}}
	})
	bare("metrics", "/metrics", "What Prometheus reads", "text/plain")
	bare("openapi", "/api/openapi.json", "This document", "application/openapi+json")
	bare("openapi-3.0", "/api/openapi-3.0.json", "This document in version 3.0 of OpenAPI", "application/openapi+json")
	bare("openapi-yaml", "/api/openapi.yaml", "This document as YAML", "application/openapi+yaml")
	bare("openapi-3.0-yaml", "/api/openapi-3.0.yaml", "This document in version 3.0 of OpenAPI, as YAML", "application/openapi+yaml")
}
