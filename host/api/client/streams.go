package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// LogFilter chooses lines of a script's log.
type LogFilter struct {
	Run    string // "": the last one
	Stream string // "": all
	Tail   int    // only the last so many; 0: all
}

// Logs reads what a script has printed and logged. The error, where there is
// one, is the last thing that is yielded.
func (c *Client) Logs(ctx context.Context, name string, f LogFilter) iter.Seq2[v1.Log, error] {
	q := url.Values{}
	setIf(q, "run", f.Run)
	setIf(q, "stream", f.Stream)
	if f.Tail > 0 {
		q.Set("tail", strconv.Itoa(f.Tail))
	}
	return func(yield func(v1.Log, error) bool) {
		response, err := c.send(ctx, http.MethodGet, scriptPath(name, "/logs?"+q.Encode()), nil, nil)
		if err != nil {
			yield(v1.Log{}, err)
			return
		}
		defer response.Body.Close()
		dec := json.NewDecoder(response.Body)
		for {
			var line v1.Log
			err := dec.Decode(&line)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(v1.Log{}, transportError(ctx, fmt.Errorf("read log: %w", err)))
				return
			}
			if !yield(line, nil) {
				return
			}
		}
	}
}

// EventFilter chooses events; zero fields choose all that are new.
type EventFilter struct {
	Script string   // of this script; "": of any, and of the host
	Kinds  []string // of these kinds; none: of all
	After  uint64   // also those kept after the event of this id
}

// Stream is an open stream of events. Its methods are for one goroutine.
type Stream struct {
	ctx    context.Context //nolint:containedctx // of the request that the stream is
	client *Client
	filter EventFilter
	body   io.ReadCloser
	reader *bufio.Reader
	last   uint64 // the newest event that Next has returned; 0: none
	again  int    // how often Again was asked for since
}

// Events opens a stream of events. When it returns, the host is subscribed:
// what happens from now on comes through Next. It ends with ctx.
func (c *Client) Events(ctx context.Context, f EventFilter) (*Stream, error) {
	q := url.Values{"kind": f.Kinds}
	setIf(q, "script", f.Script)
	header := http.Header{"Accept": {"text/event-stream"}}
	if f.After > 0 {
		header.Set("Last-Event-ID", ID(f.After))
	}
	response, err := c.send(ctx, http.MethodGet, "/api/v1/events?"+q.Encode(), nil, header) //nolint:bodyclose // the Stream closes it
	if err != nil {
		return nil, err
	}
	return &Stream{ctx: ctx, client: c, filter: f, body: response.Body, reader: bufio.NewReaderSize(response.Body, 64<<10)}, nil
}

// Close ends the stream.
func (s *Stream) Close() { _ = s.body.Close() } // nothing was written to it

// mostAgain is how often a stream is taken up again that brings nothing.
const mostAgain = 10

// Again takes the stream up again that a host has ended, at the one that
// carries on in its place: behind the last event that came, or, without one or
// with anew, from now on. It reports false where no host does.
func (s *Stream) Again(anew bool) bool {
	f := s.filter
	if f.After = max(s.last, f.After); anew {
		f.After = 0
	}
	if s.again++; s.again > mostAgain {
		return false
	}
	next, err := s.client.Events(s.ctx, f)
	if err != nil {
		return false
	}
	_ = s.body.Close() // it has ended
	s.body, s.reader = next.body, next.reader
	return true
}

// Began reports whether an event has come.
func (s *Stream) Began() bool { return s.last > 0 }

// maxEvent bounds one event: four times what a plugin's message may have.
const maxEvent = 256 << 20

// Next returns the next event, io.EOF when the host has ended the stream.
func (s *Stream) Next() (v1.Event, error) {
	var data []byte
	for {
		line, err := s.line()
		if err != nil {
			return v1.Event{}, err
		}
		if len(line) == 0 {
			if data == nil {
				continue
			}
			var e v1.Event
			if err := json.Unmarshal(data, &e); err != nil {
				return v1.Event{}, script.Errorf(script.CodeInternal, "read event: %v", err)
			}
			s.last, s.again = max(s.last, e.ID), 0
			return e, nil
		}
		if rest, ok := cutField(line, "data"); ok {
			data = append(data, rest...)
		}
	}
}

func (s *Stream) line() ([]byte, error) {
	var line []byte
	for {
		part, err := s.reader.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return line[:len(line)-1], nil
		case errors.Is(err, bufio.ErrBufferFull) && len(line) < maxEvent:
			continue
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return nil, io.EOF
		}
		return nil, transportError(s.ctx, fmt.Errorf("read events: %w", err))
	}
}

// cutField returns the value of a line of the given field.
func cutField(line []byte, field string) ([]byte, bool) {
	if len(line) <= len(field) || string(line[:len(field)]) != field || line[len(field)] != ':' {
		return nil, false
	}
	value := line[len(field)+1:]
	if len(value) > 0 && value[0] == ' ' {
		value = value[1:]
	}
	return value, true
}

// ID writes the id of an event as it stands in a query or header.
func ID(id uint64) string { return strconv.FormatUint(id, 10) }
