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
// for the host that the other program is: the socket and the ports, on which
// nobody is refused meanwhile, and the lock.
type Inherited struct {
	Listener *os.File
	Lock     *os.File
	Ports    map[string]Port // by name: "http", "connector"
}

// Port is a TCP listener that is handed on.
type Port struct {
	File    *os.File
	Address string // as it was configured, ":0" for one
}

// Successor is what a program that is to carry on tells of itself.
type Successor struct {
	Version string
	Ports   bool // it takes over ports
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

// port takes the listener of the name, nil where there is none for the address.
func (i *Inherited) port(name, address string) (net.Listener, error) {
	if i == nil || i.Ports[name].File == nil {
		return nil, nil
	}
	p := i.Ports[name]
	delete(i.Ports, name)
	if p.Address != address { // the configuration has another one now
		return nil, p.File.Close()
	}
	l, err := net.FileListener(p.File)
	if err = errors.Join(err, p.File.Close()); err != nil {
		return nil, fmt.Errorf("take over the port of %s: %w", address, err)
	}
	return l, nil
}

// closePorts gives back the ports that nobody has taken over.
func (i *Inherited) closePorts() error {
	if i == nil {
		return nil
	}
	var errs []error
	for name, p := range i.Ports {
		errs = append(errs, p.File.Close())
		delete(i.Ports, name)
	}
	return errors.Join(errs...)
}

// Close gives back what nobody has taken over.
func (i *Inherited) Close() error {
	return errors.Join(i.Listener.Close(), i.Lock.Close(), i.closePorts())
}

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
	next, err := h.options.Preflight(ctx, path)
	if err != nil {
		return "", err
	}
	h.heir.mu.Lock()
	defer h.heir.mu.Unlock()
	if h.heir.path != "" {
		return "", script.Errorf(script.CodeConflict, "an upgrade is under way already")
	}
	if h.heir.kept, err = h.keep(next.Ports); err != nil {
		return "", err
	}
	h.heir.path = path
	h.Leave()
	return next.Version, nil
}

// keep duplicates what the next host takes over.
func (h *Host) keep(withPorts bool) (_ *Inherited, err error) {
	l, ok := h.listener.(*net.UnixListener)
	if !ok {
		return nil, fmt.Errorf("keep socket: it is %T", h.listener)
	}
	l.SetUnlinkOnClose(false)
	kept := &Inherited{Ports: map[string]Port{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, kept.closePorts())
			for _, f := range []*os.File{kept.Listener, kept.Lock} {
				if f != nil {
					err = errors.Join(err, f.Close())
				}
			}
		}
	}()
	if kept.Listener, err = l.File(); err != nil {
		return nil, fmt.Errorf("keep socket: %w", err)
	}
	fd, err := syscall.Dup(int(h.lock.file.Fd()))
	if err != nil {
		return nil, fmt.Errorf("keep lock: %w", err)
	}
	syscall.CloseOnExec(fd)
	kept.Lock = os.NewFile(uintptr(fd), lockName)
	if !withPorts {
		return kept, nil
	}
	for name, l := range map[string]net.Listener{httpPort: h.ports.http, connectorPort: h.ports.connector} {
		tcp, ok := l.(*net.TCPListener)
		if !ok {
			continue // it is off
		}
		f, err := tcp.File()
		if err != nil {
			return nil, fmt.Errorf("keep port: %w", err)
		}
		kept.Ports[name] = Port{File: f, Address: h.ports.addresses[name]}
	}
	return kept, nil
}

// succeeded reports whether another program is to carry on.
func (h *Host) succeeded() bool {
	path, _ := h.Heir()
	return path != ""
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
