package supervisor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

const (
	lingerTime = 5 * time.Second // for a process to end after its run has
	termTime   = 2 * time.Second // from SIGTERM to SIGKILL
	leftTime   = time.Second     // the same for what a process left behind
	drainTime  = 10 * time.Second
)

// streams are the goroutines that serve a live process.
type streams struct {
	cancel context.CancelFunc // ends the serving
	drop   context.CancelFunc // ends the keeping of what was read
	read   chan struct{}      // closed when the event stream is at its end
	heard  chan struct{}      // closed when the first of it came
	wg     sync.WaitGroup
}

// serveStreams starts to read what the process says. Where commit is not nil,
// nothing of it counts before that is closed.
func (p *Process) serveStreams(commit <-chan struct{}) *streams {
	ctx, cancel := context.WithCancel(context.Background())
	keeping, drop := context.WithCancel(context.Background())
	st := &streams{cancel: cancel, drop: drop, read: make(chan struct{}), heard: make(chan struct{})}
	p.status.hear()
	waiting := make(chan []script.Event, waitingMax)
	after := p.taken
	st.wg.Go(func() { p.readEvents(ctx, after, waiting, st.heard); close(st.read) })
	st.wg.Go(func() {
		if !committed(keeping, commit) {
			return
		}
		if len(p.first) > 0 {
			p.keep(keeping, p.first)
			p.status.tell()
		}
		p.keepEvents(keeping, waiting)
	})
	st.wg.Go(func() {
		if committed(ctx, commit) {
			p.watch(ctx)
		}
	})
	st.wg.Go(func() {
		if committed(ctx, commit) {
			p.follow(ctx)
		}
	})
	return st
}

// committed waits for commit, where there is one; false when ctx ended before.
func committed(ctx context.Context, commit <-chan struct{}) bool {
	if commit == nil {
		return true
	}
	select {
	case <-commit:
		return true
	case <-ctx.Done():
		return false
	}
}

// end lets the event stream come to its end, for a while, and then ends the
// serving. Everything that was read is kept when it returns, unless that takes
// too long; once ctx has ended it may take no more than a moment.
func (st *streams) end(ctx context.Context, patience time.Duration) {
	timer := time.NewTimer(patience)
	select {
	case <-st.read:
	case <-timer.C:
	case <-ctx.Done():
	}
	timer.Stop()
	st.cancel()
	dropping := time.AfterFunc(keepTime, st.drop)
	hurrying := context.AfterFunc(ctx, func() { dropping.Reset(leftTime) })
	st.wg.Wait()
	hurrying()
	dropping.Stop()
	st.drop()
}

// attend serves the run until it has ended, by itself or because ctx did. Its
// process may be replaced meanwhile.
func (p *Process) attend(ctx context.Context) ending {
	p.openTails()
	st := p.serveStreams(nil)
	p.traffic.begin(p)
	for {
		asked := ""
		select {
		case <-p.child.exited:
		case <-st.read:
			p.linger(ctx)
		case <-ctx.Done():
			if isClosed(p.s.leaving) {
				return p.leave(st)
			}
			asked = p.stop(ctx, st)
		case w := <-p.traffic.swaps:
			if p, st = p.handOver(ctx, st, w); st == nil {
				return p.giveUp(ctx)
			}
			continue
		}
		return p.finish(ctx, st, asked)
	}
}

// giveUp ends a run that no process has any more.
func (p *Process) giveUp(ctx context.Context) ending {
	p.traffic.end()
	if err := sealRunDir(p.home); err != nil {
		p.logger.Warn("clear up", "run", p.run, "error", err)
	}
	p.unit.settle()
	return p.unit.conclude(ctx, ending{
		run: p.run, state: script.Failed, reason: p.lastReason, lived: p.s.clock.Now().Sub(p.began),
	})
}

// linger waits for the end of a process that has said everything, and tells
// it that nobody needs it any more.
func (p *Process) linger(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lingerTime)
	defer cancel()
	// go-plugin's own way to end a plugin. It mostly has no answer, as the
	// server is gone by then.
	_ = p.conn.Invoke(ctx, "/plugin.GRPCController/Shutdown", &emptypb.Empty{}, &emptypb.Empty{})
	select {
	case <-p.child.exited:
	case <-ctx.Done():
	}
}

// leave lets go of a process that is to live on without this host.
func (p *Process) leave(st *streams) ending {
	st.cancel()
	st.end(context.Background(), 0)
	p.traffic.end()
	p.readTails(false)
	for _, t := range p.tails {
		t.close()
	}
	if err := errors.Join(p.conn.Close(), p.child.release()); err != nil {
		p.logger.Warn("let go of process", "run", p.run, "error", err)
	}
	p.unit.settle()
	return ending{run: p.run, left: true}
}

// stop asks the run to end, gives it its grace, and makes sure. It returns why
// the run was stopped.
func (p *Process) stop(ctx context.Context, st *streams) string {
	reason := "on request"
	if e, ok := errors.AsType[errStop](context.Cause(ctx)); ok {
		reason = e.reason
	}
	p.status.stopping(reason)
	patient, hurry := context.WithCancel(context.Background())
	defer hurry()
	forget := p.unit.onHurry(hurry)
	defer forget()

	grace, began := p.config().StopGrace, p.s.clock.Now()
	asking, cancel := context.WithTimeout(patient, grace+time.Second)
	answered := make(chan struct{})
	var answer error
	go func() {
		defer close(answered)
		answer = p.client.Stop(asking, grace, reason)
	}()
	select {
	case <-p.child.exited:
	case <-answered:
	}
	cancel()
	<-answered
	if answer == nil && p.drained(patient, st) {
		p.linger(patient)
	}
	if !isClosed(p.child.exited) {
		p.forced = true
		p.hurried = patient.Err() != nil && p.s.clock.Now().Sub(began) < grace
		p.logger.Info("script does not end by itself", "run", p.run, "error", answer)
	}
	if err := p.child.end(patient, termTime); err != nil {
		p.warn("stop: %v", err)
	}
	return reason
}

// drained waits until a stopped run has said everything. One that has not
// ended within its grace never does.
func (p *Process) drained(ctx context.Context, st *streams) bool {
	ctx, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	timer := time.NewTimer(leftTime)
	defer timer.Stop()
	for {
		select {
		case <-st.read:
			return true
		case <-timer.C:
			if !p.status.holding.Load() {
				return false
			}
			timer.Reset(leftTime) // it speaks faster than its words can be kept
		case <-p.child.exited:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// finish takes in the last of what an ended process said, clears up, and tells
// how the run ended. Nothing of the run is left then.
func (p *Process) finish(ctx context.Context, st *streams, asked string) ending {
	patient, hurry := context.WithCancel(context.Background())
	defer hurry()
	defer p.unit.onHurry(hurry)()
	if isClosed(p.child.exited) || asked != "" {
		st.end(patient, drainTime)
	} else {
		st.end(patient, 0)
	}
	p.traffic.end()
	if err := p.child.end(patient, leftTime); err != nil {
		p.warn("clear up: %v", err)
	}
	p.readTails(true)
	rec, recorded, err := readExit(p.dir, p.run)
	if err != nil {
		p.warn("%v", err)
	}
	p.catchUp(rec.LastSeq)
	end := p.outcome(asked, rec, recorded)
	if err := errors.Join(p.conn.Close(), sealRunDir(p.home)); err != nil {
		p.logger.Warn("clear up", "run", p.run, "error", err)
	}
	p.unit.settle()
	return p.unit.conclude(ctx, end)
}

// outcome works out how the run ended: by its own record, else by the exit
// status of its process.
func (p *Process) outcome(asked string, rec wire.Exit, recorded bool) ending {
	end := ending{run: p.run, lived: p.s.clock.Now().Sub(p.began)}
	status := p.child.status()
	if status != nil {
		code := exitCode(status)
		end.code = &code
	}
	if recorded && rec.ExitCode != nil {
		end.code = rec.ExitCode
	}
	switch {
	case recorded && (asked == "" || rec.State == script.Finished):
		end.state, end.reason, end.fatal = rec.State, rec.Reason, rec.Final
		if rec.State == script.Backoff {
			end.state = script.Failed
		}
	case asked != "":
		end.state, end.reason = script.Stopped, asked
		if !recorded && (p.forced || status != nil && signaled(status)) {
			end.reason = asked + "; " + p.killed()
		}
	case !isClosed(p.child.exited):
		end.state, end.reason = script.Lost, "its process could not be ended"
	case status == nil:
		end.state = script.Lost
		end.reason = "it ended without an exit record, and its exit code is not known, as an earlier host had started it" + p.crash()
	case signaled(status) && p.config().Plugin == "":
		// What became of the script behind the wrapper is not known.
		end.state, end.reason = script.Lost, "its wrapper was "+describeExit(status)
	case signaled(status) || status.ExitCode() != 0:
		end.state, end.reason = script.Failed, describeExit(status)+p.lastWords()
	default:
		end.state = script.Finished
	}
	if end.state == script.Failed && end.reason == "" && end.code != nil {
		end.reason = fmt.Sprintf("exit code %d", *end.code)
	}
	return end
}

// killed says why a run that was to be stopped was killed.
func (p *Process) killed() string {
	grace := roughly(p.config().StopGrace)
	if p.hurried {
		return fmt.Sprintf("it was hurried, and killed before its grace of %s was over", grace)
	}
	return fmt.Sprintf("it did not end within %s and was killed", grace)
}

func signaled(s *os.ProcessState) bool {
	ws, ok := s.Sys().(syscall.WaitStatus)
	return ok && ws.Signaled()
}

// lastWords returns the line of standard error that most likely tells why a
// plugin crashed.
func (p *Process) lastWords() string {
	line, _ := crashLine(filepath.Join(p.dir, stderrFile))
	if line == "" {
		return ""
	}
	return ": " + line
}

// crash returns the line with which a Go plugin panicked, if it did.
func (p *Process) crash() string {
	if line, panicked := crashLine(filepath.Join(p.dir, stderrFile)); panicked {
		return ": " + line
	}
	return ""
}

// crashLine finds a Go program's panic at the end of a file, or else its last
// line.
func crashLine(path string) (line string, panicked bool) {
	text, _ := lastBytes(path, 64<<10)
	found := ""
	for line := range bytes.SplitSeq(text, []byte{'\n'}) {
		line = bytes.TrimSpace(line)
		if bytes.HasPrefix(line, []byte("panic: ")) || bytes.HasPrefix(line, []byte("fatal error: ")) {
			return printable(clip(string(line), 300)), true
		}
		if len(line) > 0 {
			found = printable(clip(string(line), 300))
		}
	}
	return found, false
}
