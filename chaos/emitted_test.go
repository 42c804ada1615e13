//go:build linux

package main

import (
	"testing"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// What is missing, doubled or out of order is seen, at the end too.
func TestTallied(t *testing.T) {
	for name, c := range map[string]struct {
		samples []int64
		last    int
		want    tally
	}{
		"whole":        {[]int64{1, 2, 3}, 3, tally{found: 3}},
		"a gap":        {[]int64{1, 4}, 4, tally{found: 2, gaps: 2}},
		"no beginning": {[]int64{3}, 3, tally{found: 1, gaps: 2}},
		"no end":       {[]int64{1, 2}, 5, tally{found: 2, gaps: 3}},
		"nothing":      {nil, 2, tally{gaps: 2}},
		"a double":     {[]int64{1, 2, 2, 3}, 3, tally{found: 4, doubles: 1}},
		"out of order": {[]int64{1, 3, 2}, 3, tally{found: 3, gaps: 1, doubles: 1}},
	} {
		var points []v1.Point
		for _, n := range c.samples {
			points = append(points, v1.Point{Value: script.Int(n)})
		}
		if got := tallied(points, c.last); got != c.want {
			t.Errorf("%s: %+v, not %+v", name, got, c.want)
		}
	}
}

// A promise that is broken is told, and ends the program with an error.
func TestVerdict(t *testing.T) {
	kept, broken := &outcome{Name: "a"}, &outcome{Name: "b"}
	kept.zero("lost", 0)
	kept.atMost("seconds", 1, 2)
	broken.zero("lost", 1)
	if kept.verdict() != "kept" || broken.verdict() != "BROKEN" {
		t.Errorf("%s, %s", kept.verdict(), broken.verdict())
	}
	if err := verdict([]*outcome{kept}); err != nil {
		t.Error(err)
	}
	if verdict([]*outcome{kept, broken}) == nil {
		t.Error("a broken promise is no error")
	}
}
