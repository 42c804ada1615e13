package connector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

const (
	// requestTimeout is how long a script may take for one request of the host.
	requestTimeout = 30 * time.Second
	// pollEvery is how often a script is asked how it is that does not report
	// by itself.
	pollEvery = time.Second
)

// End is how a script that was started by hand ended, as far as it said so.
type End struct {
	State  script.State // Lost where it said nothing
	Reason string
	Code   *int
}

// Session is a script that was started by hand, and the connection over which
// it is controlled.
type Session struct {
	Name string
	PID  int    // 0: it does not say
	Deaf bool   // it takes no commands: it has registered without "control"
	Was  string // the run that it says to go on with, after the connection was lost

	conn   *conn
	server *Server
	ready  chan struct{} // closed when the script knows that it is registered
	over   chan struct{} // closed when the connection has ended
	gone   chan struct{} // closed when that is recorded

	mu      sync.Mutex // guards what follows
	run     string
	end     *End
	nextID  int64
	waiting map[int64]chan map[string]script.Value

	// setting serializes what the host sets and asks, so that no answer is older
	// than a set; it may be held for as long as the script takes to answer.
	setting sync.Mutex

	knowing sync.Mutex // guards shown, and the order of the facts made of it
	shown   shown
}

// errOver: the script has gone.
func (s *Session) errOver() error {
	return script.Errorf(script.CodeUnavailable, "script %q went away before it answered", s.Name)
}

// ErrDeaf tells that the script takes no commands.
func (s *Session) ErrDeaf() error {
	return script.Errorf(script.CodeUnavailable, "script %q takes no commands", s.Name).
		WithHint(`it has registered without "control": true`)
}

// Run returns the id of the script's run.
func (s *Session) Run() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.run
}

// Gone is closed when the script has gone, and its end is recorded.
func (s *Session) Gone() <-chan struct{} { return s.gone }

// Close ends the connection, for another one of the same script.
func (s *Session) Close() { _ = s.conn.Close() }

// request asks the script for something and returns its answer.
func (s *Session) request(ctx context.Context, fields map[string]script.Value) (map[string]script.Value, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	answer := make(chan map[string]script.Value, 1)
	s.mu.Lock()
	s.nextID++
	id := s.nextID
	s.waiting[id] = answer
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.waiting, id)
	}()
	if s.Deaf {
		return nil, s.ErrDeaf()
	}
	if err := s.post(id, fields); err != nil {
		return nil, s.errOver()
	}
	select {
	case got := <-answer:
		if text(got, "error") != "" {
			return nil, answeredError(got)
		}
		return got, nil
	case <-s.over:
		return nil, s.errOver()
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, script.Errorf(script.CodeDeadline, "script %q did not answer %q in time", s.Name, text(fields, "command"))
		}
		return nil, ctx.Err()
	}
}

func (s *Session) post(id int64, fields map[string]script.Value) error {
	if s.Deaf {
		return s.ErrDeaf()
	}
	select {
	case <-s.ready:
	case <-s.over:
		return s.errOver()
	}
	fields["id"] = script.Int(id)
	return s.conn.write(script.Map(fields))
}

// answeredError makes an error of a script's {"error", "code", "hint"}.
func answeredError(fields map[string]script.Value) error {
	code := script.Code(text(fields, "code"))
	if code == "" {
		code = script.CodeRejected
	}
	return &script.Error{Code: code, Message: text(fields, "error"), Hint: text(fields, "hint")}
}

// answered takes an object that the script sends as an answer; one that nobody
// waits for any more is dropped.
func (s *Session) answered(fields map[string]script.Value) {
	id, ok := fields["id"].Int()
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if answer := s.waiting[id]; answer != nil {
		delete(s.waiting, id)
		answer <- fields
	}
}

// SetParameters sets the values one after the other. When the script refuses
// one, those before it get back what they had.
func (s *Session) SetParameters(ctx context.Context, b script.Batch) (script.BatchReply, error) {
	s.setting.Lock()
	defer s.setting.Unlock()
	if b.AtStep != nil {
		return script.BatchReply{}, script.Errorf(script.CodeRejected, "script %q was started by hand: it takes values at once, and not at a step", s.Name)
	}
	reply, err := s.setAll(ctx, "set_parameter", "parameter", b, func() map[string]script.Value { return s.shown.parameters })
	if err != nil || reply.Rejected() || len(reply.Outcomes) == 0 {
		return reply, err
	}
	s.knowing.Lock()
	defer s.knowing.Unlock()
	s.shown.revision++
	reply.Revision = s.shown.revision
	for _, o := range reply.Outcomes {
		s.shown.parameters[o.Name] = o.Value
	}
	return reply, nil
}

// SetVariables does so for variables.
func (s *Session) SetVariables(ctx context.Context, b script.Batch) (script.BatchReply, error) {
	s.setting.Lock()
	defer s.setting.Unlock()
	reply, err := s.setAll(ctx, "set_variable", "variable", b, func() map[string]script.Value { return s.shown.variables })
	if err != nil || reply.Rejected() {
		return reply, err
	}
	s.knowing.Lock()
	defer s.knowing.Unlock()
	reply.Revision = s.shown.revision
	values := map[string]script.Value{}
	for _, o := range reply.Outcomes {
		values[o.Name] = o.Value
	}
	return reply, s.emit(ctx, s.shown.sample(values))
}

func (s *Session) setAll(ctx context.Context, command, what string, b script.Batch, known func() map[string]script.Value) (script.BatchReply, error) {
	s.knowing.Lock()
	before := maps.Clone(known())
	s.knowing.Unlock()
	var reply script.BatchReply
	for _, name := range sorted(b.Values) {
		o := script.Outcome{Name: name, Status: script.Applied, Old: before[name], Value: b.Values[name], Step: -1}
		got, err := s.set(ctx, command, what, name, b.Values[name])
		switch {
		case script.CodeOf(err) == script.CodeUnavailable, script.CodeOf(err) == script.CodeDeadline:
			return reply, err
		case err != nil:
			o.Status, o.Value, o.Reason = script.Rejected, o.Old, script.AsError(err).Message
			err := s.undo(ctx, command, what, reply.Outcomes)
			reply.Outcomes = append(reply.Outcomes, o)
			return reply, err
		}
		o.Value = got
		reply.Outcomes = append(reply.Outcomes, o)
	}
	return reply, nil
}

func (s *Session) set(ctx context.Context, command, what, name string, value script.Value) (script.Value, error) {
	got, err := s.request(ctx, map[string]script.Value{
		"command": script.String(command), what: script.String(name), "value": value,
	})
	if err != nil {
		return value, err
	}
	if used, ok := got["value"]; ok {
		value = used
	}
	return value, nil
}

func (s *Session) undo(ctx context.Context, command, what string, done []script.Outcome) error {
	for _, o := range done {
		if _, err := s.set(ctx, command, what, o.Name, o.Old); err != nil {
			return fmt.Errorf("take %s back: %w", o.Name, err)
		}
	}
	return nil
}

// Order has the script pause, resume or stop.
func (s *Session) Order(ctx context.Context, command string) error {
	_, err := s.request(ctx, map[string]script.Value{"command": script.String(command)})
	if script.CodeOf(err) == script.CodeNotFound {
		return script.Errorf(script.CodeUnavailable, "script %q cannot %s", s.Name, command)
	}
	return err
}

// Deliver hands a message to the script and waits for its reply.
func (s *Session) Deliver(ctx context.Context, m script.Message) (script.Reply, error) {
	got, err := s.request(ctx, messageFields(m))
	return script.Reply{ID: m.ID, Value: got["reply"]}, err
}

// Cast hands a message over; the script's answer is dropped.
func (s *Session) Cast(m script.Message) error {
	s.mu.Lock()
	s.nextID++
	id := s.nextID
	s.mu.Unlock()
	return s.post(id, messageFields(m))
}

func messageFields(m script.Message) map[string]script.Value {
	fields := map[string]script.Value{
		"command": script.String("message"), "kind": script.String(string(m.Kind)), "source": script.String(m.Source),
		"topic": script.String(m.Topic), "data": m.Data, "time": script.String(m.Time.Format(time.RFC3339Nano)),
	}
	if !m.Deadline.IsZero() {
		fields["timeout"] = script.Float(max(time.Until(m.Deadline), time.Millisecond).Seconds())
	}
	return fields
}

// poll asks a script that does not report by itself how it is, until it has
// gone or does not say.
func (s *Session) poll(ctx context.Context) {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.over:
			return
		case <-ticker.C:
		}
		if err := s.refresh(ctx); err != nil && script.CodeOf(err) != script.CodeDeadline {
			return
		}
	}
}
