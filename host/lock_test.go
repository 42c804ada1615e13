package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/mlhost/mlhost/shared/script"
)

func TestLockIsFreeSoon(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := acquireLock(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	// A process that is being taken apart keeps its files for a while yet.
	path := filepath.Join(dir, lockName)
	dying := exec.Command("sleep", "0.3")
	dying.ExtraFiles = []*os.File{first.file}
	if err := dying.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dying.Wait() }()
	if err := first.release(); err != nil {
		t.Fatal(err)
	}
	second, err := acquireLock(dir, nil)
	if err != nil {
		t.Fatalf("%s is free as soon as the process ends: %v", path, err)
	}
	if err := second.release(); err != nil {
		t.Fatal(err)
	}
}

func TestLockIsHeld(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := acquireLock(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.release() }()
	if _, err := acquireLock(dir, nil); script.CodeOf(err) != script.CodeHostRunning {
		t.Fatalf("claimed twice: %v", err)
	}
}
