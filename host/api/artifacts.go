package api

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// artifactRoutes registers the files that runs left behind. Only a file that a
// run is recorded to have written is handed out, and only under the very path
// that the list has.
func (a *API) artifactRoutes(api huma.API) {
	register(api, http.MethodGet, "/api/v1/runs/{run}/artifacts", "artifacts", "The files that a run left behind",
		func(ctx context.Context, in *RunPath) (v1.Artifacts, error) {
			run, err := a.findRun(ctx, in.Run)
			if err != nil {
				return v1.Artifacts{}, err
			}
			files, err := a.artifacts(ctx, run.ID)
			return v1.Artifacts{Run: run.ID, Artifacts: files}, err
		})
	op := huma.Operation{
		OperationID: "artifact", Method: http.MethodGet, Path: "/api/v1/runs/{run}/artifacts/file", Summary: "One of those files, as it is now",
		Responses: map[string]*huma.Response{"200": {
			Description: "The file",
			Content:     map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
		}},
	}
	huma.Register(api, op, func(ctx context.Context, in *struct {
		RunPath
		Path string `query:"path" required:"true" doc:"as the list has it"`
	}) (*huma.StreamResponse, error) {
		f, size, err := a.openArtifact(ctx, in.Run, in.Path)
		if err != nil {
			return nil, problem(err)
		}
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			_, w := humago.Unwrap(ctx)
			err := sendFile(w, f, size)
			if err = errors.Join(err, f.Close()); err != nil {
				// The answer has begun: the reader sees that it is cut off.
				a.Logger.Debug("artifact was not sent", "path", f.Name(), "error", err)
				panic(http.ErrAbortHandler)
			}
		}}, nil
	})
}

// openArtifact opens a file of a run: a plain file, and no link to one.
func (a *API) openArtifact(ctx context.Context, id, path string) (f *os.File, size int64, err error) {
	run, err := a.findRun(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	files, err := a.Store.Artifacts(ctx, run.ID)
	if err != nil {
		return nil, 0, err
	}
	if len(files) == 0 || !slices.ContainsFunc(files, func(one script.ArtifactWritten) bool { return one.Path == path }) {
		return nil, 0, script.Errorf(script.CodeNotFound, "run %s has no such file", run.ID).WithHint("ask for it under the path that the list of its artifacts has")
	}
	f, err = os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, script.Errorf(script.CodeNotFound, "the file is gone")
	case errors.Is(err, syscall.ELOOP):
		return nil, 0, script.Errorf(script.CodeConflict, "there is a link in its place now")
	case err != nil:
		return nil, 0, script.Errorf(script.CodeIO, "%v", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = script.Errorf(script.CodeConflict, "it is no plain file any more")
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

func sendFile(w http.ResponseWriter, f *os.File, size int64) error {
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	h.Set("X-Content-Type-Options", "nosniff")
	if d := mime.FormatMediaType("attachment", map[string]string{"filename": filepath.Base(f.Name())}); d != "" {
		h.Set("Content-Disposition", d)
	} else {
		h.Set("Content-Disposition", "attachment")
	}
	w.WriteHeader(http.StatusOK)
	_, err := io.CopyN(w, f, size)
	return err
}
