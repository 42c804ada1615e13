package supervisor

import (
	"bytes"
	"context"
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

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// maxHandshake bounds the first line of a plugin's standard output.
const maxHandshake = 4 << 10

// errNoLine says that a plugin ended before its first line was whole.
var errNoLine = errors.New("no line")

// readHandshake reads the line by which a plugin says that it serves: from the
// file that is for that alone, or else, printed, from the one with its
// standard output. It looks again each few milliseconds: the line comes once,
// and soon.
func readHandshake(ctx context.Context, dir string, exited <-chan struct{}) (line []byte, printed bool, err error) {
	own, err := openFirstLine(filepath.Join(dir, socketDir, wire.HandshakeFile))
	if err != nil {
		return nil, false, err
	}
	defer own.close()
	out, err := openFirstLine(filepath.Join(dir, stdoutFile))
	if err != nil {
		return nil, false, err
	}
	defer out.close()
	pause := time.NewTicker(2 * time.Millisecond)
	defer pause.Stop()
	for {
		over := isClosed(exited) // asked before reading: nothing comes after
		// The file is read last: what is printed behind the handshake is not
		// taken for something that came instead of it.
		whole, err := out.look()
		served, ownErr := own.look()
		switch {
		case err != nil || ownErr != nil:
			return nil, false, errors.Join(err, ownErr)
		case served:
			return own.line, false, nil
		case whole:
			return out.line, true, nil
		case over:
			return out.line, true, errNoLine
		}
		select {
		case <-ctx.Done():
			return out.line, true, ctx.Err()
		case <-exited:
		case <-pause.C:
		}
	}
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
