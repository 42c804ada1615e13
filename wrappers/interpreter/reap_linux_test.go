package interpreter

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const reaperVariable = "MLHOST_TEST_REAPER"

// TestReaperBuriesOnlyOrphans in a process of its own: whoever waits for its
// child must find it, and an orphan behind it must not stay.
func TestReaperBuriesOnlyOrphans(t *testing.T) {
	if os.Getenv(reaperVariable) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=1m")
		cmd.Env = append(os.Environ(), reaperVariable+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	script, helper := ended(t), ended(t)
	helpers.pids[helper] = true
	r := &reaper{script: script}
	for range 3 { // behind both, and alone of its kind
		r.reap()
		orphan := ended(t)
		r.reap()
		if isChild(orphan) {
			t.Error("an orphan was left")
		}
	}
	for _, pid := range []int{script, helper} {
		if !isChild(pid) {
			t.Error("a child that somebody waits for was buried")
		}
		if _, err := unix.Wait4(pid, nil, 0, nil); err != nil {
			t.Error(err)
		}
	}
	orphans := []int{ended(t), ended(t)} // nothing stands before them
	r.reap()
	for _, pid := range orphans {
		if isChild(pid) {
			t.Error("an orphan was left")
		}
	}
}

// ended starts a child, and returns when that is dead and not buried.
func ended(t *testing.T) int {
	t.Helper()
	pid, err := syscall.ForkExec("/bin/true", []string{"true"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var info unix.Siginfo
	for {
		err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := childOf(&info); got != pid {
			t.Fatalf("waitid tells of process %d, not %d", got, pid)
		}
		return pid
	}
}

// isChild reports whether a process of this number can be waited for.
func isChild(pid int) bool {
	return unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil) == nil
}

// BenchmarkReap is what each child that ends costs the wrapper.
func BenchmarkReap(b *testing.B) {
	r := &reaper{}
	b.Run("nothing", func(b *testing.B) {
		for b.Loop() {
			r.reap()
		}
	})
	b.Run("search", func(b *testing.B) {
		for b.Loop() {
			r.search()
		}
	})
}
