package printed

import (
	"bytes"
	"strings"
)

// table is the table that a script prints row by row, as fastai, skorch and
// scikit-learn do: a line of names, then lines with a number for each.
type table struct {
	columns []string
	counts  []count // of the row read last
}

// read takes a line: the head of a table, or a row of the one that is open.
// It returns a row's pairs, nil for any other line.
func (t *table) read(line []byte) []pair {
	t.counts = nil
	if p, ok := cells(line); ok {
		return []pair{p}
	}
	fields := bytes.Fields(line)
	if len(fields) < 2 || len(fields) > 32 {
		return nil
	}
	if len(t.columns) > 0 {
		if pairs := t.row(fields); pairs != nil {
			return pairs
		}
	}
	t.head(line, fields)
	return nil
}

// head opens a table whose names are words that stand apart.
func (t *table) head(line []byte, fields [][]byte) {
	columns := columnsOf(string(line))
	known := 0
	for _, c := range columns {
		if _, is := counter(c); is || isMeasured(c) {
			known++
		}
	}
	switch {
	case known >= 2:
		t.columns = columns
	case !ruler(fields):
		t.columns = nil
	}
}

// columnsOf returns the names in a table's head; nil when it is no head.
func columnsOf(line string) []string {
	if !strings.Contains(line, "  ") && !strings.Contains(line, "\t") {
		return nil
	}
	line = strings.TrimSpace(strings.ReplaceAll(line, "\t", "  "))
	parts := strings.FieldsFunc(strings.ReplaceAll(line, "  ", "\x00"), func(r rune) bool { return r == 0 })
	if len(parts) < 2 {
		return nil
	}
	for i, part := range parts {
		part = strings.TrimSpace(part)
		if wordLength(strings.ReplaceAll(part, " ", "_")) != len(part) {
			return nil
		}
		parts[i] = cleanName(strings.ReplaceAll(part, " ", "_"))
	}
	return parts
}

// ruler reports whether a line is the one under a table's head.
func ruler(fields [][]byte) bool {
	for _, f := range fields {
		if len(bytes.Trim(f, "-=|+")) > 0 {
			return false
		}
	}
	return true
}

func (t *table) row(fields [][]byte) []pair {
	if len(fields) != len(t.columns) {
		return nil
	}
	var pairs []pair
	for i, f := range fields {
		tokens := tokenize(string(f))
		if len(tokens) != 1 || tokens[0].kind != number && tokens[0].kind != clock {
			return nil
		}
		name := t.columns[i]
		if plain, is := counter(name); is {
			t.counts = append(t.counts, count{name: plain, done: tokens[0].value})
		} else if tokens[0].kind == number {
			pairs = append(pairs, pair{name: name, unit: tokens[0].unit, value: tokens[0].value})
		}
	}
	return pairs
}

// cells reads the row "|    ep_rew_mean     | 21.3     |".
func cells(line []byte) (p pair, ok bool) {
	text := strings.TrimSpace(string(line))
	if len(text) < 5 || text[0] != '|' || text[len(text)-1] != '|' || strings.Count(text, "|") != 3 {
		return p, false
	}
	name, value, _ := strings.Cut(text[1:len(text)-1], "|")
	name = strings.TrimSpace(name)
	t := tokenize(strings.TrimSpace(value))
	if len(t) != 1 || t[0].kind != number || name == "" || wordLength(name) != len(name) {
		return p, false
	}
	return pair{name: cleanName(name), unit: t[0].unit, value: t[0].value}, true
}
