package interpreter

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

func TestStopLeavesNothing(t *testing.T) {
	h := newHost(t)
	j := launch(t, h, "bash", `
trap '' TERM
(setsid bash -c 'trap "" TERM; (setsid sleep 1000 &); sleep 1000' >/dev/null 2>&1 </dev/null &)
sleep 1000 & echo up; while true; do wait; sleep 0.1; done`, nil)
	h.waitLine("stdout", "up")
	for deadline := time.Now().Add(limit); len(h.alive()) != 4; { // the shell and three sleeps
		if time.Now().After(deadline) {
			t.Fatalf("there are %v", h.alive())
		}
		time.Sleep(time.Millisecond) // forks tell nobody that they are done
	}
	start := time.Now()
	j.stop(t.Context(), 300*time.Millisecond)
	if left := h.alive(); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("the stop took %s", took)
	}
	if code, _ := j.wait(t); code != 137 {
		t.Errorf("exit code %d", code)
	}
}

func TestStopIsPolite(t *testing.T) {
	h := newHost(t)
	j := launch(t, h, "bash", `trap 'echo bye; exit 4' TERM; echo up; while true; do sleep 0.05; done`, nil)
	h.waitLine("stdout", "up")
	j.stop(t.Context(), limit)
	if code, _ := j.wait(t); code != 4 || !strings.Contains(strings.Join(h.lines("stdout"), "\n"), "bye") {
		t.Errorf("exit code %d", code)
	}
}

func TestStopOfAPausedScript(t *testing.T) {
	h := newHost(t)
	j := launch(t, h, "bash", `trap 'exit 4' TERM; echo up; while true; do sleep 0.05; done`, nil)
	h.waitLine("stdout", "up")
	if err := j.pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, state := processStat(j.proc.pid); state != 'T' {
		t.Errorf("the paused script is in state %c", state)
	}
	j.stop(t.Context(), limit)
	if code, _ := j.wait(t); code != 4 {
		t.Errorf("exit code %d", code)
	}
}

func TestPauseBySignal(t *testing.T) {
	h := newHost(t)
	j := launch(t, h, "bash", `i=0; while true; do echo $((i++)); sleep 0.01; done`, nil)
	h.waitLine("stdout", "3")
	for range 2 { // the second is the same
		if err := j.pause(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := len(h.lines("stdout"))
	wait(h, func(l script.LogLine) bool { return l.Stream == "stdout" && len(l.Text) > 0 && atoi(l.Text) > seen+3 })
	j.stop(t.Context(), limit)
}

// TestPauseOfAScriptThatDoesNotListen: the signal comes before the caller has
// lost patience.
func TestPauseOfAScriptThatDoesNotListen(t *testing.T) {
	h := newHost(t)
	j := launch(t, h, "bash", `echo up; while true; do sleep 0.05; done`, withLines)
	h.waitLine("stdout", "up")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := j.pause(ctx); err != nil || !j.isFrozen() {
		t.Fatal(err)
	}
	if _, err := j.answer(t.Context(), script.Message{Topic: "x"}); script.CodeOf(err) != script.CodeUnavailable {
		t.Error(err)
	}
	start := time.Now()
	if err := j.resume(t.Context()); err != nil || j.isFrozen() || time.Since(start) > pauseTime {
		t.Error(err)
	}
	j.stop(t.Context(), time.Second)
}

func atoi(s string) int {
	n := 0
	for _, c := range s {
		n = n*10 + int(c-'0')
	}
	return n
}
