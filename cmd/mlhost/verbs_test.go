package main

import "testing"

func TestEachVerbIsThereOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range (&app{}).root().Commands() {
		if seen[c.Name()] {
			t.Errorf("the verb %s is there twice", c.Name())
		}
		seen[c.Name()] = true
	}
}
