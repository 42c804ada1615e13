package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// The exit codes of the program.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitConfig   = 3
	exitNotFound = 4
	exitRejected = 5
	exitFindings = 6
	exitNoHost   = 7
)

// exitCodes is the one table of what a kind of error means to a shell.
var exitCodes = map[script.Code]int{
	script.CodeInternal:      exitFailed,
	script.CodeUsage:         exitUsage,
	script.CodeConfigInvalid: exitConfig,
	script.CodeNotFound:      exitNotFound,
	script.CodeNoAnswerer:    exitNotFound,
	script.CodeRejected:      exitRejected,
	script.CodeConflict:      exitRejected,
	script.CodeForbidden:     exitRejected,
	script.CodeMailboxFull:   exitRejected,
	script.CodeDistributed:   exitRejected,
	script.CodeUnavailable:   exitFailed,
	script.CodeDeadline:      exitFailed,
	script.CodeHandlerFailed: exitFailed,
	script.CodeHostRunning:   exitFailed,
	script.CodeIO:            exitFailed,
	script.CodeHostDown:      exitNoHost,
	script.CodeNotConnected:  exitNoHost,
}

// silent is an error that has been told already, or is no error but a result.
type silent int

func (s silent) Error() string { return fmt.Sprintf("exit code %d", int(s)) }

// exitCode returns the exit code for what a verb ended with.
func exitCode(err error) int {
	if err == nil {
		return exitDone
	}
	if s, ok := errors.AsType[silent](err); ok {
		return int(s)
	}
	if code, ok := exitCodes[script.CodeOf(err)]; ok {
		return code
	}
	return exitFailed
}

// report tells an error on stderr: in words, or as JSON.
func (a *app) report(err error) {
	if _, ok := errors.AsType[silent](err); ok {
		return
	}
	e := script.AsError(err)
	if errors.Is(err, context.Canceled) {
		e = script.Errorf(script.CodeInternal, "interrupted")
	}
	if a.json {
		enc := json.NewEncoder(a.stderr)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(v1.ErrorBody{Error: *e}) // nowhere is left to say that this failed
		return
	}
	var b strings.Builder
	b.WriteString("mlhost: ")
	if e.At != "" {
		b.WriteString(e.At + ": ")
	}
	b.WriteString(e.Message)
	text := escapeText(b.String()) + "\n"
	if e.Hint != "" {
		text += "  hint: " + escapeText(e.Hint) + "\n"
	}
	fmt.Fprint(a.stderr, text)
}
