package host

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// lock is the claim of one host on its directory. The kernel gives it up when
// the process ends, however it ends.
type lock struct{ file *os.File }

const lockName = "host.lock"

// lockPatience is how long a claim of another is waited for. A host that was
// just killed keeps its lock until the kernel has taken it apart, and who asks
// for the holder has the lock for a moment ([LockHolder]).
const lockPatience = time.Second

// acquireLock claims dir, or tells which process has it. A lock that this
// process has kept from before an upgrade is taken over.
func acquireLock(dir string, inherited *os.File) (*lock, error) {
	path := filepath.Join(dir, lockName)
	if inherited != nil {
		return &lock{file: inherited}, nil // the process has kept it, with its pid in it
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, StateError(dir, err)
	}
	if err := flockWithin(file, lockPatience); err != nil {
		holder, _ := io.ReadAll(io.LimitReader(file, 32)) // the message does without it
		_ = file.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		return nil, script.Errorf(script.CodeHostRunning, "a host runs on %s already: process %s",
			dir, strings.TrimSpace(string(holder))).
			WithHint("`mlhost down` stops it; another name or --state DIR starts a second one")
	}
	if err := writePID(file); err != nil {
		_ = file.Close()
		return nil, StateError(dir, err)
	}
	return &lock{file: file}, nil
}

// flockWithin takes the exclusive lock of the file, and tries again for as long
// as patience while another has it.
func flockWithin(file *os.File, patience time.Duration) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Now().After(deadline) {
			return err
		}
	}
}

func writePID(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// holds reports whether the directory is still the one that was claimed.
func (l *lock) holds(dir string) bool {
	mine, err := l.file.Stat()
	if err != nil {
		return true // nothing is known to the contrary
	}
	there, err := os.Stat(filepath.Join(dir, lockName))
	if errors.Is(err, os.ErrNotExist) {
		return false
	}
	return err != nil || os.SameFile(mine, there)
}

func (l *lock) release() error { return l.file.Close() }

// LockHolder returns the pid of the host that runs on dir, 0 if there is none.
func LockHolder(dir string) (int, error) {
	file, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read lock: %w", err)
	}
	defer file.Close()
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err == nil {
		return 0, nil // closing the file gives it up again
	}
	text, err := io.ReadAll(io.LimitReader(file, 32))
	if err != nil {
		return 0, fmt.Errorf("read lock: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("read lock: %w", err)
	}
	return pid, nil
}

// StateError words a failure to use the state directory dir, and says what to do
// about it.
func StateError(dir string, err error) error {
	return script.Errorf(script.CodeIO, "the state directory %s cannot be used: %v", dir, err).
		WithHint("it must be on a local disk with free space, and writable; --state DIR names another one")
}
