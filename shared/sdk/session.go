package sdk

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// Session is a script's way to its host while it runs. Its methods may be
// called from any goroutine, and none of them fails for want of a host: what
// the script reports is kept until a host takes it.
type Session struct {
	p *Plugin
}

// Run returns the id of the run.
func (s *Session) Run() string { return s.p.request.Run }

// Script returns the name that the configuration gives the script.
func (s *Session) Script() string { return s.p.request.Script }

// RunDir returns the directory of the run's files; "" where there is none.
func (s *Session) RunDir() string { return s.p.request.RunDir }

// Context returns the run's context: it ends when the run is stopped.
func (s *Session) Context() context.Context { return s.p.ctx }

// Grace returns how long the script has to end, once it is stopped; 0 before.
func (s *Session) Grace() time.Duration {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if s.p.deadline.IsZero() {
		return 0
	}
	return max(time.Until(s.p.deadline), 0)
}

// Fail ends the run as failed, for the reason given. Run's context is
// cancelled; Run should return soon.
func (s *Session) Fail(reason string) {
	s.p.mu.Lock()
	if s.p.failure == "" {
		s.p.failure = reason
	}
	s.p.mu.Unlock()
	s.p.cancel()
}

// Set reports the value of a variable at the current step. A value may be
// nil, a bool, a number, a string, bytes, or slices and string-keyed maps of
// those. A variable that was not declared is declared by it.
func (s *Session) Set(name string, value any) {
	s.p.setVariable(name, s.p.currentStep(), time.Now(), value)
}

// SetAt is Set for another step; -1 is none.
func (s *Session) SetAt(step int64, name string, value any) {
	s.p.setVariable(name, step, time.Now(), value)
}

// Variable returns the newest value of a variable, also one that was set from
// outside.
func (s *Session) Variable(name string) script.Value {
	v := s.p.variables.find(name)
	if v == nil {
		return script.Null()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.value
}

// OnVariable calls f when a writable variable was set from outside.
func (s *Session) OnVariable(name string, f func(old, new script.Value)) {
	s.p.variables.mu.Lock()
	defer s.p.variables.mu.Unlock()
	s.p.variables.watchers[name] = append(s.p.variables.watchers[name], f)
}

// Step ends one step of the work and is where a script pauses, is stopped and
// takes changes that wait for a step. It returns an error when the run is to
// end; Run should return it.
func (s *Session) Step(ctx context.Context) error { return s.p.stepDone(ctx, true) }

// Yield is Step without counting a step: for a script that waits for
// something, when Due says so.
func (s *Session) Yield(ctx context.Context) error { return s.p.stepDone(ctx, false) }

// Due returns a channel that is closed when a pause or a change waits for the
// script to call Step or Yield. Get it anew for each wait.
func (s *Session) Due() <-chan struct{} {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	return s.p.due
}

// SetStep tells the step that the script is at. Step then counts no more by
// itself. Changes that wait for the step take effect.
func (s *Session) SetStep(step int64) { s.p.setStep(step) }

// Result reports a final value of the run. The last value of a name counts.
func (s *Session) Result(name string, value any) {
	v, err := ofValue(value)
	if err != nil {
		s.p.warn("result %s was not kept: %s", name, err)
		return
	}
	s.p.recorder.emit(script.ResultSet{Name: name, Value: v})
}

// Progress tells how far the run is; total is 0 where it is unknown.
func (s *Session) Progress(done, total float64) { s.p.progress(done, total) }

// Logf writes a line to the run's log; level is "debug", "info", "warn" or
// "error".
func (s *Session) Logf(level, format string, args ...any) {
	s.p.log(level, fmt.Sprintf(format, args...))
}

// Logger returns a logger that writes to the run's log.
func (s *Session) Logger() *slog.Logger { return slog.New(&logHandler{p: s.p}) }

// Warn tells people of something about the script that they should know.
func (s *Session) Warn(format string, args ...any) { s.p.warn(format, args...) }

// Ask sends a message to a script and returns its reply. The deadline is
// ctx's; without one the host's own counts.
func (s *Session) Ask(ctx context.Context, to, topic string, data any) (script.Value, error) {
	v, err := ofValue(data)
	if err != nil {
		return script.Null(), script.Errorf(script.CodeUsage, "ask %s: %s", to, err)
	}
	reply, err := s.Call(ctx, script.Message{Kind: script.Ask, Target: to, Topic: topic, Data: v})
	return reply.Value, err
}

// Tell puts a message into a script's mailbox. It returns the message's id
// when it is kept for good.
func (s *Session) Tell(ctx context.Context, to, topic string, data any) (string, error) {
	v, err := ofValue(data)
	if err != nil {
		return "", script.Errorf(script.CodeUsage, "tell %s: %s", to, err)
	}
	reply, err := s.Call(ctx, script.Message{Kind: script.Tell, Target: to, Topic: topic, Data: v})
	return messageID(reply.Value), err
}

// Broadcast sends a message to every other script that lives, and returns
// their names.
func (s *Session) Broadcast(ctx context.Context, topic string, data any) ([]string, error) {
	v, err := ofValue(data)
	if err != nil {
		return nil, script.Errorf(script.CodeUsage, "broadcast: %s", err)
	}
	reply, err := s.Call(ctx, script.Message{Kind: script.Broadcast, Topic: topic, Data: v})
	return reply.Recipients, err
}

// Publish sends a message to every other script that lives, like Broadcast,
// and goes on: it does not tell who got it, and is for what is said thousands
// of times a second. Messages arrive in their order, each at most once. It waits
// only while the host is behind. What goes wrong with one is in the run's events.
func (s *Session) Publish(ctx context.Context, topic string, data any) error {
	v, err := ofValue(data)
	if err != nil {
		return script.Errorf(script.CodeUsage, "publish: %s", err)
	}
	return s.p.switchboard.publish(ctx, topic, v)
}

// Call sends any message and waits for its reply. Kind, Target, Topic, Data
// and Deadline of the message count.
func (s *Session) Call(ctx context.Context, message script.Message) (script.Reply, error) {
	return s.p.switchboard.call(ctx, message)
}

// Notify tells the host of something, which is not answered.
func (s *Session) Notify(event string, data any) {
	v, err := ofValue(data)
	if err != nil {
		s.p.warn("notification %s was not sent: %s", event, err)
		return
	}
	s.p.recorder.emit(script.Notified{Event: event, Data: v})
}

// Peers returns the names of the scripts that messages can go to.
func (s *Session) Peers() []string {
	s.p.switchboard.mu.Lock()
	defer s.p.switchboard.mu.Unlock()
	return append([]string(nil), s.p.switchboard.peers...)
}

// messageID reads the id of a told message, bare or in a table.
func messageID(v script.Value) string {
	if table, ok := v.Map(); ok {
		v = table["id"]
	}
	id, _ := v.Text()
	return id
}

// maxValue bounds what one value may take, so that its event fits into a
// message.
const maxValue = 32 << 20

func ofValue(x any) (script.Value, error) {
	v, err := script.Of(x)
	if err != nil {
		return script.Null(), err
	}
	switch v.Kind() {
	case script.KindString, script.KindBytes, script.KindList, script.KindMap:
		if n := valueSize(v); n > maxValue {
			return script.Null(), fmt.Errorf("%d MiB are more than the %d MiB that one value may have", n>>20, maxValue>>20)
		}
	}
	return v, nil
}
