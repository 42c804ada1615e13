package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// backupRoute registers the backup of the host, which is a stream too.
func (a *API) backupRoute(api huma.API) {
	op := huma.Operation{
		OperationID: "backup", Method: http.MethodGet, Path: "/api/v1/backup", Summary: "Everything that the host keeps, as one archive",
		Responses: map[string]*huma.Response{"200": {
			Description: "A gzipped tar archive; one that is cut off has no manifest at its end",
			Content:     map[string]*huma.MediaType{"application/gzip": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
		}},
	}
	huma.Register(api, op, func(context.Context, *nothing) (*huma.StreamResponse, error) {
		if a.Backup == nil {
			return nil, problem(errNoHost())
		}
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			r, w := humago.Unwrap(ctx)
			out := &lateWriter{w: w}
			err := a.Backup(r.Context(), out)
			switch {
			case err == nil:
				return
			case !out.begun:
				writeProblem(w, err)
			default: // the answer has begun: its reader sees that it is cut off
				a.Logger.Warn("backup ended", "error", err)
				panic(http.ErrAbortHandler)
			}
		}}, nil
	})
}

// lateWriter begins the answer with its first bytes, so that what fails before
// them is answered by an error.
type lateWriter struct {
	w     http.ResponseWriter
	begun bool
}

// Write implements io.Writer.
func (l *lateWriter) Write(p []byte) (int, error) {
	if !l.begun {
		l.w.Header().Set("Content-Type", "application/gzip")
		l.begun = true
	}
	return l.w.Write(p)
}
