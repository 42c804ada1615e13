package sdk

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlhost/mlhost/shared/wire"
)

// servePulse lets an older host feel the process's pulse at a socket of its own
// in dir, until stop is called: the number of the newest event, each second.
// Where there can be no socket, the heartbeats go with the events.
func (r *recorder) servePulse(dir string) (stop func()) {
	if dir == "" {
		return func() {}
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", filepath.Join(dir, wire.PulseFile))
	if err != nil {
		return func() {}
	}
	go func() {
		for {
			fd, err := acceptPulse(l)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil { // no descriptor is free
				time.Sleep(heartbeat)
				continue
			}
			go r.beat(fd)
		}
	}()
	return func() { _ = l.Close() } // nothing of it is needed any more
}

// acceptPulse returns the next connection. It is no net.Conn: that of Go would
// be woken up each time the host reads.
func acceptPulse(l net.Listener) (fd int, err error) {
	conn, err := l.Accept()
	if err != nil {
		return -1, err
	}
	defer func() { _ = conn.Close() }() // the copy goes on
	return detached(conn.(*net.UnixConn))
}

// beat tells the newest event's number each second until the host goes. The
// recorder must be able to answer: one that hangs has no pulse.
func (r *recorder) beat(fd int) {
	defer func() { _ = unix.Close(fd) }()
	r.pulses.Add(1)
	defer r.unfelt()
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		_, err := unix.Write(fd, binary.BigEndian.AppendUint64(nil, r.lastSeq()))
		if err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) { // EAGAIN: nobody reads, for hours
			return
		}
		<-ticker.C
	}
}

// unfelt notes that a connection is gone, for a heartbeat to go with the events.
func (r *recorder) unfelt() {
	r.pulses.Add(-1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wake()
}
