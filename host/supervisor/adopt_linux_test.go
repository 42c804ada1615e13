package supervisor

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mlhost/mlhost/shared/script"
)

// A disk that takes nothing is no reason to end a script that runs.
func TestAdoptWithoutRoom(t *testing.T) {
	conf := testPlugin("trainer", "talks")
	r := left(t, conf)
	dir := r.procs[0].dir
	if err := unix.Mount(dir, dir, "", unix.MS_BIND, ""); err != nil {
		t.Skipf("mount a disk that cannot be written: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	next := r.next(conf)
	next.start()
	next.state("trainer", script.Running, 1)
	if is, was := next.process("trainer").PID(), r.procs[0].PID(); is != was {
		t.Errorf("the process %d was replaced by %d", was, is)
	}
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	next.set("trainer", "text", script.String("end"))
	next.state("trainer", script.Finished, 1)
	checkTalk(t, "trainer", r, next)
}
