package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// huma makes the errors that it finds by itself (a body too large, a field of
// the wrong type) through this variable: let them look like all others.
func init() {
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		if status == http.StatusRequestEntityTooLarge {
			message = tooLarge
		}
		unread := status == http.StatusInternalServerError && message == "cannot read request body"
		var details []string
		for _, err := range errs {
			if err != nil {
				details = append(details, detail(err))
			}
		}
		if len(details) > 0 {
			message = strings.Join(details, "; ")
		}
		switch {
		case unread:
			status, message = http.StatusBadRequest, "the body is cut off or malformed: "+message
		case strings.HasPrefix(message, "unknown content type"):
			status = http.StatusUnsupportedMediaType
		case strings.HasPrefix(message, "query."), strings.HasPrefix(message, "header."):
			status = http.StatusBadRequest // our caller's mistake, no value of a person's
		}
		p := v1.NewProblem(&script.Error{Code: v1.CodeForStatus(status), Message: message})
		p.Status, p.Title = status, http.StatusText(status)
		return p
	}
}

// detail words one of huma's findings, without the value, which may be long.
func detail(err error) string {
	d, ok := errors.AsType[*huma.ErrorDetail](err)
	if !ok {
		return err.Error()
	}
	if d.Location == "" || d.Location == "body" {
		return d.Message
	}
	return d.Location + ": " + d.Message
}

// MaxBody is the most bytes of a request's body.
const MaxBody = 1 << 20

const tooLarge = "the request is larger than the 1 MiB that one may have"

// problem makes err an answer, unless it is one already.
func problem(err error) error {
	if p, ok := errors.AsType[*v1.Problem](err); ok {
		return p
	}
	return v1.NewProblem(err)
}

// writeProblem answers a request outside of huma.
func writeProblem(w http.ResponseWriter, err error) {
	writeProblemAs(w, v1.Status(script.AsError(err).Code), err)
}

// writeProblemAs does that with a status that is not the usual one of err.
func writeProblemAs(w http.ResponseWriter, status int, err error) {
	p := v1.NewProblem(err)
	p.Status, p.Title = status, http.StatusText(status)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the caller has gone when this fails
}
