package supervisor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// sweep looks at every run that a host before this one did not see the end of.
func (s *Supervisor) sweep(ctx context.Context) {
	if s.options.Dir == "" {
		return
	}
	runs := filepath.Join(s.options.Dir, "runs")
	entries, err := os.ReadDir(runs)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.logger.Error("look for earlier runs", "error", err)
	}
	var g errgroup.Group
	g.SetLimit(8)
	for _, e := range entries {
		dir := filepath.Join(runs, e.Name())
		if !fileExists(filepath.Join(dir, instanceFile)) {
			continue
		}
		g.Go(func() error {
			s.takeUp(ctx, dir)
			return nil
		})
	}
	_ = g.Wait()
}

// takeUp deals with one run that an earlier host left: it ends what is left of
// it and records how it ended. (To adopt a process that is found to be ours is
// to reopen its streams here instead.)
func (s *Supervisor) takeUp(ctx context.Context, dir string) {
	in, err := readInstance(dir)
	if err != nil {
		s.logger.Warn("an earlier run's record is damaged", "dir", dir, "error", err)
		in = instance{Run: filepath.Base(dir)}
	}
	found := s.inspect(ctx, in)
	end := earlierEnd(dir, in, found) // before it is made to end
	if err := fence(ctx, in, found); err != nil {
		s.logger.Error("end an earlier run", "script", in.Script, "run", in.Run, "error", err)
	}
	if in.Script != "" {
		if err := s.replay(ctx, dir, in); err != nil {
			s.logger.Error("take what an earlier run wrote down", "script", in.Script, "run", in.Run, "error", err)
		}
		if s.emit(s.event(in.Script, in.Run, end)) != nil {
			return // to be recorded by the next host
		}
	}
	if err := sealRunDir(dir); err != nil {
		s.logger.Error("clear up an earlier run", "run", in.Run, "error", err)
	}
}

// replay takes what an ended process wrote down while no host listened.
func (s *Supervisor) replay(ctx context.Context, dir string, in instance) error {
	last := uint64(0)
	if s.options.LastSeq != nil {
		var err error
		if last, err = s.options.LastSeq(ctx, in.Run); err != nil {
			return err
		}
	}
	return wire.ReadSpool(filepath.Join(dir, wire.SpoolFile), last, func(events []script.Event) error {
		out := events[:0]
		for _, e := range events {
			if e.Script, e.Run = in.Script, in.Run; toKeep(e.Body) {
				out = append(out, e)
			}
		}
		if len(out) == 0 {
			return nil
		}
		return s.options.Emit(ctx, out...)
	})
}

// earlierEnd tells how a run ended that no host attended to at its end.
func earlierEnd(dir string, in instance, found finding) script.StateChanged {
	rec, ok, err := readExit(dir, in.Run)
	switch {
	case ok:
		return script.StateChanged{State: rec.State, Reason: rec.Reason, ExitCode: rec.ExitCode}
	case err != nil:
		return script.StateChanged{State: script.Lost, Reason: "its host was killed, and its exit record cannot be used: " + err.Error()}
	}
	lost := script.StateChanged{State: script.Lost}
	switch {
	case found == ours:
		lost.Reason = "its host was killed; taking over a running script is not built yet, so it was ended"
	case found == strange:
		lost.Reason = "its host was killed, and its process id now belongs to another process, which was not touched"
	case !in.Begun:
		lost.Reason = "its host was killed while it was being started"
	default:
		lost.Reason = "its host was killed, and its process vanished without an exit record"
	}
	return lost
}

// finding is what became of a process that an earlier host started.
type finding int

const (
	gone    finding = iota // it has ended
	ours                   // it lives, provably the one that was started
	strange                // another process has its pid
)

// inspect finds out what became of a process. It is ours if pid, start time
// and boot are those recorded, and it carries the run's mark or knows its
// nonce.
func (s *Supervisor) inspect(ctx context.Context, in instance) finding {
	boot, err := bootID()
	if err != nil || boot != in.BootID || in.PID <= 0 {
		return gone
	}
	began, err := startTime(in.PID)
	switch {
	case err != nil:
		return gone
	case began != in.StartTime:
		return strange
	case hasMark(in.PID, in.Run), s.knowsNonce(ctx, in):
		return ours
	}
	return strange
}

// knowsNonce asks the process behind the recorded socket who it is.
func (s *Supervisor) knowsNonce(ctx context.Context, in instance) bool {
	if in.Socket == "" || in.Nonce == "" {
		return false
	}
	conn, err := dial(in.Socket)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(ctx, s.options.CallTimeout)
	defer cancel()
	id, err := wire.NewClient(conn).Identify(ctx)
	return err == nil && id.Nonce == in.Nonce
}

// fence ends what is left of a run: its process, if that is ours, and whatever
// carries its mark, which is proof enough.
func fence(ctx context.Context, in instance, found finding) error {
	if found != ours {
		return killMarked(ctx, in.Run, leftTime)
	}
	h, err := openHandle(in.PID)
	if err != nil {
		return killMarked(ctx, in.Run, leftTime) // it ended just now
	}
	defer h.close()
	if began, err := startTime(in.PID); err != nil || began != in.StartTime {
		return killMarked(ctx, in.Run, leftTime)
	}
	err = h.signal(syscall.SIGTERM)
	waiting, cancel := context.WithTimeout(ctx, termTime)
	defer cancel()
	if h.wait(waiting) != nil {
		err = errors.Join(err, h.signal(syscall.SIGKILL))
		killed, cancel := context.WithTimeout(context.WithoutCancel(ctx), killTime)
		defer cancel()
		err = errors.Join(err, h.wait(killed))
	}
	return errors.Join(err, killMarked(ctx, in.Run, time.Duration(0)))
}
