package script

import (
	"fmt"
	"strings"
)

// Suggest returns the candidate that name was most likely meant to be, or ""
// where none is close: it differs in the case of letters only, at most a third
// of the letters differ (by insertion, deletion, substitution or swap), or else
// one is the beginning of the other.
func Suggest(name string, candidates []string) string {
	best, bestDistance := "", 0
	begins := "" // a candidate that begins with name, or the other way round
	limit := min((len(name)+2)/3, len(name)-1)
	for _, c := range candidates {
		if c == name || c == "" || name == "" || len(name) > 200 || len(c) > 200 {
			continue
		}
		lower, lowerName := strings.ToLower(c), strings.ToLower(name)
		if d := editDistance(lowerName, lower); d <= limit && (best == "" || d < bestDistance) {
			best, bestDistance = c, d
		}
		if (strings.HasPrefix(lower, lowerName) || strings.HasPrefix(lowerName, lower)) && (begins == "" || len(c) < len(begins)) {
			begins = c
		}
	}
	if best == "" {
		return begins
	}
	return best
}

// editDistance is the restricted Damerau-Levenshtein distance, in bytes.
func editDistance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// SuggestAmong words a hint for a name that is not known: the one that was most
// likely meant, else all, where they are few; "" where there is nothing to say.
func SuggestAmong(name string, known []string) string {
	if best := Suggest(name, known); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	if len(known) > 0 && len(known) <= 20 {
		return "it has " + strings.Join(known, ", ")
	}
	return ""
}
