package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// leftover is a run that an earlier host did not see the end of.
type leftover struct {
	dir    string
	in     instance
	unit   *unit           // nil: no script of that name is configured
	newest bool            // of its script
	damage error           // why its record cannot be used, and the run is lost
	until  context.Context // ends with the wait for an answer
	stop   string          // why it was stopped before it could be taken over
	going  []int           // processes of it that are not to be touched
}

// proven reports whether what carries the run's mark may be signalled: the
// record is as a host of this directory wrote it, or it names a process that is
// found to be the one.
func (l *leftover) proven(found finding) bool {
	return l.damage == nil && (l.in.summed || found == ours)
}

// sweep takes up every run that an earlier host did not see the end of: what
// still runs goes on, and the others are told to have ended.
func (s *Supervisor) sweep(ctx context.Context) {
	if s.options.Dir == "" {
		return
	}
	if err := s.binaries.dropUnfinished(); err != nil {
		s.logger.Warn("clear up after a host that was killed", "error", err)
	}
	all := s.leftovers()
	s.update(func() {
		for _, l := range all {
			if l.unit != nil {
				l.unit.taking++
			}
		}
	})
	places := make(chan struct{}, 16)
	var prompt sync.WaitGroup
	for _, l := range all {
		prompt.Add(1)
		s.loops.Go(func() {
			places <- struct{}{}
			answered := sync.OnceFunc(func() { <-places; prompt.Done() })
			defer answered()
			slow := time.AfterFunc(sweepPatience, answered)
			defer slow.Stop()
			defer s.taking(ctx, l)()
			s.takeUp(ctx, l)
		})
	}
	taken := make(chan struct{})
	go func() { prompt.Wait(); close(taken) }()
	select {
	case <-taken:
	case <-s.leaving:
	}
}

// sweepPatience is how long the start of other scripts waits for one that an
// earlier host left.
const sweepPatience = 5 * time.Second

// taking lets a stop of the script end the wait for an answer of its process.
// It returns what is to be called when the run is taken up: then the script's
// loop begins.
func (s *Supervisor) taking(ctx context.Context, l *leftover) (done func()) {
	until, cancel := context.WithCancelCause(ctx)
	l.until = until
	u := l.unit
	if u == nil {
		return func() { cancel(nil) }
	}
	if l.newest {
		s.update(func() { u.halt = cancel })
	}
	return func() {
		s.update(func() {
			if l.newest {
				u.halt = nil
			}
			u.taking--
			s.begin(u)
		})
		cancel(nil)
	}
}

// leftovers lists the runs that have an instance record, and those that the
// store believes to be live.
func (s *Supervisor) leftovers() []*leftover {
	runs := filepath.Join(s.options.Dir, "runs")
	entries, err := os.ReadDir(runs)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.logger.Error("look for earlier runs", "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	recalled := map[string]*unit{} // by run
	for _, u := range s.units {
		if u.lastRun != "" {
			recalled[u.lastRun] = u
		}
	}
	var all []*leftover
	for _, e := range entries {
		dir := filepath.Join(runs, e.Name())
		u := recalled[e.Name()]
		if !fileExists(filepath.Join(dir, instanceFile)) {
			continue
		}
		in, err := readInstance(dir)
		if err == nil && in.Run != e.Name() {
			err = fmt.Errorf("it is of run %q", in.Run)
		}
		if err == nil {
			err = in.elsewhere(dir)
		}
		if err != nil {
			s.logger.Warn("an earlier run's record is damaged", "dir", dir, "error", err)
			in, err = s.damaged(e.Name(), in, u, err)
		}
		delete(recalled, e.Name())
		all = append(all, &leftover{dir: dir, in: in, unit: s.units[in.Script], damage: err})
	}
	for run, u := range recalled { // the record was cleared away before the end was told
		if u.lastState.Live() && u.lastState != script.Starting {
			l := &leftover{dir: filepath.Join(runs, run), in: instance{Run: run, Script: u.name, Begun: true}, unit: u}
			if fileExists(filepath.Join(l.dir, damagedFile)) {
				l.damage = fmt.Errorf("its host was killed, and the record of its process is damaged: it was set aside as %s", damagedFile)
			}
			all = append(all, l)
		}
	}
	newest := map[string]*leftover{}
	for _, l := range all {
		if n := newest[l.in.Script]; n == nil || l.in.Launched.After(n.in.Launched) {
			newest[l.in.Script] = l
		}
	}
	for _, l := range newest {
		l.newest = true
	}
	return all
}

// takeUp deals with one run that an earlier host left: it adopts the process
// if it is found to be ours, or else ends what is left of it and tells how it
// ended.
func (s *Supervisor) takeUp(ctx context.Context, l *leftover) {
	in := l.in
	s.endOthers(ctx, l)
	found := gone
	if l.damage == nil {
		found = s.inspect(ctx, in)
	}
	why := "a later run of the script has begun"
	if found == ours && l.unit != nil && l.newest {
		p, err := l.unit.adoptAtLast(l.until, l.dir, in)
		if err == nil {
			l.unit.install(l.until, p)
			return
		}
		if stop, ok := errors.AsType[errStop](context.Cause(l.until)); ok {
			l.stop = stop.reason
		} else if l.until.Err() != nil {
			return // the host goes, and leaves the script as it is
		}
		found = s.inspect(ctx, in) // it may have ended meanwhile
		why = err.Error()
		l.in.Begun = in.Begun && !errors.Is(err, errNotBegun)
		if l.stop == "" {
			s.logger.Warn("a running script of an earlier host cannot be taken over", "script", in.Script, "run", in.Run, "reason", why)
		}
	}
	if found != ours && s.takeUpBetween(ctx, l, found) {
		return
	}
	if found == ours && l.unit == nil {
		why = "the configuration does not name it any more"
		s.logger.Warn("a script of an earlier host is stopped", "script", in.Script, "run", in.Run, "reason", why)
	}
	end := earlierEnd(l, found, why) // before it is made to end
	if found == ours && l.unit == nil && end.state == script.Stopped {
		if err := s.dismiss(ctx, in, why); err != nil {
			s.logger.Error("stop an earlier run", "script", in.Script, "run", in.Run, "error", err)
		}
	}
	if l.proven(found) {
		if err := fence(ctx, in, found); err != nil {
			s.logger.Error("end an earlier run", "script", in.Script, "run", in.Run, "error", err)
		}
	} else if err := s.giveUp(ctx, l); err != nil {
		s.logger.Error("give an earlier run up", "script", in.Script, "run", in.Run, "error", err)
	}
	if len(l.going) > 0 {
		end.reason += fmt.Sprintf("; what goes on of it was not touched: process %s", joinInts(l.going))
	}
	if in.Script != "" && !s.close(ctx, l, end) {
		return // to be recorded by the next host
	}
	if err := sealRunDir(l.dir); err != nil {
		s.logger.Error("clear up an earlier run", "run", in.Run, "error", err)
	}
}

// takeUpBetween goes on with a run that no process had when its host was
// killed, and reports whether it did.
func (s *Supervisor) takeUpBetween(ctx context.Context, l *leftover, found finding) bool {
	b, between, err := stateBetween(l.dir, l.in)
	if err == nil && (!between || l.unit == nil || !l.newest) {
		return false
	}
	if err == nil && l.proven(found) {
		err = fence(ctx, l.in, found)
	}
	var p *Process
	if err == nil {
		p, err = l.unit.resurrect(ctx, l.dir, l.in, b)
	}
	if p == nil {
		s.logger.Error("go on with a run whose process was being replaced", "script", l.in.Script, "run", l.in.Run, "error", err)
		return false
	}
	if err != nil {
		s.logger.Warn("clear up after a process that was being replaced", "run", l.in.Run, "error", err)
	}
	l.unit.install(l.until, p)
	return true
}

// endOthers ends what a host left that was killed while it replaced the
// process of a run: the one that was to take over and has not, or the one that
// it has taken over from.
func (s *Supervisor) endOthers(ctx context.Context, l *leftover) {
	for _, other := range []*instance{l.in.Candidate, l.in.Before} {
		if other == nil {
			continue
		}
		var err error
		if found := s.inspect(ctx, *other); l.proven(found) {
			err = fence(ctx, *other, found)
		}
		if other.Generation > 1 {
			err = errors.Join(err, os.RemoveAll(other.processDir(l.dir)))
		} else { // what counts of it is kept
			for _, name := range []string{wire.SpoolFile, wire.ExitFile} {
				err = errors.Join(err, os.RemoveAll(filepath.Join(l.dir, name)))
			}
		}
		if err != nil {
			s.logger.Error("end a process that was being replaced", "script", l.in.Script, "run", l.in.Run, "error", err)
		}
	}
}

// close keeps what an ended run left, tells how it ended, and decides by the
// script's policy whether it is started again. It reports whether the end is
// kept.
func (s *Supervisor) close(ctx context.Context, l *leftover, end ending) bool {
	in, u := l.in, l.unit
	if err := s.replay(ctx, in.processDir(l.dir), in); err != nil {
		s.logger.Error("take what an earlier run wrote down", "script", in.Script, "run", in.Run, "error", err)
	}
	if err := s.replayOutput(ctx, in.processDir(l.dir), in); err != nil {
		s.logger.Error("take what an earlier run printed", "script", in.Script, "run", in.Run, "error", err)
	}
	if u != nil && u.lastRun == in.Run && u.lastState.Ended() {
		return true // told already
	}
	if u != nil && l.newest && l.in.Begun {
		u.restarts.adjust(u.config().Restart)
		u.restarts.resume(in.Attempt, in.Restarts)
		if len(l.going) == 0 && l.stop == "" { // a script does not run twice at the same time
			end.again = u.restarts.after(end)
		}
		if !end.again.yes && end.again.reason != "" {
			end.reason = end.again.reason
		}
		if !end.again.yes {
			s.update(func() { u.hold(end.state, end.reason) })
		}
	}
	return s.emit(s.event(in.Script, in.Run, script.StateChanged{State: end.state, Reason: end.reason, ExitCode: end.code})) == nil
}

// replayOutput makes log lines of what an ended process printed behind those
// that are kept.
func (s *Supervisor) replayOutput(ctx context.Context, dir string, in instance) error {
	if !in.Tailed {
		return nil
	}
	tails := s.tails(dir)
	if err := s.rewind(ctx, in, tails); err != nil {
		return err
	}
	var errs []error
	for _, t := range tails {
		err := t.read(true, func(lines []script.LogLine) { errs = append(errs, s.emit(s.lines(in.Script, in.Run, lines)...)) })
		if !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
		t.close()
	}
	return errors.Join(errs...)
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
	return drainSpool(dir, last, func(events []script.Event) error {
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

// earlierEnd tells how a run ended that no host attended to at its end. why
// says what kept a process that is ours from being adopted.
func earlierEnd(l *leftover, found finding, why string) ending {
	in := l.in
	end := ending{run: in.Run, state: script.Lost}
	rec, ok, err := readExit(in.processDir(l.dir), in.Run)
	switch {
	case ok:
		end.state, end.reason, end.code, end.fatal = rec.State, rec.Reason, rec.ExitCode, rec.Final
		end.lived = rec.Time.Sub(in.Launched)
		if rec.State == script.Backoff {
			end.state = script.Failed
		}
		return end
	case err != nil:
		end.reason = "its exit record cannot be used: " + err.Error()
		return end
	}
	boot, err := bootID()
	switch {
	case l.damage != nil:
		end.reason = l.damage.Error()
	case l.stop != "":
		end.state, end.reason = script.Stopped, l.stop
	case found == ours && l.unit == nil:
		end.state, end.reason = script.Stopped, why
	case !l.in.Begun:
		end.reason = "its host was killed while it was being started"
	case found == ours:
		end.reason = "its host was killed, and it cannot be taken over: " + why + "; it was ended"
	case found == strange:
		end.reason = "its host was killed, and its process id now belongs to another process, which was not touched"
	case err == nil && in.BootID != "" && boot != in.BootID:
		end.reason = "the machine was started again while it ran"
	default:
		end.reason = "its host was killed, and its process vanished without an exit record"
	}
	return end
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
	case hasMark(in.PID, in.mark()), s.knowsNonce(ctx, in):
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
	return err == nil && id.Nonce == in.Nonce && id.PID == in.PID // else the record's pid is not the one that answers
}

// fence ends what is left of a run: its process, if that is ours, and whatever
// carries its mark, which is proof enough.
func fence(ctx context.Context, in instance, found finding) error {
	if found != ours {
		return killMarked(ctx, in.mark(), leftTime)
	}
	h, err := openHandle(in.PID)
	if err != nil {
		return killMarked(ctx, in.mark(), leftTime) // it ended just now
	}
	defer h.close()
	if began, err := startTime(in.PID); err != nil || began != in.StartTime {
		return killMarked(ctx, in.mark(), leftTime)
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
	return errors.Join(err, killMarked(ctx, in.mark(), time.Duration(0)))
}
