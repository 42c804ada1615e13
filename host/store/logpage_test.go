package store

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// longLog keeps n lines of a run's log, a second apart, in files of about limit bytes.
func longLog(t *testing.T, n int, limit int64) (*Store, time.Time) {
	t.Helper()
	s := open(t, t.TempDir())
	s.logLimit = limit
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ok(t, s.Append(t.Context(), begun("r1")))
	for i := range n {
		line := script.LogLine{Stream: []string{"stdout", "stderr"}[i%2], Level: []string{"", "info", "error"}[i%3], Text: fmt.Sprintf("Line %d", i)}
		if i%50 == 7 {
			line.Text += strings.Repeat("x", 16<<10)
		}
		ok(t, s.Append(t.Context(), script.Event{Time: start.Add(time.Duration(i) * time.Second), Script: "a", Run: "r1", Body: line}))
	}
	return s, start
}

func numbers(t *testing.T, lines []Log) (out []int) {
	t.Helper()
	for _, l := range lines {
		var n int
		if _, err := fmt.Sscanf(l.Text, "Line %d", &n); err != nil {
			t.Fatal(err)
		}
		out = append(out, n)
	}
	return out
}

func upTo(from, to int) (out []int) {
	for i := from; i < to; i++ {
		out = append(out, i)
	}
	return out
}

// Pages join without a gap or a double, both ways, over rotated files.
func TestLogPages(t *testing.T) {
	const n = 1000
	s, start := longLog(t, n, 200<<10)
	ctx := t.Context()
	page, err := s.LogPage(ctx, "r1", LogQuery{Limit: 64})
	ok(t, err)
	newest := page.Newer
	all := numbers(t, page.Lines)
	for page.Older != "" {
		page, err = s.LogPage(ctx, "r1", LogQuery{Before: page.Older, Limit: 64})
		ok(t, err)
		all = append(numbers(t, page.Lines), all...)
	}
	if !slices.Equal(all, upTo(0, n)) {
		t.Errorf("backward: %v", all)
	}
	all = numbers(t, page.Lines)
	for {
		page, err = s.LogPage(ctx, "r1", LogQuery{After: page.Newer, Limit: 64})
		ok(t, err)
		if len(page.Lines) == 0 {
			break
		}
		all = append(all, numbers(t, page.Lines)...)
	}
	if !slices.Equal(all, upTo(0, n)) || page.Newer != newest {
		t.Errorf("forward: %v; %s, %s", all, page.Newer, newest)
	}
	ok(t, s.Append(ctx, script.Event{Time: start.Add(n * time.Second), Script: "a", Run: "r1", Body: script.LogLine{Text: "Line 1000"}}))
	page, err = s.LogPage(ctx, "r1", LogQuery{After: newest, Limit: 64})
	ok(t, err)
	if got := numbers(t, page.Lines); !slices.Equal(got, []int{n}) {
		t.Errorf("what was appended: %v", got)
	}
	for _, at := range []int{0, 1, 5, 499, 500, 998} {
		page, err = s.LogPage(ctx, "r1", LogQuery{Around: start.Add(time.Duration(at) * time.Second), Limit: 10})
		ok(t, err)
		if got := numbers(t, page.Lines); !slices.Equal(got[:min(len(got), 5)], upTo(max(0, at-5), max(0, at-5)+min(len(got), 5))) || !slices.Contains(got, at) {
			t.Errorf("around %d: %v", at, got)
		}
	}
}

func TestLogPageChooses(t *testing.T) {
	s, _ := longLog(t, 300, 1<<30)
	for _, c := range []struct {
		query LogQuery
		want  func(i int) bool
	}{
		{LogQuery{Stream: "stderr"}, func(i int) bool { return i%2 == 1 }},
		{LogQuery{Level: "info"}, func(i int) bool { return i%3 > 0 }},
		{LogQuery{Level: "warn", Search: "line 1"}, func(i int) bool { return i%3 == 2 && strings.HasPrefix(fmt.Sprint(i), "1") }},
		{LogQuery{Search: "nothing"}, func(int) bool { return false }},
	} {
		c.query.Limit = 1000
		page, err := s.LogPage(t.Context(), "r1", c.query)
		ok(t, err)
		want := slices.DeleteFunc(upTo(0, 300), func(i int) bool { return !c.want(i) })
		if got := numbers(t, page.Lines); !slices.Equal(got, want) || page.Older != "" || page.More {
			t.Errorf("%+v: %v", c.query, got)
		}
	}
}

func TestLogPageOfNothing(t *testing.T) {
	s, _ := longLog(t, 3, 1<<30)
	ctx := t.Context()
	for _, q := range []LogQuery{{}, {After: "0-0"}, {Before: "0-0"}, {Around: time.Now()}} {
		page, err := s.LogPage(ctx, "r2", q)
		ok(t, err)
		if len(page.Lines) > 0 || page.Older != "" || page.Newer == "" {
			t.Errorf("%+v: %+v", q, page)
		}
	}
	for _, cursor := range []string{"x", "1", "1-", "-1", "1-2-3", "ffffffffffffffffffff-1", "1--1"} {
		if _, err := s.LogPage(ctx, "r1", LogQuery{After: cursor, Limit: 1}); script.CodeOf(err) != script.CodeUsage {
			t.Errorf("%s: %v", cursor, err)
		}
	}
	// A file that is kept no longer: from the oldest line on.
	page, err := s.LogPage(ctx, "r1", LogQuery{After: "1-64", Limit: 10})
	ok(t, err)
	if got := numbers(t, page.Lines); !slices.Equal(got, upTo(0, 3)) {
		t.Errorf("behind a lost file: %v", got)
	}
	// A line that is being written is not there yet.
	f, err := os.OpenFile(filepath.Join(s.dir, "runs", "r1", logName), os.O_APPEND|os.O_WRONLY, 0)
	ok(t, err)
	_, err = f.WriteString(`{"text":"Line 3"`)
	ok(t, err)
	page, err = s.LogPage(ctx, "r1", LogQuery{Limit: 10})
	ok(t, err)
	if got := numbers(t, page.Lines); !slices.Equal(got, upTo(0, 3)) {
		t.Errorf("with a torn line: %v", got)
	}
	_, err = f.WriteString("}\n")
	ok(t, err)
	ok(t, f.Close())
	page, err = s.LogPage(ctx, "r1", LogQuery{After: page.Newer, Limit: 10})
	ok(t, err)
	if got := numbers(t, page.Lines); !slices.Equal(got, []int{3}) {
		t.Errorf("then: %v", got)
	}
}
