package main

import (
	"os"
	"os/exec"
	"testing"

	"github.com/mlhost/mlhost/internal/left"

	"github.com/mlhost/mlhost/bench/byhand"
)

// TestMain lets the test binary be the parts that it starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "byhand" {
		exit(byhand.Main(os.Args[2:]))
	}
	left.Main(m)
}

// testLab is a lab for work by hand only.
func testLab(t *testing.T) *lab {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "mlb") // short enough for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return &lab{dir: dir, python: python, scale: 0.01}
}

func TestByHandSet(t *testing.T) {
	l := testLab(t)
	for _, target := range [][]string{{"plugin"}, {"wrapper", l.python, "tight"}, {"wrapper", l.python, "sleeping"}} {
		hand, err := byHandHost(t.Context(), l, target[0], target[1:]...)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if err := hand.set(t.Context(), float64(i)); err != nil {
				t.Error(target, err)
			}
		}
		hand.end()
	}
}

func TestByHandMessages(t *testing.T) {
	l := testLab(t)
	took, err := askByHand(t.Context(), l, 20)
	if err != nil || took <= 0 {
		t.Fatalf("a ping-pong took %v µs, %v", took, err)
	}
	rate, err := shoutByHand(t.Context(), l, 3, 50)
	if err != nil || rate <= 0 {
		t.Fatalf("%v broadcasts a second, %v", rate, err)
	}
}

func TestByHandRows(t *testing.T) {
	l := testLab(t)
	rate, err := byhand.RowsPerSecond(t.Context(), l.file("rows.db"), 3000)
	if err != nil || rate <= 0 {
		t.Fatalf("%v rows a second, %v", rate, err)
	}
}

func TestCompare(t *testing.T) {
	for _, test := range []struct {
		ours, byHand, limit float64
		atMost, kept        bool
	}{
		{120, 100, 1.25, true, true},
		{125, 100, 1.25, true, true},
		{126, 100, 1.25, true, false},
		{70, 100, 0.7, false, true},
		{69, 100, 0.7, false, false},
	} {
		if got := compare("", "", test.ours, test.byHand, test.limit, test.atMost).Kept; got != test.kept {
			t.Errorf("%+v: kept = %v", test, got)
		}
	}
}
