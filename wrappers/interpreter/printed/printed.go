// Package printed reads what scripts print about their training: values of
// variables, the epoch and the step, and how far they are.
//
// It knows no library. It knows how people write such lines: a name, a colon,
// an equals sign or a space, and a number. A line counts when one of its names
// tells of training (loss, accuracy, lr, …) or of where the script is (epoch
// 3/10); then its other pairs count too.
package printed

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

const (
	// maxText is how much of a line is looked at.
	maxText = 4 << 10
	// MaxNames is how many variables are taken from one script's output.
	MaxNames = 200
)

// Found is what one line says.
type Found struct {
	Samples  []script.Sample
	Earlier  []script.Sample   // of lines before, that were held back
	Units    map[string]string // of variables, where the line tells them
	Step     int64             // -1: the line tells none
	Progress *script.Progress  // nil: the line tells none
	Full     string            // a variable that is one too many, told once
}

// Reader reads the lines of one script, one after another. It remembers where
// the script is: a line without a step has that of the line before.
type Reader struct {
	names map[string]int64 // how often each was seen
	held  map[string]held  // what settings are called, seen once
	full  bool
	place place
	code  bool // the next line is source code, of a traceback
	table table
}

// Read reads a line.
func (r *Reader) Read(line []byte, now time.Time) Found {
	found := Found{Step: -1}
	if len(line) > maxText {
		line = line[:maxText]
	}
	if r.code {
		r.code = false
		return found
	}
	if !speaks(line) {
		r.table.read(line)
		return found
	}
	text := string(line)
	if trimmed := strings.TrimSpace(text); strings.HasPrefix(trimmed, `File "`) && strings.Contains(trimmed, ", line ") {
		r.code = true
		return found
	}
	said := scan{}
	if b, ok := readBar(text); ok {
		said = scanLine(b.before)
		inside := scanLine(b.after)
		said.pairs = append(said.pairs, all(b.after, inside)...)
		said.repeats = true
		found.Progress = r.place.bar(b, said.counts, now)
	} else if pairs := r.table.read(line); pairs != nil {
		said.pairs, said.counts, said.repeats = pairs, r.table.counts, true
		r.place.move(said, now)
	} else {
		said = scanLine(text)
		found.Progress = r.place.move(said, now)
	}
	if len(said.counts) > 0 {
		found.Step = r.place.step
	}
	r.samples(&found, r.measured(said, now), now)
	return found
}

// held is what a line has said of a name that settings have too.
type held struct {
	value float64
	step  int64
	when  time.Time
}

// measured leaves out what may be a setting: a script prints its learning_rate
// and its max_grad_norm line by line before it begins. Such a name counts in a
// line that tells of training besides, and once its value has changed.
func (r *Reader) measured(said scan, now time.Time) scan {
	if said.repeats || len(said.counts) > 0 || slices.ContainsFunc(said.pairs, func(p pair) bool { return p.sure && !isSetting(p.name) }) {
		return said
	}
	pairs := said.pairs[:0]
	for _, p := range said.pairs {
		before, seen := r.held[p.name]
		switch _, known := r.names[p.name]; {
		case known:
			pairs = append(pairs, p)
		case seen && before.value != p.value && p.value == p.value:
			delete(r.held, p.name)
			p.before = &before
			pairs = append(pairs, p)
		case !seen && len(r.held) < MaxNames:
			if r.held == nil {
				r.held = map[string]held{}
			}
			r.held[p.name] = held{value: p.value, step: r.place.step, when: now}
		}
	}
	said.pairs = pairs
	return said
}

// all returns the pairs of a bar's postfix, which counts whatever its names.
func all(text string, inside scan) []pair {
	if len(inside.pairs) > 0 || text == "" {
		return inside.pairs
	}
	return scanLine("epoch 0, " + text).pairs
}

// speaks reports whether a line can say anything: it has a digit, or a number
// that is spelled in letters.
func speaks(line []byte) bool {
	for i, c := range line {
		if digit(c) || c|0x20 == 'n' && namedFloat(string(line[i:min(len(line), i+9)])) > 0 ||
			c|0x20 == 'i' && namedFloat(string(line[i:min(len(line), i+9)])) > 0 {
			return true
		}
	}
	return false
}

func (r *Reader) samples(found *Found, said scan, now time.Time) {
	if r.names == nil {
		r.names = map[string]int64{}
	}
	for _, c := range said.counts {
		if c.name == "" || c.name == "batch" {
			continue
		}
		r.add(found, c.name, numberValue(c.done), now)
	}
	for _, p := range said.pairs {
		if p.unit != "" {
			if found.Units == nil {
				found.Units = map[string]string{}
			}
			found.Units[p.name] = p.unit
		}
		if p.before != nil {
			r.first(found, p)
		}
		r.add(found, p.name, script.Float(p.value), now)
	}
}

// first appends the value that was held back, which turns out to be the first.
func (r *Reader) first(found *Found, p pair) {
	if len(r.names) >= MaxNames {
		return
	}
	step := p.before.step
	if !r.place.known {
		step = 1
	}
	r.names[p.name] = 1
	found.Earlier = append(found.Earlier, script.Sample{Name: p.name, Step: step, Time: p.before.when, Value: script.Float(p.before.value)})
}

// add appends a sample; of a name that stands twice in a line the first counts.
func (r *Reader) add(found *Found, name string, value script.Value, now time.Time) {
	for _, s := range found.Samples {
		if s.Name == name {
			return
		}
	}
	seen, known := r.names[name]
	if !known && len(r.names) >= MaxNames {
		if !r.full {
			r.full, found.Full = true, name
		}
		return
	}
	r.names[name] = seen + 1
	step := r.place.step
	if !r.place.known {
		step = seen + 1
	}
	found.Samples = append(found.Samples, script.Sample{Name: name, Step: step, Time: now, Value: value})
}

func numberValue(f float64) script.Value {
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return script.Int(int64(f))
	}
	return script.Float(f)
}
