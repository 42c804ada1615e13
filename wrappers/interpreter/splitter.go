package interpreter

import (
	"bytes"
	"time"
	"unicode/utf8"

	"github.com/mlhost/mlhost/shared/script"
)

const (
	// maxPatternLine is how much of one line patterns get to see.
	maxPatternLine = 64 << 10
	// stateInterval is the least time between two shown states of a line that
	// carriage returns rewrite (a progress bar).
	stateInterval = 300 * time.Millisecond
)

// splitter cuts an output stream into lines, and long lines into pieces of at
// most script.MaxLogText bytes. Of a line that carriage returns rewrite it
// shows the last state, and now and then one in between. Its memory is
// bounded whatever the stream holds.
type splitter struct {
	piece func(text string, partial bool) // gets every piece, as valid UTF-8
	line  func(line []byte)               // gets every complete line, cut at maxPatternLine; may be nil
	now   func() time.Time

	text      []byte // of the line, or of its state since the last carriage return, not yet handed out
	head      []byte // what was handed out of the line before, for line
	continued bool   // an earlier piece of the line went out as partial
	returned  bool   // a carriage return followed text: the next byte tells what it meant
	shown     bool   // text went out already, as the state of a bar that stood still
	lastState time.Time
}

// write takes the next bytes of the stream.
func (s *splitter) write(p []byte) {
	for len(p) > 0 {
		i := bytes.IndexAny(p, "\r\n")
		if i < 0 {
			s.add(p)
			return
		}
		if i > 0 {
			s.add(p[:i])
		}
		if p[i] == '\n' {
			s.endLine()
		} else {
			s.returned = true
		}
		p = p[i+1:]
	}
}

// add appends text without line ends.
func (s *splitter) add(p []byte) {
	if s.returned {
		s.endState()
	}
	for len(s.text)+len(p) > script.MaxLogText {
		n := max(script.MaxLogText-len(s.text), 0)
		s.text = append(s.text, p[:n]...)
		p = p[n:]
		s.cut(runeBoundary(s.text))
	}
	s.text = append(s.text, p...)
}

// cut hands out the first n bytes of the text as a partial piece.
func (s *splitter) cut(n int) {
	s.emit(s.text[:n], true)
	if room := maxPatternLine - len(s.head); s.line != nil && room > 0 {
		s.head = append(s.head, s.text[:min(n, room)]...)
	}
	s.text = append(s.text[:0], s.text[n:]...)
	s.continued = true
}

// endState drops the state that new text overwrites, or shows it where it is
// time to, or where an earlier piece of it has gone out.
func (s *splitter) endState() {
	due := len(s.text) > 0 && !s.shown && s.now().Sub(s.lastState) >= stateInterval
	if due || s.continued {
		s.complete()
		s.lastState = s.now()
	}
	s.reset()
}

func (s *splitter) endLine() {
	if !s.shown {
		s.complete()
	}
	s.reset()
}

// complete hands out what is left of the line as its last piece.
func (s *splitter) complete() {
	s.emit(s.text, false)
	if s.line == nil {
		return
	}
	if len(s.head) == 0 {
		s.line(s.text[:min(len(s.text), maxPatternLine)])
		return
	}
	room := maxPatternLine - len(s.head)
	s.line(append(s.head, s.text[:min(len(s.text), room)]...))
}

func (s *splitter) reset() {
	s.text, s.head = s.text[:0], s.head[:0]
	s.continued, s.returned, s.shown = false, false, false
}

// pending reports whether idle would show something.
func (s *splitter) pending() bool { return len(s.text) > 0 && !s.shown }

// idle shows what waits for more: a prompt, or a bar that stands still.
func (s *splitter) idle() {
	switch {
	case !s.pending():
	case s.returned:
		s.complete()
		s.lastState = s.now()
		s.shown, s.continued, s.head = true, false, s.head[:0]
	default:
		if n := runeBoundary(s.text); n > 0 {
			s.cut(n)
		}
	}
}

// end hands out what is left when the stream has ended.
func (s *splitter) end() {
	if s.pending() || s.continued {
		s.complete()
	}
	s.reset()
}

// emit makes the text valid and keeps it below the limit, which replaced
// bytes may have pushed it over.
func (s *splitter) emit(text []byte, partial bool) {
	valid := text
	if !utf8.Valid(text) {
		valid = bytes.ToValidUTF8(text, []byte("\uFFFD"))
	}
	for len(valid) > script.MaxLogText {
		n := runeBoundary(valid[:script.MaxLogText])
		s.piece(string(valid[:n]), true)
		valid = valid[n:]
	}
	s.piece(string(valid), partial)
}

// runeBoundary returns how many bytes of b may be cut off without cutting a
// character at its end in two.
func runeBoundary(b []byte) int {
	for back := 1; back < utf8.UTFMax && back <= len(b); back++ {
		if i := len(b) - back; utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				return i
			}
			break
		}
	}
	return len(b)
}
