package interpreter

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// pauseTime is how long a script may take to pause by itself before its
	// processes are stopped by a signal.
	pauseTime = 5 * time.Second
	// stopAnswerTime is how long a script may take to say that it is stopping.
	stopAnswerTime = 2 * time.Second
)

// orderLine is a pause, resume or stop line.
type orderLine struct {
	Op    string   `json:"op"`
	ID    string   `json:"id"`
	Grace *float64 `json:"grace,omitempty"` // seconds
}

// pause asks the script to pause by itself. One that cannot is stopped with
// its process group by SIGSTOP: it pauses wherever it is.
func (r *run) pause(ctx context.Context) error {
	if r.isFrozen() {
		return nil
	}
	if r.speaks() {
		patience := pauseTime
		if deadline, ok := ctx.Deadline(); ok {
			patience = min(patience, time.Until(deadline)/2) // the signal wants its time too
		}
		asking, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		r.setAsked(true)
		_, err := r.order(asking, nil, nil, func(id string) any { return orderLine{Op: "pause", ID: id} })
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
	return r.freeze(ctx)
}

// freeze stops the script's process group, and returns when the script's own
// process stands still.
func (r *run) freeze(ctx context.Context) error {
	if err := r.proc.signalGroup(unix.SIGSTOP); err != nil {
		return err
	}
	r.setFrozen(true)
	for {
		if stoppedOrDead(r.proc.pid) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond): // the kernel tells only a parent that waits for nothing else
		}
	}
}

// resume undoes pause, whichever way that went.
func (r *run) resume(ctx context.Context) error {
	frozen := r.isFrozen()
	if frozen {
		if err := r.proc.signalGroup(unix.SIGCONT); err != nil {
			return err
		}
		r.setFrozen(false)
	}
	if !r.speaks() || !r.wasAsked() {
		return nil
	}
	r.setAsked(false)
	line := func(id string) any { return orderLine{Op: "resume", ID: id} }
	if frozen { // it did not pause by itself, but may have meant to
		return r.conn.send(line(r.calls.add("", func(any) {})))
	}
	asking, cancel := context.WithTimeout(ctx, pauseTime)
	defer cancel()
	if _, err := r.order(asking, nil, nil, line); err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	return nil
}

// stop ends the run: the script is asked by a line where it speaks lines,
// then by SIGTERM, and shortly before the grace is over killed. It returns
// when nothing of the run is left.
func (r *run) stop(ctx context.Context, grace time.Duration) {
	grace -= min(grace/10, time.Second)
	deadline := time.Now().Add(grace)
	r.setDeadline(deadline)
	if r.isFrozen() {
		r.warn(r.proc.signalGroup(unix.SIGCONT))
		r.setFrozen(false)
	}
	if !r.asksToStop(ctx, grace) || !r.exitsWithin(grace*2/3) {
		r.warn(r.proc.signalGroup(unix.SIGTERM))
	}
	if !r.exitsWithin(time.Until(deadline)) {
		r.warn(r.proc.signalGroup(syscall.SIGKILL))
	}
	<-r.done
}

// asksToStop asks the script by a line, and reports whether it agreed.
func (r *run) asksToStop(ctx context.Context, grace time.Duration) bool {
	if !r.speaks() || grace <= 0 {
		return false
	}
	asking, cancel := context.WithTimeout(ctx, min(grace/2, stopAnswerTime))
	defer cancel()
	seconds := grace.Seconds()
	_, err := r.order(asking, nil, nil, func(id string) any { return orderLine{Op: "stop", ID: id, Grace: &seconds} })
	return err == nil
}

func (r *run) isFrozen() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.frozen
}

func (r *run) setFrozen(is bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.frozen = is
}

func (r *run) wasAsked() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

func (r *run) setAsked(is bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = is
}

// setDeadline tells until when leftovers of the run may end by themselves.
func (r *run) setDeadline(at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deadline = at
}

// leftoverTime is how long what the script leaves behind may take to end.
func (r *run) leftoverTime() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.deadline.IsZero() {
		return politeTime
	}
	return max(0, min(politeTime, time.Until(r.deadline)))
}
