package printed

import (
	"slices"
	"testing"
)

func TestWordsAreInOrder(t *testing.T) {
	for _, set := range []words{counters, coarse, measured, ratios, scopes, blurs, breaks, links, settled, limits, nobodys, chosen, units} {
		if !slices.IsSorted(set) || len(slices.Compact(slices.Clone(set))) != len(set) {
			t.Errorf("not in order, or twice there: %q", set)
		}
		for _, word := range set {
			if !set.has(word) || set.has(word+"!") {
				t.Error(word)
			}
		}
	}
}
