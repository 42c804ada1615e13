package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"google.golang.org/protobuf/encoding/protojson"

	pb "github.com/mlhost/mlhost/shared/proto/mlhost/plugin/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// SpoolFile is the name of the file in the run directory to which a plugin
// writes its events while no host listens: one event per line, as the JSON
// form of the protocol's message Event, in the order of the sequence numbers.
const SpoolFile = "spool.jsonl"

// AppendEventLine appends e as one line of a spool file.
func AppendEventLine(dst []byte, e script.Event) ([]byte, error) {
	dst, err := protojson.MarshalOptions{}.MarshalAppend(dst, eventToProto(e))
	if err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	return append(dst, '\n'), nil
}

// ParseEventLine reads one line of a spool file. The event's body is nil for
// a kind that this version does not know.
func ParseEventLine(line []byte) (script.Event, error) {
	var e pb.Event
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(line, &e); err != nil {
		return script.Event{}, fmt.Errorf("decode event: %w", err)
	}
	return eventFromProto(&e), nil
}

// SpoolReader reads a spool file, also one that is still being written.
type SpoolReader struct {
	file   *os.File
	buffer *bufio.Reader
	offset int64 // of the next whole line
	broken int
}

// OpenSpool opens the spool file at path.
func OpenSpool(path string) (*SpoolReader, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	return &SpoolReader{file: file, buffer: bufio.NewReaderSize(file, 256<<10)}, nil
}

// Close closes the file.
func (r *SpoolReader) Close() error { return r.file.Close() }

// Broken returns how many lines could not be read and were passed over.
func (r *SpoolReader) Broken() int { return r.broken }

// Next returns events with numbers above after, about size bytes of them. It
// returns io.EOF at the end of what was written so far; a line without its
// newline is left for the next call.
func (r *SpoolReader) Next(after uint64, size int) ([]script.Event, error) {
	var events []script.Event
	for size > 0 {
		line, err := r.buffer.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			if err := r.rewind(); err != nil {
				return events, err
			}
			if len(events) > 0 {
				return events, nil
			}
			return nil, io.EOF
		}
		if err != nil {
			return events, fmt.Errorf("read spool: %w", err)
		}
		r.offset += int64(len(line))
		event, err := ParseEventLine(bytes.TrimSpace(line))
		if err != nil {
			r.broken++
			continue
		}
		if event.Seq > after && event.Body != nil {
			events = append(events, event)
			size -= len(line)
		}
	}
	return events, nil
}

// rewind goes back to the begin of a line that is not yet whole.
func (r *SpoolReader) rewind() error {
	if _, err := r.file.Seek(r.offset, io.SeekStart); err != nil {
		return fmt.Errorf("read spool: %w", err)
	}
	r.buffer.Reset(r.file)
	return nil
}

// ReadSpool gives the events of the spool file at path that have numbers above
// after to take, in batches and in order. There being no file is no error. A
// host calls it for a process that has ended.
func ReadSpool(path string, after uint64, take func([]script.Event) error) error {
	r, err := OpenSpool(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // opened for reading
	for {
		events, err := r.Next(after, 1<<20)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := take(events); err != nil {
			return err
		}
		after = events[len(events)-1].Seq
	}
}
