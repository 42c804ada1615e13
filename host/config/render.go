package config

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

const (
	// maxExcerpt is how much of a line is shown around the culprit, in
	// characters: a line may have a megabyte.
	maxExcerpt = 160
	red        = "\x1b[31m"
	yellow     = "\x1b[33m"
	bold       = "\x1b[1m"
	plain      = "\x1b[0m"
)

// WriteDiagnostics prints diagnostics for people: severity and summary, file
// and line, the line itself with a caret under the culprit, detail and hint.
// Width is where the detail wraps; 0 means nowhere.
func WriteDiagnostics(w io.Writer, files map[string]*hcl.File, diags hcl.Diagnostics, width uint, color bool) error {
	for _, d := range diags {
		var b strings.Builder
		writeHead(&b, d, color)
		if d.Subject != nil {
			writeExcerpt(&b, files[d.Subject.Filename], *d.Subject, color)
		}
		if d.Detail != "" {
			b.WriteString("\n" + wrap(d.Detail, int(width)) + "\n")
		}
		b.WriteString("\n")
		if _, err := io.WriteString(w, b.String()); err != nil {
			return fmt.Errorf("write diagnostics: %w", err)
		}
	}
	return nil
}

func writeHead(b *strings.Builder, d *hcl.Diagnostic, color bool) {
	severity, shade := "Error", red
	if d.Severity == hcl.DiagWarning {
		severity, shade = "Warning", yellow
	}
	if color {
		fmt.Fprintf(b, "%s%s%s:%s %s%s%s\n", bold, shade, severity, plain, bold, d.Summary, plain)
		return
	}
	fmt.Fprintf(b, "%s: %s\n", severity, d.Summary)
}

// writeExcerpt shows the first line of the place, with carets below it.
func writeExcerpt(b *strings.Builder, file *hcl.File, at hcl.Range, color bool) {
	fmt.Fprintf(b, "\n  on %s:%d,%d", at.Filename, at.Start.Line, at.Start.Column)
	if file == nil || at.Start.Byte < 0 || at.Start.Byte > len(file.Bytes) {
		b.WriteString("\n")
		return
	}
	if nav, ok := file.Nav.(interface{ ContextString(offset int) string }); ok {
		if context := nav.ContextString(at.Start.Byte); context != "" {
			fmt.Fprintf(b, ", in %s", context)
		}
	}
	before, marked, after := cut(string(file.Bytes), at)
	indent := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, before)
	number := fmt.Sprintf("%4d", at.Start.Line)
	caret := strings.Repeat("^", max(1, utf8.RuneCountInString(marked)))
	if color {
		marked, caret = bold+marked+plain, bold+red+caret+plain
	}
	fmt.Fprintf(b, ":\n%s: %s%s%s\n%*s  %s%s\n", number, before, marked, after, len(number), "", indent, caret)
}

// cut splits the line that a range starts on into what is before the range,
// in it and behind it, and shortens what is too long.
func cut(src string, at hcl.Range) (before, marked, after string) {
	start := strings.LastIndexByte(src[:at.Start.Byte], '\n') + 1
	end := len(src)
	if i := strings.IndexByte(src[at.Start.Byte:], '\n'); i >= 0 {
		end = at.Start.Byte + i
	}
	until := min(max(at.End.Byte, at.Start.Byte), end)
	before, marked, after = src[start:at.Start.Byte], src[at.Start.Byte:until], strings.TrimSuffix(src[until:end], "\r")
	if over := utf8.RuneCountInString(before) - maxExcerpt; over > 0 {
		before = "…" + string([]rune(before)[over:])
	}
	if r := []rune(marked); len(r) > maxExcerpt {
		marked, after = string(r[:maxExcerpt]), "…"
	}
	if r := []rune(after); len(r) > maxExcerpt {
		after = string(r[:maxExcerpt]) + "…"
	}
	return before, marked, after
}

// wrap breaks text at spaces so that lines have at most width characters.
func wrap(text string, width int) string {
	if width <= 0 {
		return text
	}
	var b strings.Builder
	column := 0
	for i, word := range strings.Split(text, " ") {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+n > width:
			b.WriteString("\n")
			column = 0
		default:
			b.WriteString(" ")
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}
