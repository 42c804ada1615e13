package menu

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"charm.land/lipgloss/v2"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// A number moves by what its parameter takes, and stays within its bounds.
func TestNudged(t *testing.T) {
	f, n := script.Float, script.Int
	for _, c := range []struct {
		name string
		p    v1.Parameter
		from float64
		by   int
		want string
	}{
		{"its own step", v1.Parameter{Type: script.TypeFloat, Min: f(0), Max: f(1), Step: f(0.05)}, 0.3, 1, "0.35"},
		{"onto the grid", v1.Parameter{Type: script.TypeFloat, Min: f(0.1), Max: f(1), Step: f(0.3)}, 0.35, 1, "0.7"},
		{"the last that fits", v1.Parameter{Type: script.TypeFloat, Min: f(0.1), Max: f(1.2), Step: f(0.3)}, 1.0, 10, "1"},
		{"a hundredth of the range", v1.Parameter{Type: script.TypeFloat, Min: f(0), Max: f(10)}, 2.5, -1, "2.4"},
		{"of the decades", v1.Parameter{Type: script.TypeFloat, Min: f(1e-5), Max: f(1), Scale: script.Log}, 0.01, 1, "0.0112"},
		{"no lower than the minimum", v1.Parameter{Type: script.TypeFloat, Min: f(1e-5), Max: f(1), Scale: script.Log}, 1.05e-5, -10, "1e-05"},
		{"a whole one at least", v1.Parameter{Type: script.TypeInt, Min: n(1), Max: n(8)}, 3, 1, "4"},
		{"whole ones", v1.Parameter{Type: script.TypeInt, Min: n(0), Max: n(1000)}, 500, 10, "600"},
		{"without bounds", v1.Parameter{Type: script.TypeFloat}, 2, 1, "2.2"},
		{"away from zero", v1.Parameter{Type: script.TypeFloat}, 0, -1, "-0.1"},
		{"an int without bounds", v1.Parameter{Type: script.TypeInt}, 7, 10, "17"},
		{"no higher than the maximum", v1.Parameter{Type: script.TypeInt, Max: n(8)}, 7, 10, "8"},
	} {
		if got := nudged(c.p, c.from, c.by); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestSplit(t *testing.T) {
	for line, want := range map[string][]string{
		"":                             nil,
		"  set  trainer lr=0.1 ":       {"set", "trainer", "lr=0.1"},
		`tell a b '{"x": 1}'`:          {"tell", "a", "b", `{"x": 1}`},
		`a "b c" d\ e '' "it's \"q\""`: {"a", "b c", "d e", "", `it's "q"`},
	} {
		got, err := split(line)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("split(%q) = %q, %v", line, got, err)
		}
	}
	for _, line := range []string{`a "b`, `a 'b`, `a\`} {
		if got, err := split(line); err == nil {
			t.Errorf("split(%q) = %q", line, got)
		}
	}
}

// What is shown as a command is read back as the same words.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"plain", "", "it's", `{"a": 1}`, "a\nb", `\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, word string) {
		if !utf8.ValidString(word) {
			return // what is no text is escaped before it is shown
		}
		got, err := split("x " + quote(word))
		if err != nil || len(got) != 2 || got[1] != word {
			t.Errorf("%q is shown as %s and read as %q, %v", word, quote(word), got, err)
		}
	})
}

// A table fits any width, and drops what matters least first.
func TestTableFits(t *testing.T) {
	columns := []column{{title: "NAME", grow: true, most: 30}, {title: "STATE"}, {title: "NOTE", grow: true, drop: 1}, {title: "CHART", drop: 5}}
	rows := [][]cell{
		{plainCell(strings.Repeat("日本", 20)), plainCell("running"), plainCell(strings.Repeat("n", 60)), plainCell(strings.Repeat("x", 12))},
		{plainCell("short\ttab\x1b[31m"), plainCell("stopped"), plainCell(""), plainCell("")},
	}
	for width := 1; width < 140; width++ {
		l := &list{cursor: 1}
		for _, line := range l.table(width, 10, columns, rows) {
			if w := lipgloss.Width(line); w > width && width > 2 {
				t.Fatalf("%d columns where %d fit: %q", w, width, line)
			}
			if strings.Contains(line, "\x1b[31m") {
				t.Fatalf("not escaped: %q", line)
			}
		}
	}
	l := &list{}
	if wide := strings.Join(l.table(130, 10, columns, rows), "\n"); !strings.Contains(wide, "CHART") {
		t.Errorf("the chart has no place:\n%s", wide)
	}
	if narrow := strings.Join(l.table(50, 10, columns, rows), "\n"); strings.Contains(narrow, "CHART") || !strings.Contains(narrow, "NOTE") {
		t.Errorf("the chart is not dropped first:\n%s", narrow)
	}
}

func TestOffered(t *testing.T) {
	got := offeredIn("trainer\trunning\ntest\n_activeHelp_ no\nother\n:4\nnoise\n", "t")
	if !slices.Equal(got, []string{"trainer\trunning", "test"}) {
		t.Errorf("got %q", got)
	}
}
