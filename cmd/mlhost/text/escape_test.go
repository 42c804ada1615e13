package text

import (
	"strings"
	"testing"
)

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"plain ünïcode ✓ 日本": "plain ünïcode ✓ 日本",
		"tab\tstays":         "tab\tstays",
		"\x1b]0;title\a":     `\x1b]0;title\x07`,
		"\x1b[31mred":        `\x1b[31mred`,
		"a\nb\rc":            `a\nb\rc`,
		"\x9b31m":            `\x9b31m`, // invalid UTF-8: a bare C1 byte
		"\u009b31m":          `\u009b31m`,
		"\xff\xfe":           `\xff\xfe`,
		"gpj\u202e.exe":      `gpj\u202e.exe`,
		"\x00\x7f":           `\x00\x7f`,
		"\ufffd is a letter": "\ufffd is a letter",
	} {
		if got := Line(in); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestBlock(t *testing.T) {
	if got := Block("one\ntwo\x1b"); got != "one\ntwo\\x1b" {
		t.Errorf("got %q", got)
	}
}

func TestLastPart(t *testing.T) {
	for in, want := range map[string]string{
		"10%\r50%\r100%": "100%", "done\r": "done", "no return": "no return", "\r\r": "", "a\rb\r\r": "b",
	} {
		if got := LastPart(in); got != want {
			t.Errorf("LastPart(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("\x1b[2J\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		out := Line(s)
		if !clean(out, "\t") {
			t.Errorf("Line(%q) = %q still holds something harmful", s, out)
		}
		if strings.ContainsAny(out, "\n\r\x1b") {
			t.Errorf("Line(%q) = %q", s, out)
		}
	})
}
