package interpreter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/mlhost/mlhost/shared/script"
)

// decodeSamplesSlowly reads a samples line of any spelling. A sample that is
// none is left out, and the error tells why the first of those is.
func decodeSamplesSlowly(line []byte) (any, error) {
	var l struct{ Samples []json.RawMessage }
	if err := json.Unmarshal(line, &l); err != nil {
		return nil, err
	}
	var s samplesLine
	for _, raw := range l.Samples {
		sample, err := decodeSample(raw)
		if err == nil {
			s.samples = append(s.samples, sample)
		} else if s.err == nil {
			s.err = err
		}
	}
	return s, nil
}

func decodeSample(raw json.RawMessage) (script.Sample, error) {
	v, err := script.ParseJSON(raw)
	if err != nil {
		return script.Sample{}, err
	}
	list, _ := v.List()
	if len(list) != 4 {
		return script.Sample{}, fmt.Errorf("a sample is [name, step, time, value], not %.60s", raw)
	}
	return makeSample(list[0], list[1], list[2], list[3])
}

func makeSample(name, step, at, value script.Value) (script.Sample, error) {
	s := script.Sample{Value: value}
	var err error
	s.Name, _ = name.Text()
	if s.Name == "" {
		return s, fmt.Errorf("%s is no name of a variable", name)
	}
	if s.Step, err = stepOf(step); err != nil {
		return s, err
	}
	s.Time, err = timeOf(at)
	return s, err
}

// decodeSamples reads a samples line as scripts usually write it, several
// times faster than encoding/json does. Whatever is unusual about a line makes
// it return false, and decodeLine then goes the long way.
func decodeSamples(line []byte) ([]script.Sample, bool) {
	c := cursor{rest: line, ok: true}
	c.expect('{')
	if c.text() != "op" {
		return nil, false
	}
	c.expect(':')
	if c.text() != "samples" {
		return nil, false
	}
	c.expect(',')
	if c.text() != "samples" {
		return nil, false
	}
	c.expect(':')
	c.expect('[')
	var samples []script.Sample
	for c.ok {
		c.expect('[')
		name := c.scalar()
		c.expect(',')
		step := c.scalar()
		c.expect(',')
		at := c.scalar()
		c.expect(',')
		value := c.scalar()
		c.expect(']')
		s, err := makeSample(name, step, at, value)
		if !c.ok || err != nil {
			return nil, false
		}
		samples = append(samples, s)
		if c.peek() != ',' {
			break
		}
		c.expect(',')
	}
	c.expect(']')
	c.expect('}')
	c.space()
	return samples, c.ok && len(c.rest) == 0
}

// cursor walks over JSON. It clears ok at anything that it does not expect.
type cursor struct {
	rest []byte
	ok   bool
	last string // the string read last: the next one is often the same
}

func (c *cursor) space() {
	for len(c.rest) > 0 && (c.rest[0] == ' ' || c.rest[0] == '\t' || c.rest[0] == '\n' || c.rest[0] == '\r') {
		c.rest = c.rest[1:]
	}
}

// peek returns the next byte that is no space, 0 at the end.
func (c *cursor) peek() byte {
	c.space()
	if !c.ok || len(c.rest) == 0 {
		return 0
	}
	return c.rest[0]
}

func (c *cursor) expect(b byte) {
	if c.peek() != b {
		c.ok = false
		return
	}
	c.rest = c.rest[1:]
}

// text reads a string without escapes.
func (c *cursor) text() string {
	if c.peek() != '"' {
		c.ok = false
		return ""
	}
	end := bytes.IndexByte(c.rest[1:], '"')
	if end < 0 {
		c.ok = false
		return ""
	}
	s := c.rest[1 : 1+end]
	for _, b := range s {
		if b == '\\' || b < ' ' {
			c.ok = false
			return ""
		}
	}
	c.ok = utf8.Valid(s)
	c.rest = c.rest[end+2:]
	if string(s) != c.last {
		c.last = string(s)
	}
	return c.last
}

// scalar reads a string, a number, true, false or null.
func (c *cursor) scalar() script.Value {
	if c.peek() == '"' {
		return script.String(c.text())
	}
	n := bytes.IndexAny(c.rest, ",] \t\r\n")
	if !c.ok || n <= 0 {
		c.ok = false
		return script.Null()
	}
	word := c.rest[:n]
	c.rest = c.rest[n:]
	switch string(word) {
	case "null":
		return script.Null()
	case "true":
		return script.Bool(true)
	case "false":
		return script.Bool(false)
	}
	return c.number(word)
}

// number reads digits with a sign, a point and an exponent where they may be.
func (c *cursor) number(word []byte) script.Value {
	digits := bytes.TrimPrefix(word, []byte("-"))
	leadingZero := len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9'
	if len(digits) == 0 || digits[0] < '0' || digits[0] > '9' || leadingZero {
		c.ok = false
		return script.Null()
	}
	isInt := true
	for i, b := range digits {
		switch {
		case b >= '0' && b <= '9':
		case b == '.' && i+1 < len(digits) && digits[i+1] >= '0' && digits[i+1] <= '9':
			isInt = false
		case (b == 'e' || b == 'E' || b == '+' || b == '-') && i > 0:
			isInt = false
		default:
			c.ok = false
			return script.Null()
		}
	}
	if isInt {
		i, err := strconv.ParseInt(string(word), 10, 64)
		c.ok = c.ok && err == nil
		return script.Int(i)
	}
	f, err := strconv.ParseFloat(string(word), 64)
	c.ok = c.ok && err == nil && !math.IsInf(f, 0)
	return script.Float(f)
}
