package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/mlhost/mlhost/host/store"
	"github.com/mlhost/mlhost/shared/script"
)

// Inherited is what a host keeps, while its process becomes another program,
// for the host that the other program is: the socket, on which nobody is
// refused meanwhile, and the lock.
type Inherited struct {
	Listener *os.File
	Lock     *os.File
}

func (i *Inherited) listener() *os.File {
	if i == nil {
		return nil
	}
	return i.Listener
}

func (i *Inherited) lock() *os.File {
	if i == nil {
		return nil
	}
	return i.Lock
}

// Close gives back what nobody has taken over.
func (i *Inherited) Close() error { return errors.Join(i.Listener.Close(), i.Lock.Close()) }

// heir is the program that is to carry on.
type heir struct {
	mu   sync.Mutex
	path string
	kept *Inherited
}

// Upgrade makes Run return with the scripts running, so that the mlhost at
// path can carry on in this process; see Heir. One that could not is refused,
// and this host goes on. It returns the other's version.
func (h *Host) Upgrade(ctx context.Context, path string) (string, error) {
	if h.options.Preflight == nil {
		return "", script.Errorf(script.CodeRejected, "this host cannot be upgraded while it runs")
	}
	if !filepath.IsAbs(path) {
		return "", script.Errorf(script.CodeUsage, "the path of the new mlhost must be absolute, not %q", path)
	}
	version, err := h.options.Preflight(ctx, path)
	if err != nil {
		return "", err
	}
	h.heir.mu.Lock()
	defer h.heir.mu.Unlock()
	if h.heir.path != "" {
		return "", script.Errorf(script.CodeConflict, "an upgrade is under way already")
	}
	if h.heir.kept, err = h.keep(); err != nil {
		return "", err
	}
	h.heir.path = path
	h.Leave()
	return version, nil
}

// keep duplicates what the next host takes over.
func (h *Host) keep() (*Inherited, error) {
	l, ok := h.listener.(*net.UnixListener)
	if !ok {
		return nil, fmt.Errorf("keep socket: it is %T", h.listener)
	}
	l.SetUnlinkOnClose(false)
	listener, err := l.File()
	if err != nil {
		return nil, fmt.Errorf("keep socket: %w", err)
	}
	fd, err := syscall.Dup(int(h.lock.file.Fd()))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("keep lock: %w", err), listener.Close())
	}
	syscall.CloseOnExec(fd)
	return &Inherited{Listener: listener, Lock: os.NewFile(uintptr(fd), lockName)}, nil
}

// Heir returns, after Run, the program that is to carry on in this process,
// and what was kept for it; "" where the host has simply ended.
func (h *Host) Heir() (path string, kept *Inherited) {
	h.heir.mu.Lock()
	defer h.heir.mu.Unlock()
	return h.heir.path, h.heir.kept
}

// CheckState tells whether this program can read what the host in dir keeps.
func CheckState(dir string) error {
	kept, err := store.OpenReadOnly(dir)
	if err != nil {
		return err
	}
	return kept.Close()
}
