package supervisor

import (
	"encoding/binary"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlhost/mlhost/shared/wire"
)

const (
	// pulseAgain is how many heartbeats pass between two attempts to feel the
	// pulse of a process that has none.
	pulseAgain = 10
	// doubtBeats is how many may be missing before a pulse is let go of: one
	// is for the plugin to see that, one for its heartbeat to come.
	doubtBeats = missedBeats - 2
)

// pulse is a process's sign of life beside its event stream: a number each
// second, which waits in a socket until it is looked at and so wakes nobody.
// Only rounds, which go one at a time, use it.
type pulse struct {
	fd   int    // below 0: it is not felt
	part []byte // of a number, that was read
	next time.Time
}

// feel takes what the pulse says. Where that is silent, or tells of events
// that do not come, it is let go of: the process then sends its heartbeats
// with its events, and what lies between is tested whole.
func (p *Process) feel() {
	beat := p.s.options.Heartbeat
	now := p.s.clock.Now()
	switch {
	case p.pulse.fd >= 0:
		newest, err := p.pulse.read()
		if err == nil && newest != nil && *newest <= p.seen.value() {
			p.status.hear()
		}
		if err != nil || p.status.silence() > doubtBeats*beat+beat/2 { // a heartbeat before it counts as stuck
			p.pulse.close()
			p.pulse.next = now.Add(pulseAgain * beat)
		}
	case !now.Before(p.pulse.next) && p.status.silence() <= 2*beat:
		p.pulse.next = now.Add(pulseAgain * beat)
		if fd, err := p.dialPulse(); err == nil { // older plugins have none
			p.pulse.fd = fd
		}
	}
}

// read returns the newest number that came, nil where none did.
func (l *pulse) read() (newest *uint64, err error) {
	buf := make([]byte, 512)
	for {
		n := copy(buf, l.part)
		m, err := unix.Read(l.fd, buf[n:])
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return newest, nil
		case err != nil:
			return nil, err
		case m == 0:
			return nil, io.EOF
		}
		n += m
		whole := n / wire.PulseSize * wire.PulseSize
		if whole > 0 {
			number := binary.BigEndian.Uint64(buf[whole-wire.PulseSize:])
			newest = &number
		}
		l.part = append(l.part[:0], buf[whole:n]...)
		if n < len(buf) {
			return newest, nil
		}
	}
}

func (l *pulse) close() {
	if l.fd >= 0 {
		_ = unix.Close(l.fd) // only read from
	}
	l.fd, l.part = -1, nil
}

// dialPulse connects to the pulse of the process.
func (p *Process) dialPulse() (int, error) {
	path, unixSocket := strings.CutPrefix(p.child.addr, "unix:")
	if !unixSocket {
		return -1, errors.ErrUnsupported
	}
	if !slices.Contains(p.identity.Capabilities, wire.CapabilityPulse) {
		return dialQuiet(filepath.Join(filepath.Dir(path), wire.PulseFile))
	}
	fd, err := dialQuiet(path)
	if err == nil {
		if _, e := unix.Write(fd, []byte{wire.PulseKnock}); e != nil {
			return -1, errors.Join(e, unix.Close(fd))
		}
	}
	return fd, err
}

// dialQuiet makes a connection that is no net.Conn, of which Go would hear each
// time something comes.
func dialQuiet(path string) (int, error) {
	syscall.ForkLock.RLock()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return -1, err
	}
	if err = unix.SetNonblock(fd, true); err == nil {
		err = unix.Connect(fd, &unix.SockaddrUnix{Name: path})
	}
	if err != nil {
		return -1, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}
