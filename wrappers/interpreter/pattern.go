package interpreter

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// pattern reads one variable from lines of output.
type pattern struct {
	name string
	re   *regexp.Regexp
}

// patterns reads the configured variables from both streams of a script.
type patterns struct {
	list []pattern

	mu     sync.Mutex
	counts map[string]int64 // matches so far, the step where the script counts none
}

// newPatterns compiles the patterns of the variables that have one.
func newPatterns(variables []script.LaunchVariable) (*patterns, error) {
	p := &patterns{counts: map[string]int64{}}
	for _, v := range variables {
		if v.Pattern == "" {
			continue
		}
		re, err := regexp.Compile(v.Pattern)
		if err != nil {
			return nil, fmt.Errorf("compile the pattern of variable %q: %w", v.Name, err)
		}
		p.list = append(p.list, pattern{v.Name, re})
	}
	return p, nil
}

// samples returns what the line tells: for each pattern that matches, its
// first group (or all of the match, where it has none). The step is the given
// one, or how often the variable was seen where that is -1.
func (p *patterns) samples(line []byte, step int64, now time.Time) []script.Sample {
	var found []script.Sample
	for _, pt := range p.list {
		m := pt.re.FindSubmatch(line)
		if m == nil {
			continue
		}
		text := m[0]
		if len(m) > 1 {
			text = m[1]
		}
		found = append(found, script.Sample{Name: pt.name, Step: p.step(pt.name, step), Time: now, Value: parseOutput(string(text))})
	}
	return found
}

func (p *patterns) step(name string, known int64) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts[name]++
	if known >= 0 {
		return known
	}
	return p.counts[name]
}

// parseOutput makes a value of printed text: an int, a float (NaN and
// infinities in every usual spelling), a bool, else a string. An integer of
// more than 64 bits becomes a float, a float out of range an infinity.
func parseOutput(text string) script.Value {
	text = strings.TrimSpace(text)
	switch strings.ToLower(text) {
	case "true":
		return script.Bool(true)
	case "false":
		return script.Bool(false)
	}
	if strings.ContainsAny(text, "_xXpP") { // Go's own spellings, nobody's output
		return script.String(strings.ToValidUTF8(text, "\uFFFD"))
	}
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return script.Int(i)
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return script.Float(f)
	}
	return script.String(strings.ToValidUTF8(text, "\uFFFD"))
}
