package main

import (
	"errors"
	"fmt"
	"testing"

	"github.com/mlhost/mlhost/shared/script"
)

func TestExitCode(t *testing.T) {
	for code, want := range map[script.Code]int{
		script.CodeInternal: 1, script.CodeUsage: 2, script.CodeConfigInvalid: 3, script.CodeNotFound: 4,
		script.CodeNoAnswerer: 4, script.CodeRejected: 5, script.CodeConflict: 5, script.CodeForbidden: 5,
		script.CodeMailboxFull: 5, script.CodeDistributed: 5, script.CodeUnavailable: 1, script.CodeDeadline: 1,
		script.CodeHandlerFailed: 1, script.CodeHostRunning: 1, script.CodeIO: 1, script.CodeHostDown: 7,
		script.CodeNotConnected: 7, "a code of a later version": 1,
	} {
		if got := exitCode(fmt.Errorf("set: %w", script.Errorf(code, "no"))); got != want {
			t.Errorf("exit code of %s = %d, want %d", code, got, want)
		}
	}
	if got := exitCode(nil); got != 0 {
		t.Errorf("exit code of no error = %d", got)
	}
	if got := exitCode(errors.Join(silent(6), nil)); got != 6 {
		t.Errorf("exit code of findings = %d", got)
	}
	if got := exitCode(errors.New("anything")); got != 1 {
		t.Errorf("exit code of a plain error = %d", got)
	}
}
