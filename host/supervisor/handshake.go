package supervisor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/go-plugin"
	"golang.org/x/sys/unix"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// maxHandshake bounds the first line of a plugin's standard output.
const maxHandshake = 4 << 10

// errNoLine says that a plugin ended before its first line was whole.
var errNoLine = errors.New("no line")

// lookAtOutput is how often a plugin's output is looked at for a handshake: a
// plugin that was not built with the SDK prints it there.
const lookAtOutput = 5 * time.Millisecond

// listen takes in what the process says of itself: through said, or else, in
// what it prints to its log in dir, the handshake alone.
func (c *child) listen(ctx context.Context, said *os.File, dir string) error {
	out, err := openFirstLine(filepath.Join(dir, stdoutFile))
	if err != nil {
		return err
	}
	defer out.close()
	own := speech{file: said}
	for {
		over := isClosed(c.exited) // asked before reading: nothing comes after
		// The file is read first: what is printed behind the handshake is not
		// taken for something that came instead of it.
		whole, err := out.look()
		if err != nil {
			return err
		}
		wait := lookAtOutput
		if whole || over {
			wait = 0
		}
		served, err := own.hear(wait)
		switch {
		case err != nil:
			return err
		case served:
			c.line, c.printed, c.hello = own.handshake, false, own.hello
			return nil
		}
		c.line, c.printed = out.line, true
		if whole {
			return nil
		}
		if over {
			return errNoLine
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if own.ended { // nobody will say more there
			select {
			case <-time.After(lookAtOutput):
			case <-c.exited:
			case <-ctx.Done():
			}
		}
	}
}

// speech is what a plugin says of itself through a pipe.
type speech struct {
	file      *os.File
	text      []byte
	ended     bool
	handshake []byte
	hello     *wire.Hello // nil: it said none that is understood
}

// hear waits for more, and reports whether all is there. Of one that ended
// within a line nothing counts.
func (s *speech) hear(wait time.Duration) (whole bool, err error) {
	buf := make([]byte, 4<<10)
	for !s.ended && len(s.text) < wire.MaxHello {
		n, err := s.read(buf, wait)
		s.text = append(s.text, buf[:n]...)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return false, nil
		case errors.Is(err, io.EOF):
			s.ended = true
		case err != nil:
			return false, fmt.Errorf("read handshake: %w", err)
		}
	}
	line, rest, ok := bytes.Cut(s.text, []byte{'\n'})
	if !ok {
		return false, nil
	}
	s.handshake = line
	var h wire.Hello
	if text, _, ok := bytes.Cut(rest, []byte{'\n'}); ok && json.Unmarshal(text, &h) == nil && h.Nonce != "" {
		s.hello = &h
	}
	return true, nil
}

// read is one read of what comes within the time; for none, what is there.
func (s *speech) read(buf []byte, wait time.Duration) (n int, err error) {
	if wait > 0 {
		if err := s.file.SetReadDeadline(time.Now().Add(wait)); err != nil {
			return 0, err
		}
		return s.file.Read(buf)
	}
	if err := s.file.SetReadDeadline(time.Time{}); err != nil {
		return 0, err
	}
	raw, err := s.file.SyscallConn()
	if err != nil {
		return 0, err
	}
	var problem error
	err = raw.Read(func(fd uintptr) bool {
		for {
			n, problem = unix.Read(int(fd), buf)
			if !errors.Is(problem, unix.EINTR) {
				return true
			}
		}
	})
	n = max(n, 0)
	switch {
	case err != nil:
		return n, err
	case errors.Is(problem, unix.EAGAIN):
		return n, os.ErrDeadlineExceeded
	case problem == nil && n == 0:
		return 0, io.EOF
	}
	return n, problem
}

// firstLine reads the first line of a file that grows.
type firstLine struct {
	file *os.File
	line []byte
}

func openFirstLine(path string) (*firstLine, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read handshake: %w", err)
	}
	return &firstLine{file: f, line: make([]byte, 0, maxHandshake)}, nil
}

func (l *firstLine) close() { _ = l.file.Close() }

// look reads on, and reports whether the line is there: to its end, or longer
// than any handshake is. It is not to be called again then.
func (l *firstLine) look() (whole bool, err error) {
	for len(l.line) < cap(l.line) {
		n, err := l.file.Read(l.line[len(l.line):cap(l.line)])
		l.line = l.line[:len(l.line)+n]
		if i := bytes.IndexByte(l.line, '\n'); i >= 0 {
			l.line = l.line[:i]
			return true, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return false, fmt.Errorf("read handshake: %w", err)
		}
		if n == 0 {
			return false, nil
		}
	}
	return true, nil
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// checkHandshake tells what is wrong with a plugin's first line. What it
// passes, go-plugin understands.
func checkHandshake(line []byte, version int) error {
	parts := strings.Split(strings.TrimSpace(string(line)), "|")
	core, err := strconv.Atoi(parts[0])
	if err != nil || len(parts) < 4 {
		return script.Errorf(script.CodeRejected, "it printed something before the handshake: %s", quote(line)).
			WithHint("a plugin must call sdk.Serve before it prints; a program that is no plugin is run by `source` and `interpreter`")
	}
	if core != plugin.CoreProtocolVersion {
		return script.Errorf(script.CodeRejected, "it speaks version %d of go-plugin's own protocol, this host speaks %d",
			core, plugin.CoreProtocolVersion).WithHint("rebuild the plugin with the SDK of this mlhost")
	}
	if got, err := strconv.Atoi(parts[1]); err != nil || got != version {
		return script.Errorf(script.CodeRejected, "it speaks version %s of the plugin protocol, this host speaks %d", printable(clip(parts[1], 20)), version).
			WithHint("rebuild the plugin with the SDK of this mlhost")
	}
	if len(parts) < 5 || parts[4] != string(plugin.ProtocolGRPC) {
		return script.Errorf(script.CodeRejected, "it speaks net/rpc, and mlhost speaks gRPC only: %s", quote(line)).
			WithHint("set GRPCServer in the plugin's ServeConfig, or use the SDK")
	}
	return nil
}

// quote escapes output of a plugin for a message, and bounds it.
func quote(b []byte) string {
	const most = 160
	cut := len(b) > most
	if cut {
		b = b[:most]
	}
	s := strconv.Quote(strings.ToValidUTF8(string(b), "\uFFFD"))
	if cut {
		s += "…"
	}
	return s
}

// clip shortens s to at most n bytes, at a letter's end.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// lastLines returns the last lines of a file, escaped and bounded: what a
// program said before it died.
func lastLines(path string, most int) []string {
	text, cut := lastBytes(path, 4<<10)
	lines := strings.Split(strings.TrimRight(string(text), "\r\n"), "\n")
	if cut && len(lines) > 1 {
		lines = lines[1:]
	}
	if len(lines) > most {
		lines = lines[len(lines)-most:]
	}
	var out []string
	for _, l := range lines {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, printable(clip(l, 300)))
		}
	}
	return out
}

// lastBytes returns the end of a file, and whether it has more than that. A
// file that cannot be read has nothing to say.
func lastBytes(path string, most int64) (text []byte, cut bool) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, false
	}
	text = make([]byte, min(info.Size(), most))
	n, err := f.ReadAt(text, info.Size()-int64(len(text)))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false
	}
	return text[:n], info.Size() > most
}

// printable replaces what could move a terminal's cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || strconv.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
}
