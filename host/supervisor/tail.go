package supervisor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/mlhost/mlhost/shared/script"
)

// tail turns what a plugin writes into one of its output files into log
// lines, and keeps the file small: once it is larger than limit it is copied
// to FILE.1 and emptied, which a writer with O_APPEND does not notice. It
// reads lines of any length, and memory is bounded.
type tail struct {
	path   string
	stream string // "stdout" or "stderr"
	limit  int64  // 0: never rotated
	keep   int    // files in all
	skip   int64  // bytes at the beginning that are not for us: the handshake, or what an earlier host read

	base int64 // where the output of the processes before ended
	mute bool  // the ends of lines are not told: another process has taken over

	file   *os.File
	offset int64
	start  int64  // where line begins; negative: in the file that was emptied
	line   []byte // the beginning of a line whose end is not there yet
	mid    bool   // a piece of that line was given out already
}

// tailChunk is how much is read at once.
const tailChunk = 64 << 10

var tailBuffers = sync.Pool{New: func() any { return new([tailChunk]byte) }}

// read takes what is new in the file and gives it to emit as lines. With last,
// a line without an end is given out too.
func (t *tail) read(last bool, emit func([]script.LogLine)) error {
	if t.file == nil {
		f, err := os.Open(t.path)
		if err != nil {
			return fmt.Errorf("follow %s: %w", t.stream, err)
		}
		t.file, t.offset, t.start = f, t.skip, t.skip
	}
	buf := tailBuffers.Get().(*[tailChunk]byte) // shared: many tails are idle
	defer tailBuffers.Put(buf)
	for {
		n, err := t.file.ReadAt(buf[:], t.offset)
		t.offset += int64(n)
		if lines := t.split(buf[:n]); len(lines) > 0 {
			emit(lines)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("follow %s: %w", t.stream, err)
		}
		if n == 0 {
			break
		}
	}
	if last && (len(t.line) > 0 || t.mid) {
		t.start += int64(len(t.line))
		emit([]script.LogLine{t.piece(t.line, false)})
		t.line, t.mid = nil, false
	}
	if t.limit > 0 && t.offset > t.limit {
		return t.rotate(emit)
	}
	return nil
}

// split cuts data into lines and pieces of lines.
func (t *tail) split(data []byte) []script.LogLine {
	var lines []script.LogLine
	for len(data) > 0 {
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			t.line = append(t.line, data...)
		} else {
			t.line = append(t.line, data[:end]...)
		}
		for most := pieceLimit(t.line); len(t.line) > most; most = pieceLimit(t.line) {
			cut := runeEnd(t.line, most)
			t.start += int64(cut)
			lines = append(lines, t.piece(t.line[:cut], true))
			t.line = append(t.line[:0], t.line[cut:]...)
			t.mid = true
		}
		if end < 0 {
			break
		}
		t.start += int64(len(t.line)) + 1
		lines = append(lines, t.piece(bytes.TrimSuffix(t.line, []byte{'\r'}), false))
		t.line, t.mid = t.line[:0], false
		data = data[end+1:]
	}
	if cap(t.line) > tailChunk || len(t.line) == 0 {
		t.line = bytes.Clone(t.line)
	}
	return lines
}

// piece makes a line of b, behind which start stands.
func (t *tail) piece(b []byte, partial bool) script.LogLine {
	line := script.LogLine{Stream: t.stream, Text: strings.ToValidUTF8(string(b), "\uFFFD"), Partial: partial}
	if !t.mute {
		line.End = t.base + t.start
	}
	return line
}

// pieceLimit returns how many bytes of line a piece may hold. What is no text
// can double in size when it is made valid.
func pieceLimit(line []byte) int {
	if utf8.Valid(line[:min(len(line), script.MaxLogText)]) {
		return script.MaxLogText
	}
	return script.MaxLogText / 2
}

// runeEnd returns the largest n ≤ most such that b[:n] does not end within a
// letter.
func runeEnd(b []byte, most int) int {
	for n := most; n > most-utf8.UTFMax && n > 0; n-- {
		if utf8.RuneStart(b[n]) {
			return n
		}
	}
	return most // no text
}

// rotate copies the file to FILE.1, after FILE.1 went to FILE.2 and so on, and
// empties it. What is written between the last look and the emptying is lost,
// which is the price of not asking the writer to reopen its output.
func (t *tail) rotate(emit func([]script.LogLine)) error {
	name := func(n int) string { return fmt.Sprintf("%s.%d", t.path, n) }
	for n := t.keep - 1; n > 1; n-- {
		if err := os.Rename(name(n-1), name(n)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("rotate %s: %w", t.path, err)
		}
	}
	to, err := os.OpenFile(name(1), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("rotate %s: %w", t.path, err)
	}
	defer func() { _ = to.Close() }()
	if _, err := io.Copy(to, io.NewSectionReader(t.file, 0, t.offset)); err != nil {
		return fmt.Errorf("rotate %s: %w", t.path, err)
	}
	buf := make([]byte, tailChunk)
	for {
		n, err := t.file.ReadAt(buf, t.offset)
		t.offset += int64(n)
		if lines := t.split(buf[:n]); len(lines) > 0 {
			emit(lines)
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return fmt.Errorf("rotate %s: %w", t.path, err)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("rotate %s: %w", t.path, err)
		}
		if n < len(buf) {
			break
		}
	}
	if err := os.Truncate(t.path, 0); err != nil {
		return fmt.Errorf("rotate %s: %w", t.path, err)
	}
	t.offset, t.start = 0, -int64(len(t.line))
	return nil
}

func (t *tail) close() {
	if t.file != nil {
		_ = t.file.Close()
	}
}
