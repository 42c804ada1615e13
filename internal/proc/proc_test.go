//go:build linux

package proc_test

import (
	"os/exec"
	"testing"
	"time"

	"github.com/mlhost/mlhost/internal/proc"
)

func TestProcess(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo; read x")
	cmd.Env = []string{"MARK=a b", "PATH=/bin:/usr/bin"}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	if !proc.Lives(pid) {
		t.Error("it does not live")
	}
	if used, err := proc.CPU(pid); err != nil || used <= time.Millisecond || used > time.Minute {
		t.Errorf("CPU: %v, %v", used, err)
	}
	resident, err := proc.Resident(pid)
	if err != nil || resident <= 0 {
		t.Errorf("memory: %v, %v", resident, err)
	}
	if peak, err := proc.Peak(pid); err != nil || peak < resident {
		t.Errorf("peak: %v, %v", peak, err)
	}
	if private, err := proc.Private(pid); err != nil || private <= 0 || private > resident {
		t.Errorf("private: %v of %v, %v", private, resident, err)
	}
	if n, err := proc.Files(pid); err != nil || n < 3 {
		t.Errorf("files: %d, %v", n, err)
	}
	if found := proc.WithEnv("MARK", "a b"); len(found) != 1 || found[0].PID != pid {
		t.Errorf("found %v", found)
	}
	if found := proc.WithEnv("MARK", "a"); len(found) != 0 {
		t.Errorf("found %v by a part of the value", found)
	}
	in.Close()
	if err := cmd.Wait(); err == nil {
		t.Error("read at the end of file does not fail")
	}
	if proc.Lives(pid) {
		t.Error("it lives on")
	}
	if _, err := proc.CPU(pid); err == nil {
		t.Error("a process that is gone has used something")
	}
}
