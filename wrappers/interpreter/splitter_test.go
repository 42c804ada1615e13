package interpreter

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/shared/script"
)

// cutter is a splitter that keeps what it hands out. Its clock stands still
// until a test moves it.
type cutter struct {
	splitter
	clock  time.Time
	pieces []script.LogLine
	lines  []string
}

func newCutter() *cutter {
	c := &cutter{clock: time.Unix(1000, 0)}
	c.splitter = splitter{
		piece: func(text string, partial bool) {
			c.pieces = append(c.pieces, script.LogLine{Text: text, Partial: partial})
		},
		line: func(line []byte) { c.lines = append(c.lines, string(line)) },
		now:  func() time.Time { return c.clock },
	}
	c.lastState = c.clock
	return c
}

func TestSplitter(t *testing.T) {
	long := strings.Repeat("x", script.MaxLogText)
	tests := []struct {
		name, in string
		want     []string // "…" at the end: partial
	}{
		{"lines", "a\nb\n\nc", []string{"a", "b", "", "c"}},
		{"windows lines", "a\r\nb\r\n\r\n", []string{"a", "b", ""}},
		{"bar ends with a newline", "1%\r2%\r3%\n", []string{"3%"}},
		{"bar starts with returns", "\r1%\r2%\r3%\ndone\n", []string{"3%", "done"}},
		{"bar never ends", "\r1%\r2%", []string{"2%"}},
		{"bar cleared", "1%\r\r\n", []string{"1%"}},
		{"just fits", long + "\n", []string{long}},
		{"too long", long + "y\n", []string{long + "…", "y"}},
		{"long state closed", long + "y\rz\n", []string{long + "…", "y", "z"}},
		{"invalid bytes", "a\xff\xfeb\n", []string{"a\uFFFDb"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []int{1, 3, 1 << 20} {
				c := newCutter()
				for p := []byte(tt.in); len(p) > 0; {
					n := min(size, len(p))
					c.write(p[:n])
					p = p[n:]
				}
				c.end()
				got := []string{}
				for _, p := range c.pieces {
					if p.Partial {
						p.Text += "…"
					}
					got = append(got, p.Text)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("in pieces of %d bytes (-want +got):\n%s", size, diff)
				}
			}
		})
	}
}

func TestSplitterShowsBarsNowAndThen(t *testing.T) {
	c := newCutter()
	for i := range 100 {
		c.clock = c.clock.Add(10 * time.Millisecond)
		c.write([]byte{'\r', byte('0' + i/10), byte('0' + i%10), '%'})
	}
	if n := len(c.pieces); n != 3 {
		t.Errorf("%d states shown in a second, want 3", n)
	}
	c.write([]byte("\n"))
	if last := c.pieces[len(c.pieces)-1].Text; last != "99%" {
		t.Errorf("last state is %q", last)
	}
}

func TestSplitterIdle(t *testing.T) {
	c := newCutter()
	c.write([]byte("name? "))
	c.idle()
	c.write([]byte("joe\n50%\r"))
	c.idle()
	c.idle()
	c.write([]byte("\nend\n"))
	want := []script.LogLine{{Text: "name? ", Partial: true}, {Text: "joe"}, {Text: "50%"}, {Text: "end"}}
	if diff := cmp.Diff(want, c.pieces); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"name? joe", "50%", "end"}, c.lines); diff != "" {
		t.Error(diff)
	}
}

func TestSplitterKeepsCharactersWhole(t *testing.T) {
	c := newCutter()
	text := strings.Repeat("x", script.MaxLogText-1) + "é" + strings.Repeat("€", script.MaxLogText)
	c.write([]byte(text))
	c.end()
	var b strings.Builder
	for _, p := range c.pieces {
		if !utf8.ValidString(p.Text) || strings.Contains(p.Text, "\uFFFD") {
			t.Fatalf("a piece was cut within a character")
		}
		b.WriteString(p.Text)
	}
	if b.String() != text {
		t.Error("the pieces do not add up to the text")
	}
	if len(c.lines) != 1 || len(c.lines[0]) != maxPatternLine {
		t.Errorf("patterns saw %d lines", len(c.lines))
	}
}

// FuzzSplitter: whatever comes, and however it is cut, pieces are valid, short
// and closed, and without carriage returns nothing of valid text is lost.
func FuzzSplitter(f *testing.F) {
	f.Add([]byte("a\nb\r\nc\rd"), uint8(1))
	f.Add([]byte("\xff\xc3\x28\r\r\n"), uint8(2))
	f.Add(bytes.Repeat([]byte("é\xf0"), 6000), uint8(255))
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		c := newCutter()
		for p := in; len(p) > 0; {
			n := min(int(size)*97+1, len(p))
			c.write(p[:n])
			p = p[n:]
			if size%3 == 0 {
				c.idle()
			}
		}
		c.end()
		var b strings.Builder
		for _, p := range c.pieces {
			if !utf8.ValidString(p.Text) || len(p.Text) > script.MaxLogText {
				t.Fatalf("bad piece of %d bytes", len(p.Text))
			}
			b.WriteString(p.Text)
			if !p.Partial {
				b.WriteByte('\n')
			}
		}
		if n := len(c.pieces); n > 0 && c.pieces[n-1].Partial {
			t.Fatal("the last piece is partial")
		}
		if utf8.Valid(in) && !bytes.ContainsRune(in, '\r') {
			if got := strings.TrimSuffix(b.String(), "\n"); got != strings.TrimSuffix(string(in), "\n") {
				t.Fatalf("got %q of %q", got, in)
			}
		}
	})
}
