package v1

import (
	"net/http"

	"github.com/mlhost/mlhost/shared/script"
)

// ErrorBody is what the command line writes on stderr under --json.
type ErrorBody struct {
	Error script.Error `json:"error"`
}

// Problem is an error answer, application/problem+json: an RFC 9457 problem
// that carries our own error. Where a set was rejected it carries the
// outcomes too.
type Problem struct {
	Type     string      `json:"type" doc:"about:blank" example:"about:blank"`
	Title    string      `json:"title" doc:"of the HTTP status" example:"Not Found"`
	Status   int         `json:"status" doc:"the HTTP status" example:"404"`
	Detail   string      `json:"detail" doc:"the same as message" example:"there is no script trainr"`
	Code     script.Code `json:"code" doc:"what kind of error: usage, config_invalid, not_found, rejected, conflict, forbidden, unavailable, deadline, no_answerer, mailbox_full, internal and so on" example:"not_found"`
	Message  string      `json:"message" doc:"what is wrong, in a sentence" example:"there is no script trainr"`
	Hint     string      `json:"hint,omitempty" doc:"what to do about it" example:"did you mean trainer?"`
	At       string      `json:"at,omitempty" doc:"file and line in the configuration" example:"lab.hcl:12"`
	Rejected *Outcomes   `json:"rejected,omitempty" doc:"what became of each value of a set"`
}

// NewProblem makes the answer for err.
func NewProblem(err error) *Problem {
	e := script.AsError(err)
	status := Status(e.Code)
	return &Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: e.Message,
		Code: e.Code, Message: e.Message, Hint: e.Hint, At: e.At,
	}
}

// Err returns the error that p carries.
func (p *Problem) Err() *script.Error {
	return &script.Error{Code: p.Code, Message: p.Message, Hint: p.Hint, At: p.At}
}

// Error makes a Problem an error.
func (p *Problem) Error() string { return p.Err().Error() }

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType names the media type.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

var statuses = map[script.Code]int{
	script.CodeInternal:      http.StatusInternalServerError,
	script.CodeUsage:         http.StatusBadRequest,
	script.CodeConfigInvalid: http.StatusUnprocessableEntity,
	script.CodeNotFound:      http.StatusNotFound,
	script.CodeRejected:      http.StatusUnprocessableEntity,
	script.CodeConflict:      http.StatusConflict,
	script.CodeForbidden:     http.StatusForbidden,
	script.CodeUnavailable:   http.StatusConflict,
	script.CodeNotConnected:  http.StatusServiceUnavailable,
	script.CodeHostDown:      http.StatusServiceUnavailable,
	script.CodeHostRunning:   http.StatusConflict,
	script.CodeDeadline:      http.StatusGatewayTimeout,
	script.CodeMailboxFull:   http.StatusTooManyRequests,
	script.CodeNoAnswerer:    http.StatusNotFound,
	script.CodeHandlerFailed: http.StatusBadGateway,
	script.CodeDistributed:   http.StatusConflict,
	script.CodeIO:            http.StatusInsufficientStorage,
}

// Status returns the HTTP status of a code.
func Status(code script.Code) int {
	if s, ok := statuses[code]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// CodeForStatus returns the code that comes nearest to an HTTP status, for
// errors that the HTTP layer found by itself.
func CodeForStatus(status int) script.Code {
	switch {
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		return script.CodeNotFound
	case status == http.StatusRequestEntityTooLarge || status == http.StatusUnprocessableEntity:
		return script.CodeRejected
	case status == http.StatusForbidden || status == http.StatusUnauthorized:
		return script.CodeForbidden
	case status == http.StatusRequestTimeout:
		return script.CodeDeadline
	case status >= 400 && status < 500:
		return script.CodeUsage
	}
	return script.CodeInternal
}
