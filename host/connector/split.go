package connector

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

const (
	// MaxObject is the most bytes of one request.
	MaxObject = 1 << 20
	// maxNesting is how deep lists and objects of a request may stand in each
	// other. What a value may hold is less; this ends hostile input early.
	maxNesting = 1000
)

// Errors of a splitter. After each of them the stream cannot be read on: where
// the next object begins is not known.
var (
	errNoObject = errors.New("what comes is no JSON object")
	errTooLong  = fmt.Errorf("a request may have at most %d bytes", MaxObject)
	errTooDeep  = fmt.Errorf("a request may be nested at most %d deep", maxNesting)
)

// splitter cuts a stream into JSON objects, which need nothing between them.
// It finds where an object ends, not whether it is valid.
type splitter struct {
	r *bufio.Reader
	// began is called when the first byte of an object has come.
	began func()
}

// next returns the bytes of the next object; io.EOF where the stream ends
// between objects, io.ErrUnexpectedEOF where it ends inside of one.
func (s *splitter) next() ([]byte, error) {
	first, err := s.first()
	if err != nil {
		return nil, err
	}
	if first != '{' {
		return nil, errNoObject
	}
	if s.began != nil {
		s.began()
	}
	object := append(make([]byte, 0, 256), first)
	var scan scanner
	scan.step(first)
	for scan.objects > 0 {
		c, err := s.r.ReadByte()
		if errors.Is(err, io.EOF) {
			return nil, io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		object = append(object, c)
		scan.step(c)
		switch {
		case len(object) > MaxObject:
			return nil, errTooLong
		case scan.objects+scan.lists > maxNesting:
			return nil, errTooDeep
		}
	}
	return object, nil
}

// first returns the first byte that is no white space.
func (s *splitter) first() (byte, error) {
	for {
		c, err := s.r.ReadByte()
		if err != nil {
			return 0, err
		}
		switch c {
		case ' ', '\t', '\r', '\n':
		default:
			return c, nil
		}
	}
}

// scanner follows the nesting of JSON text. Braces alone tell where an object
// ends, so that the stream can be read on behind one that is not valid.
type scanner struct {
	objects int
	lists   int
	quoted  bool
	escaped bool
}

func (s *scanner) step(c byte) {
	switch {
	case s.escaped:
		s.escaped = false
	case s.quoted:
		s.escaped = c == '\\'
		s.quoted = c != '"'
	case c == '"':
		s.quoted = true
	case c == '{':
		s.objects++
	case c == '}':
		s.objects--
	case c == '[':
		s.lists++
	case c == ']':
		s.lists--
	}
}
