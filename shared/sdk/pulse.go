package sdk

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"path/filepath"
	"time"

	"github.com/mlhost/mlhost/shared/wire"
)

// servePulse lets a host feel the process's pulse at a socket in dir, until
// stop is called: the number of the newest event, each second. Where there can
// be no socket, the heartbeats go with the events.
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
			conn, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil { // no descriptor is free
				time.Sleep(heartbeat)
				continue
			}
			go r.beat(conn)
		}
	}()
	return func() { _ = l.Close() } // nothing of it is needed any more
}

// beat tells the newest event's number each second until the host goes. The
// recorder must be able to answer: one that hangs has no pulse.
func (r *recorder) beat(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	r.pulses.Add(1)
	defer r.unfelt()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = conn.Read(make([]byte, 1)) // returns when the host has gone
	}()
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		if _, err := conn.Write(binary.BigEndian.AppendUint64(nil, r.lastSeq())); err != nil {
			return
		}
		select {
		case <-ticker.C:
		case <-gone:
			return
		}
	}
}

// unfelt notes that a connection is gone, for a heartbeat to go with the events.
func (r *recorder) unfelt() {
	r.pulses.Add(-1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wake()
}
