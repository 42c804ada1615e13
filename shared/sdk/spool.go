package sdk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// spoolLimit bounds a spool file. Beyond it only what must not be lost is
// written.
const spoolLimit = 1 << 30

// spool keeps the events that no host has taken: in the file at path, and in
// memory what the file cannot take but must not be lost. It is not safe for
// use by several goroutines; reading is (see spoolCursor).
type spool struct {
	path  string // "": there is no file
	limit int64
	file  *os.File
	size  int64
	line  []byte // buffer
	held  []script.Event
	gap   script.Event // with a Gap: what was dropped behind the last event kept
	fault error        // of the last write
}

// write keeps events, on disk for good when sync is set. What may be dropped
// is, and counted, where there is no place.
func (s *spool) write(events []script.Event, sync bool) {
	kept := s.held
	s.held = nil
	for _, e := range events {
		if droppable(e.Body) && (s.path == "" || s.size > s.limit) {
			s.drop(e)
			continue
		}
		kept = append(s.endGap(kept), e)
	}
	if s.path == "" {
		s.held = kept
		return
	}
	if len(kept) == 0 {
		return
	}
	if s.fault = s.append(kept, sync); s.fault != nil {
		s.hold(kept)
	}
}

// hold keeps in memory, of what the file did not take, what must not be lost.
func (s *spool) hold(events []script.Event) {
	behind := s.gap
	s.gap = script.Event{}
	for _, e := range events {
		if droppable(e.Body) {
			s.drop(e)
			continue
		}
		s.held = append(s.endGap(s.held), e)
	}
	last, ok := behind.Body.(script.Gap)
	if !ok {
		return
	}
	if gap, ok := s.gap.Body.(script.Gap); ok {
		last.From, last.Dropped = gap.From, gap.Dropped+last.Dropped
		behind.Body = last
	}
	s.gap = behind
}

func (s *spool) drop(e script.Event) {
	gap, ok := s.gap.Body.(script.Gap)
	if !ok {
		gap = script.Gap{From: e.Seq, Reason: "the spool of the run is full, or cannot be written"}
	}
	gap.To = e.Seq
	gap.Dropped += weight(e.Body)
	s.gap = script.Event{Seq: e.Seq, Time: e.Time, Body: gap}
}

// endGap appends the event that tells what was dropped, if anything was.
func (s *spool) endGap(events []script.Event) []script.Event {
	if s.gap.Body == nil {
		return events
	}
	events = append(events, s.gap)
	s.gap = script.Event{}
	return events
}

func (s *spool) append(events []script.Event, sync bool) error {
	if s.file == nil {
		file, err := os.OpenFile(s.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return fmt.Errorf("open spool: %w", err)
		}
		info, err := file.Stat()
		if err != nil {
			return errors.Join(fmt.Errorf("open spool: %w", err), file.Close())
		}
		s.file, s.size = file, info.Size()
	}
	s.line = s.line[:0]
	for _, e := range events {
		line, err := wire.AppendEventLine(s.line, e)
		if err != nil {
			return err
		}
		s.line = line
	}
	if _, err := s.file.Write(s.line); err != nil {
		// no half line may stand before the next one
		return errors.Join(fmt.Errorf("write spool: %w", err), s.file.Truncate(s.size))
	}
	s.size += int64(len(s.line))
	if cap(s.line) > 4<<20 {
		s.line = nil
	}
	if sync {
		if err := s.file.Sync(); err != nil {
			return fmt.Errorf("sync spool: %w", err)
		}
	}
	return nil
}

// clear forgets everything: a host has it.
func (s *spool) clear() {
	s.held, s.gap = nil, script.Event{}
	if s.file == nil {
		return
	}
	if s.fault = s.file.Truncate(0); s.fault == nil {
		s.size = 0
	}
}

// close writes what is left down for good.
func (s *spool) close() error {
	if last := s.endGap(nil); len(last) > 0 {
		s.held = append(s.held, last...)
	}
	if len(s.held) > 0 && s.path != "" {
		if s.fault = s.append(s.held, true); s.fault == nil {
			s.held = nil
		}
	}
	if s.file == nil {
		return s.fault
	}
	err := errors.Join(s.fault, s.file.Sync(), s.file.Close())
	s.file = nil
	return err
}

// rest returns the events above seq that are not in the file.
func (s *spool) rest(seq uint64) []script.Event {
	var events []script.Event
	for _, e := range s.held {
		if e.Seq > seq {
			events = append(events, e)
		}
	}
	if s.gap.Body != nil && s.gap.Seq > seq {
		events = append(events, s.gap)
	}
	return events
}

// spoolCursor reads a spool's file while it is being written.
type spoolCursor struct {
	path   string
	reader *wire.SpoolReader
}

// next returns events above after, none at the end of the file.
func (c *spoolCursor) next(after uint64) ([]script.Event, error) {
	if c.path == "" {
		return nil, nil
	}
	if c.reader == nil {
		reader, err := wire.OpenSpool(c.path)
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		c.reader = reader
	}
	events, err := c.reader.Next(after, sendBytes)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	return events, err
}

func (c *spoolCursor) close() error {
	if c.reader == nil {
		return nil
	}
	return c.reader.Close()
}

// sampleGap makes the event that tells of merged samples.
func sampleGap(dropped uint64, at time.Time) script.Event {
	return script.Event{Time: at, Body: script.Gap{
		Dropped: dropped, Reason: "samples of variables declared latest were merged under pressure",
	}}
}
