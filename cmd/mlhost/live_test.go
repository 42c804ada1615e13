package main

import (
	"fmt"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/host/registry"
	"github.com/mlhost/mlhost/shared/script"
)

func TestLiveLines(t *testing.T) {
	scripts := []registry.Script{
		{Name: "done", State: script.Finished, Step: 10},
		{Name: "trainer", State: script.Running, Step: 7, Progress: &script.Progress{Done: 1, Total: 4, ETA: 90}, Variables: []registry.Variable{
			{Name: "note", Value: script.String("x")}, {Name: "lr", Value: script.Float(0.1)}, {Name: "val_loss", Value: script.Float(0.25)},
		}},
		{Name: "broken", State: script.Failed, Step: -1, Reason: "exit code 1\x1b[2J"},
	}
	got := liveLines(scripts, 200, 20, false)
	want := []string{
		`SCRIPT   STATE     STEP  PROGRESS          VARIABLE       REASON`,
		`broken   failed    -     -                 -              exit code 1\x1b[2J`,
		`trainer  running   7     25% (1m30s left)  val_loss=0.25`,
		`done     finished  10    -                 -`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The table fits the screen, however many scripts there are and however long
// their reasons.
func TestLiveLinesFit(t *testing.T) {
	var scripts []registry.Script
	for i := range 100 {
		scripts = append(scripts, registry.Script{Name: fmt.Sprintf("script%d", i), State: script.Running, Step: -1, Reason: strings.Repeat("日本 ", 100)})
	}
	for _, rows := range []int{5, 10, 99, 101, 102, 200} {
		got := liveLines(scripts, 80, rows, true)
		if len(got) > rows {
			t.Errorf("%d lines on a screen of %d", len(got), rows)
		}
		for _, line := range got {
			if w := lipgloss.Width(line); w > 80 {
				t.Errorf("a line of %d columns on a screen of 80: %q", w, line)
			}
		}
		if rows < 100 && !strings.HasPrefix(got[len(got)-1], "… and ") {
			t.Errorf("what is missing is not told: %q", got[len(got)-1])
		}
	}
}

func TestTable(t *testing.T) {
	table := table{header: []string{"A", "B"}}
	table.add("日本", "x")
	table.add("a\nb", "y")
	var b strings.Builder
	if err := table.write(&b); err != nil {
		t.Fatal(err)
	}
	want := "A     B\n日本  x\na\\nb  y\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
