package sdk

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlhost/mlhost/shared/wire"
)

// door lets in who comes to the plugin's socket: who knocks for the pulse gets
// that, and everybody else is a caller.
type door struct {
	*net.UnixListener
	pulse   func(fd int)
	callers chan net.Conn
	closing sync.Once
	closed  chan struct{}
}

// knockTime is how long somebody may take to show what he wants.
const knockTime = 10 * time.Second

func newDoor(l *net.UnixListener, pulse func(fd int)) *door {
	d := &door{UnixListener: l, pulse: pulse, callers: make(chan net.Conn), closed: make(chan struct{})}
	go d.open()
	return d
}

// open takes connections until the listener is closed.
func (d *door) open() {
	defer d.closing.Do(func() { close(d.closed) })
	for {
		conn, err := d.AcceptUnix()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // no descriptor is free
			select {
			case <-time.After(heartbeat):
			case <-d.closed:
				return
			}
		default:
			go d.admit(conn)
		}
	}
}

// admit finds out what a connection is for. What a caller has said is left for
// its reader.
func (d *door) admit(conn *net.UnixConn) {
	knock, err := peek(conn)
	if err == nil && knock == wire.PulseKnock {
		var fd int
		if fd, err = detached(conn); err == nil {
			_ = conn.Close() // the copy goes on
			d.pulse(fd)
			return
		}
	}
	if err != nil {
		_ = conn.Close() // nothing was said over it
		return
	}
	select {
	case d.callers <- conn:
	case <-d.closed:
		_ = conn.Close() // nobody answers any more
	}
}

// Accept implements net.Listener for callers.
func (d *door) Accept() (net.Conn, error) {
	select {
	case conn := <-d.callers:
		return conn, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (d *door) Close() error {
	err := d.UnixListener.Close()
	d.closing.Do(func() { close(d.closed) })
	return err
}

// peek returns the first byte that comes, without taking it.
func peek(conn *net.UnixConn) (byte, error) {
	if err := conn.SetReadDeadline(time.Now().Add(knockTime)); err != nil {
		return 0, err
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var first [1]byte
	var n int
	var problem error
	err = raw.Read(func(fd uintptr) bool {
		for {
			n, _, problem = unix.Recvfrom(int(fd), first[:], unix.MSG_PEEK)
			if !errors.Is(problem, unix.EINTR) {
				return !errors.Is(problem, unix.EAGAIN)
			}
		}
	})
	if err = errors.Join(err, problem, conn.SetReadDeadline(time.Time{})); err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, os.ErrClosed
	}
	return first[0], nil
}

// detached returns a copy of a connection's descriptor that Go does not watch:
// it would be woken up each time the host reads.
func detached(conn *net.UnixConn) (fd int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return -1, err
	}
	failed := raw.Control(func(from uintptr) {
		fd, err = unix.FcntlInt(from, unix.F_DUPFD_CLOEXEC, 0)
	})
	return fd, errors.Join(failed, err)
}
