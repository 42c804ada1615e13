package interpreter

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/mlhost/mlhost/shared/script"
)

// rankPipes gives the processes of a launcher that are not of rank 0 pipes of
// their own for what they print: it is kept and shown like all output, but
// nothing is read from it, since each of them prints what rank 0 prints.
type rankPipes struct {
	listener *net.UnixListener
	given    []byte     // tells which descriptors the pipes are for
	pipes    []*os.File // the ends that are given away: of stdout, of stderr
}

// newRankPipes listens beside the socket at path, for processes that write to the
// given standard output and error now.
func newRankPipes(path string, stdout, stderr *os.File) (*rankPipes, error) {
	k := &rankPipes{}
	for _, f := range []*os.File{stdout, stderr} {
		var info unix.Stat_t
		if err := unix.Fstat(int(f.Fd()), &info); err != nil {
			return nil, fmt.Errorf("look at an output pipe: %w", err)
		}
		k.given = fmt.Appendf(k.given, "%d ", info.Ino)
	}
	name := filepath.Join(filepath.Dir(path), "ranks")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("make the socket of the other ranks: %w", err)
	}
	k.listener = listener
	return k, nil
}

// serve gives the pipes to every process that asks, until close.
func (k *rankPipes) serve() error {
	rights := unix.UnixRights(int(k.pipes[0].Fd()), int(k.pipes[1].Fd()))
	var errs error
	for {
		c, err := k.listener.AcceptUnix()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				errs = errors.Join(errs, fmt.Errorf("accept a process of another rank: %w", err))
			}
			return errors.Join(errs, k.pipes[0].Close(), k.pipes[1].Close())
		}
		_, _, err = c.WriteMsgUnix(k.given, rights, nil)
		_ = c.Close() // a process that is gone already needs nothing
		if err != nil && !errors.Is(err, unix.EPIPE) {
			errs = errors.Join(errs, fmt.Errorf("give a pipe to another rank: %w", err))
		}
	}
}

// close ends the giving away; reading ends when the ranks have ended too. On
// nil it does nothing.
func (k *rankPipes) close() error {
	if k == nil {
		return nil
	}
	err := k.listener.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// drop is close where serve has not begun.
func (k *rankPipes) drop() error {
	err := k.close()
	if k != nil {
		for _, pipe := range k.pipes {
			err = errors.Join(err, pipe.Close())
		}
	}
	return err
}

// openRanks makes the pipes of the ranks that are not rank 0. Their streams
// share the files of the run's own.
func (r *run) openRanks(stdout, stderr *os.File) error {
	k, err := newRankPipes(r.attach.path, stdout, stderr)
	if err != nil {
		return err
	}
	r.ranks = k
	for _, own := range r.streams[:2:2] {
		s, write, err := newStream(&r.output, own.file.share())
		if err != nil {
			return err
		}
		s.warn, s.split = own.warn, own.split
		s.split.line = nil
		r.streams = append(r.streams, s)
		k.pipes = append(k.pipes, write)
	}
	r.streams[3].first = r.streams[2]
	return nil
}

// shown hands a piece of output to the session.
func (r *run) shown(stream string) func(text string, partial bool) {
	return func(text string, partial bool) {
		r.session.Emit(script.LogLine{Stream: stream, Text: text, Partial: partial})
		if stream == "stderr" {
			r.seeShim(text)
		}
	}
}
