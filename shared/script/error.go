package script

import (
	"context"
	"errors"
	"fmt"
)

// Code classifies an Error. Codes are part of every interface: they appear in
// JSON and map to one exit code, HTTP status and gRPC status each.
type Code string

// The codes.
const (
	CodeInternal      Code = "internal"
	CodeUsage         Code = "usage"
	CodeConfigInvalid Code = "config_invalid"
	CodeNotFound      Code = "not_found"
	CodeRejected      Code = "rejected"         // a value or an action is refused, for the reason given
	CodeConflict      Code = "conflict"         // the revision is another one, or somebody else owns it
	CodeForbidden     Code = "forbidden"        // collaboration is not allowed
	CodeUnavailable   Code = "unavailable"      // the script does not run
	CodeNotConnected  Code = "not_connected"    // there is no host
	CodeHostDown      Code = "host_not_running" // the command needs a host
	CodeHostRunning   Code = "host_running"     // the state directory is in use
	CodeDeadline      Code = "deadline"         // no answer in time; the outcome is unknown
	CodeMailboxFull   Code = "mailbox_full"
	CodeNoAnswerer    Code = "no_answerer" // the target does not answer the topic
	CodeHandlerFailed Code = "handler_failed"
	CodeDistributed   Code = "distributed"
	CodeIO            Code = "io" // the disk is full, or not writable
)

// Error is an error that a person reads: what is wrong, and what to do next.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
	At      string `json:"at"` // file:line,column of the configuration, where it is to blame
}

// Error returns the message, led by the place and followed by the hint.
func (e *Error) Error() string {
	s := e.Message
	if e.At != "" {
		s = e.At + ": " + s
	}
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

// Errorf makes an Error without a hint.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// WithHint returns e with the hint added.
func (e *Error) WithHint(format string, args ...any) *Error {
	c := *e
	c.Hint = fmt.Sprintf(format, args...)
	return &c
}

// AsError returns the Error in err's chain. Any other error becomes one of
// code internal, a passed deadline one of code deadline, and nil stays nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &Error{Code: CodeDeadline, Message: err.Error()}
	}
	return &Error{Code: CodeInternal, Message: err.Error()}
}

// CodeOf returns the code of err, "" for nil.
func CodeOf(err error) Code {
	if e := AsError(err); e != nil {
		return e.Code
	}
	return ""
}
