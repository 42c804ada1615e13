// Package text makes what scripts and people wrote fit for a terminal: escaped,
// clipped, and worded.
package text

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Line makes one line of foreign text safe for a terminal: control
// characters, invalid UTF-8 and what turns the direction of writing become
// visible escapes. Tabs stay.
func Line(s string) string { return escape(s, "\t") }

// Block does the same with text of several lines.
func Block(s string) string { return escape(s, "\t\n") }

// Cell does the same for a place of a fixed width, where a tab has none.
func Cell(s string) string { return escape(strings.ReplaceAll(s, "\t", " "), "") }

func escape(s, keep string) string {
	if clean(s, keep) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case !harmful(r) || strings.ContainsRune(keep, r):
			b.WriteString(s[i : i+n])
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\n':
			b.WriteString(`\n`)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += n
	}
	return b.String()
}

func clean(s, keep string) bool {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return false
			}
		}
		if harmful(r) && !strings.ContainsRune(keep, r) {
			return false
		}
	}
	return true
}

// harmful reports control characters (C0, DEL, C1), line separators and the
// marks that reorder text.
func harmful(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r < 0xa0:
		return true
	case r >= 0x200e && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0xfeff:
		return true
	}
	return false
}

// LastPart returns what a line with carriage returns shows in the end: progress
// bars write over themselves.
func LastPart(s string) string {
	s = strings.TrimRight(s, "\r")
	if i := strings.LastIndexByte(s, '\r'); i >= 0 {
		return s[i+1:]
	}
	return s
}
