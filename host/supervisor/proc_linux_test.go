package supervisor

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

func TestHandleSeesTheEnd(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	h, err := openHandle(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := h.wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("waiting for a living process: %v", err)
	}
	began, err := startTime(cmd.Process.Pid)
	if err != nil || began == 0 {
		t.Fatalf("start time %d, %v", began, err)
	}
	if err := h.signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := h.wait(t.Context()); err != nil {
		t.Fatalf("waiting for a killed process: %v", err)
	}
	if _, err := startTime(cmd.Process.Pid); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("start time of a zombie: %v", err)
	}
	_ = cmd.Wait()
	if err := h.signal(syscall.SIGKILL); err != nil {
		t.Errorf("signal after the end: %v", err)
	}
}

// A daemon that forked twice and left its session is found by its mark, and
// nothing else is.
func TestKillMarkedFindsDaemons(t *testing.T) {
	run := NewRunID(time.Now())
	start := func(mark string) *exec.Cmd {
		cmd := exec.Command("sh", "-c", `trap "" TERM; setsid sh -c 'trap "" TERM; sleep 60 & sleep 60' & wait`)
		cmd.Env = append(os.Environ(), markName+"="+mark)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	mine, other := start(run), start(run+"x")
	defer func() {
		if err := killMarked(context.Background(), run+"x", 0); err != nil {
			t.Error(err)
		}
		_ = other.Wait()
	}()
	if err := killMarked(t.Context(), run, 10*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if err := mine.Wait(); err == nil {
		t.Error("the marked process ended well")
	}
	if left, err := marked(run); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
	if err := other.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("a process with another mark: %v", err)
	}
}
