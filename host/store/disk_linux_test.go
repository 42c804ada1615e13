package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mlhost/mlhost/shared/script"
)

// smallDisk mounts a file system of the given size, and skips the test where
// that is not allowed.
func smallDisk(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

func TestFullDisk(t *testing.T) {
	dir := smallDisk(t, "size=3m")
	s := open(t, dir)
	const n = 2000
	var failed error
	seq := uint64(1)
	for failed == nil && seq < 1_000_000 {
		if failed = s.Append(t.Context(), streamEvents("r1", seq, n)...); failed == nil {
			seq += n
		}
	}
	e, isError := errors.AsType[*script.Error](failed)
	if !isError || e.Code != script.CodeIO || !strings.Contains(e.Message, dir) || e.Hint == "" {
		t.Fatalf("a full disk says %v", failed)
	}
	t.Logf("%v", failed)
	if err := s.Append(t.Context(), streamEvents("r1", seq, n)...); script.CodeOf(err) != script.CodeIO {
		t.Fatalf("the second time it says %v", err)
	}
	ok(t, unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=64m"))
	ok(t, s.Append(t.Context(), streamEvents("r1", seq, n)...))
	ok(t, s.Append(t.Context(), streamEvents("r1", seq+n, n)...))
	checkStream(t, s, "r1", seq+2*n-1)
}

func TestReadOnlyDisk(t *testing.T) {
	dir := smallDisk(t, "size=8m")
	s, err := Open(t.Context(), Options{Dir: dir})
	ok(t, err)
	ok(t, s.Append(t.Context(), begun("r1")))
	ok(t, s.Close())
	ok(t, unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, "size=8m"))
	if s, err := Open(t.Context(), Options{Dir: dir}); script.CodeOf(err) != script.CodeIO {
		t.Errorf("opening says %v", err)
		if err == nil {
			ok(t, s.Close())
		}
	} else {
		t.Log(err)
	}
	ro, err := OpenReadOnly(dir)
	if err != nil {
		t.Fatalf("open read-only: %v", err)
	}
	defer func() { ok(t, ro.Close()) }()
	if _, err := ro.Run(t.Context(), "r1"); err != nil {
		t.Errorf("read run: %v", err)
	}
}

func TestNetworkFileSystems(t *testing.T) {
	for _, magic := range []int64{unix.NFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.FUSE_SUPER_MAGIC} {
		err := refuseNetworked("/mnt/x", networked[magic])
		if script.CodeOf(err) != script.CodeIO || !strings.Contains(err.Error(), "--state") {
			t.Errorf("%x: %v", magic, err)
		}
	}
	if err := checkFileSystem(t.TempDir()); err != nil {
		t.Error(err)
	}
	if err := checkFileSystem(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, os.ErrNotExist) && err == nil {
		t.Errorf("a missing directory: %v", err)
	}
}
