package connector

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mlhost/mlhost/shared/script"
)

// isHandName reports whether a script that was started by hand may call itself
// so: its own name, or its file's stem. (An expression for it would take each
// process of mlhost 4 MB.)
func isHandName(name string) bool {
	for i, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) && r != '_' && (i == 0 || !strings.ContainsRune(". -", r)) {
			return false
		}
	}
	return name != "" && utf8.RuneCountInString(name) <= 100
}

// maxCommands is how many commands of one controlled script are worked on at
// once.
const maxCommands = 16

// control registers a script that was started by hand, and serves its
// connection until it ends. It reports false: the connection is over then.
func (c *conn) control(ctx context.Context, fields map[string]script.Value) bool {
	s, facts, err := c.newSession(fields)
	if err != nil {
		return c.write(failure(err)) == nil
	}
	run, err := c.server.Attach(ctx, s, facts)
	if err != nil {
		return c.write(failure(err)) == nil
	}
	s.mu.Lock()
	s.run = run
	s.mu.Unlock()
	c.mark(func() { c.kept = true })
	if c.write(script.Map(map[string]script.Value{
		"status": script.String("registered"), "script": script.String(s.Name), "run": script.String(run),
	})) == nil && c.SetReadDeadline(time.Time{}) == nil {
		close(s.ready)
		reports, _ := fields["reports"].Bool()
		c.serveSession(ctx, s, !reports && !s.Deaf)
	}
	close(s.over)
	c.server.Detach(s, s.ended(ctx))
	close(s.gone)
	return false
}

// registers reports whether a registration makes a script known: one that
// wants to be controlled, and one that nobody knows.
func (c *conn) registers(fields map[string]script.Value) bool {
	if control, _ := fields["control"].Bool(); control {
		return true
	}
	_, err := c.server.Commands.find(text(fields, "script_name"))
	return err != nil
}

func (c *conn) newSession(fields map[string]script.Value) (*Session, []script.Body, error) {
	name := text(fields, "script_name")
	if !isHandName(name) {
		return nil, nil, script.Errorf(script.CodeUsage, "%q cannot be the name of a script", name).
			WithHint(`"script_name" has letters, digits, _, -, dots and blanks, at most 100`)
	}
	s := &Session{
		Name: name, Was: text(fields, "run"), conn: c, server: c.server, ready: make(chan struct{}), over: make(chan struct{}), gone: make(chan struct{}),
		shown: newShown(name), waiting: map[int64]chan map[string]script.Value{},
	}
	control, _ := fields["control"].Bool()
	s.Deaf = !control
	info, _ := fields["info"].Map()
	if pid, ok := info["pid"].Int(); ok && pid > 0 && pid < 1<<31 {
		s.PID = int(pid)
	}
	return s, s.shown.info(info), nil
}

// ended tells how the script ended: as it said, else lost.
func (s *Session) ended(ctx context.Context) End {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.end != nil:
		return *s.end
	case ctx.Err() != nil:
		return End{State: script.Lost, Reason: "the host ended; the script may run on"}
	}
	if s.Deaf {
		return End{State: script.Stopped, Reason: "its connection was closed"}
	}
	return End{State: script.Lost, Reason: "its connection ended without a goodbye"}
}

// serveSession takes what the script sends until the connection ends: answers
// to the host's requests, what it tells by itself, and commands.
func (c *conn) serveSession(ctx context.Context, s *Session, poll bool) {
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	if poll {
		work.Go(func() { s.poll(ctx) })
	}
	free := make(chan struct{}, maxCommands)
	for {
		object, err := c.read.next()
		if err != nil {
			c.hungUp(err)
			return
		}
		if c.SetReadDeadline(time.Time{}) != nil {
			return
		}
		said, err := parse(object)
		if err != nil {
			c.server.refuse("invalid JSON", c.RemoteAddr(), err)
			if c.write(notUnderstood(err)) != nil {
				return
			}
			continue
		}
		fields, _ := said.Map()
		_, asks := fields["command"]
		switch {
		case !asks && text(fields, "event") != "":
			if err := s.told(ctx, fields); err != nil {
				c.server.Logger.Warn("a script's report was not recorded", "script", s.Name, "error", err)
			}
		case !asks && !s.Deaf:
			s.answered(fields)
		case s.Deaf: // the host asks nothing here: one after the other, as on any connection
			if c.write(c.server.Commands.Handle(ctx, s.Name, said)) != nil {
				return
			}
		default:
			select {
			case free <- struct{}{}:
			case <-ctx.Done():
				return
			}
			work.Go(func() {
				defer func() { <-free }()
				_ = c.write(c.server.Commands.Handle(ctx, s.Name, said)) // a connection that fails here has ended
			})
		}
	}
}

// told takes in what a script tells by itself.
func (s *Session) told(ctx context.Context, fields map[string]script.Value) error {
	switch event := text(fields, "event"); event {
	case "report":
		return s.report(ctx, fields)
	case "end":
		s.mu.Lock()
		defer s.mu.Unlock()
		s.end = endOf(fields)
		return nil
	default:
		return fmt.Errorf("there is no event %q", event)
	}
}

func endOf(fields map[string]script.Value) *End {
	end := End{State: script.State(text(fields, "state")), Reason: text(fields, "reason")}
	switch end.State {
	case script.Finished, script.Failed, script.Stopped:
	default:
		end.State = script.Finished
	}
	if code, ok := fields["exit_code"].Int(); ok {
		n := int(code)
		end.Code = &n
	}
	return &end
}
