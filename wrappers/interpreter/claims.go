package interpreter

import (
	"strings"
	"sync"
	"unicode"
)

// rank orders where the values of a variable come from. Of two that report
// under one name the higher one counts.
type rank int

const (
	fromSampling rank = iota + 1 // the shim saw it in the script's memory
	fromOutput                   // a line of output told it
	fromLibrary                  // a library reported it, to whatever it reports to
	fromScript                   // the script itself reports it
	fromPattern                  // the configuration says how to read it
)

// ranks are the sources that a variable line may name.
var ranks = map[string]rank{"": fromScript, "library": fromLibrary, "sampled": fromSampling}

// claims tells who reports each variable, so that none is reported twice. Its
// zero value is ready.
type claims struct {
	mu    sync.Mutex
	best  map[string]rank            // by plain name
	ranks map[string]map[string]rank // by plain name, then by name as it is written: what speaks lines
	// spoken are the names that lines report, and whether their samples count.
	spoken map[string]bool
}

// claim says that a source reports a variable, and returns whether it counts.
func (c *claims) claim(name string, by rank) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.take(name, by)
}

func (c *claims) take(name string, by rank) bool {
	plain := plainName(name)
	if c.best == nil {
		c.best, c.ranks, c.spoken = map[string]rank{}, map[string]map[string]rank{}, map[string]bool{}
	}
	if by != fromOutput && by != fromPattern {
		if c.ranks[plain] == nil {
			c.ranks[plain] = map[string]rank{}
		}
		c.ranks[plain][name] = by
	}
	best := max(c.best[plain], by)
	c.best[plain] = best
	for spelled, its := range c.ranks[plain] {
		c.spoken[spelled] = its == best
	}
	return by == best
}

// counts reports whether a sample counts that came on a line. A variable that
// was not declared is the script's own.
func (c *claims) counts(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts, known := c.spoken[name]
	if !known {
		return c.take(name, fromScript)
	}
	return counts
}

// plainName is what is the same in "Val Loss", "val_loss" and "val/loss".
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return '_'
	}, name)
}
