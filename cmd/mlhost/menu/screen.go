package menu

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/mlhost/mlhost/cmd/mlhost/text"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// screen is one view of the menu. The model keeps a stack of them and shows
// the one on top.
type screen interface {
	title() string
	// fetch asks the host for what the screen shows.
	fetch(m *model) tea.Cmd
	// take gets what fetch has brought.
	take(m *model, data any, err error)
	// key reacts to a key that is no business of the model's.
	key(m *model, k tea.KeyPressMsg) tea.Cmd
	body(m *model, width, height int) []string
	keys() []hint
	// command is the call of mlhost that shows the same.
	command(m *model) []string
}

// filtered is a screen that `/` narrows down.
type filtered interface{ narrow(filter string) }

// typing is a screen into which is typed: keys are letters there.
type typing interface{ isTyping() bool }

// closer is a screen that has to be left in order.
type closer interface{ close() }

// watching is a screen that takes events as they come.
type watching interface{ happened(m *model, e v1.Event) }

// hint says what a key does.
type hint struct{ key, does string }

var (
	bold   = lipgloss.NewStyle().Bold(true)
	faint  = lipgloss.NewStyle().Faint(true)
	accent = lipgloss.NewStyle().Foreground(lipgloss.Color("6"))
	good   = lipgloss.NewStyle().Foreground(lipgloss.Color("2"))
	warn   = lipgloss.NewStyle().Foreground(lipgloss.Color("3"))
	bad    = lipgloss.NewStyle().Foreground(lipgloss.Color("1"))
	normal = lipgloss.NewStyle()
	chosen = lipgloss.NewStyle().Reverse(true)
)

// stateStyle colours a state: what needs a person, what works, what is over.
func stateStyle(s script.State) lipgloss.Style {
	switch s {
	case script.Failed, script.Lost, script.Stuck, script.Stalled, script.Backoff:
		return bad
	case script.Starting, script.Ready, script.Running, script.Stopping:
		return good
	case script.Paused, script.Waiting:
		return warn
	}
	return faint
}

// answer is what the host said last to a screen that shows one thing of it.
type answer[T any] struct {
	shown T
	known bool // the host has answered
}

func (a *answer[T]) take(m *model, data any, err error) {
	if err != nil {
		m.tell(failure(err), true)
		return
	}
	a.shown, a.known = data.(T), true
}

// list is a cursor in rows that need not all fit.
type list struct {
	cursor, top int
	filter      string
}

func (l *list) narrow(filter string) { l.filter, l.cursor, l.top = filter, 0, 0 }

// matches reports whether one of the texts has the letters of the filter.
func (l *list) matches(texts ...string) bool {
	if l.filter == "" {
		return true
	}
	want := strings.ToLower(l.filter)
	return slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(strings.ToLower(t), want) })
}

// matching returns those of all with a text that has the letters of the list's filter.
func matching[T any](l *list, all []T, texts func(T) []string) []T {
	var out []T
	for _, one := range all {
		if l.matches(texts(one)...) {
			out = append(out, one)
		}
	}
	return out
}

// move moves the cursor among n rows; false where the key is none for that.
func (l *list) move(key string, n, page int) bool {
	switch key {
	case "up", "k":
		l.cursor--
	case "down", "j":
		l.cursor++
	case "pgup", "ctrl+b":
		l.cursor -= max(1, page-1)
	case "pgdown", "ctrl+f":
		l.cursor += max(1, page-1)
	case "home", "g":
		l.cursor = 0
	case "end", "G":
		l.cursor = n - 1
	default:
		return false
	}
	l.cursor = max(0, min(l.cursor, n-1))
	return true
}

// window returns the rows that are to be seen, the cursor among them.
func (l *list) window(n, height int) (from, to int) {
	l.cursor = max(0, min(l.cursor, n-1))
	l.top = max(0, min(l.top, n-height, l.cursor))
	if l.cursor >= l.top+height {
		l.top = l.cursor - height + 1
	}
	return l.top, min(n, l.top+max(0, height))
}

// cell is a text in one style.
type cell struct {
	text  string
	style lipgloss.Style
}

func plainCell(s string) cell { return cell{text.Cell(s), normal} }

// column is one of a table's columns. Where the table is too wide the ones
// with the highest drop go first; grow ones are clipped before that.
type column struct {
	title string
	drop  int // 0: never
	most  int // 0: any width
	grow  bool
	right bool
}

// leastGrown is how narrow a column that grows may become.
const leastGrown = 10

// widths chooses the columns that fit and how wide they are; 0 is left out.
func widths(width int, columns []column, rows [][]cell) []int {
	out := make([]int, len(columns))
	for i, c := range columns {
		out[i] = lipgloss.Width(c.title)
		for _, r := range rows {
			out[i] = max(out[i], lipgloss.Width(r[i].text))
		}
		if c.most > 0 {
			out[i] = min(out[i], c.most)
		}
	}
	over := func() int {
		sum := -2
		for _, w := range out {
			if w > 0 {
				sum += w + 2
			}
		}
		return sum - width
	}
	for over() > 0 {
		if i := lastly(out, columns, firstToGo); i >= 0 {
			out[i] = 0
		} else if i := widest(out, columns); i >= 0 {
			out[i] -= min(over(), out[i]-leastGrown)
		} else if i := lastly(out, columns, 1); i >= 0 {
			out[i] = 0
		} else {
			break // what is left is clipped at the edge
		}
	}
	return out
}

// firstToGo is the drop from which on a column goes before others are clipped.
const firstToGo = 4

// lastly is the column with the highest drop, which is from least on.
func lastly(widths []int, columns []column, least int) int {
	worst := -1
	for i, c := range columns {
		if widths[i] > 0 && c.drop >= least && (worst < 0 || c.drop > columns[worst].drop) {
			worst = i
		}
	}
	return worst
}

// widest is the widest column that can be clipped.
func widest(widths []int, columns []column) int {
	best := -1
	for i, c := range columns {
		if c.grow && widths[i] > leastGrown && (best < 0 || widths[i] > widths[best]) {
			best = i
		}
	}
	return best
}

// table renders rows in columns, header first, with a mark before the row of
// the cursor.
func (l *list) table(width, height int, columns []column, rows [][]cell) []string {
	const margin = 2
	wide := widths(width-margin, columns, rows)
	var head []cell
	for _, c := range columns {
		head = append(head, cell{c.title, faint})
	}
	var out []string
	if height > 3 {
		out = append(out, strings.Repeat(" ", margin)+row(wide, columns, head, width-margin, false))
		height--
	}
	from, to := l.window(len(rows), height)
	for i := from; i < to; i++ {
		if i == l.cursor {
			out = append(out, chosen.Render(text.Pad("> "+row(wide, columns, rows[i], width-margin, true), width)))
			continue
		}
		out = append(out, strings.Repeat(" ", margin)+row(wide, columns, rows[i], width-margin, false))
	}
	return out
}

func row(widths []int, columns []column, cells []cell, width int, bare bool) string {
	var b strings.Builder
	for i, c := range cells {
		w := widths[i]
		if w == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("  ")
		}
		t := text.Clip(c.text, w)
		fill := strings.Repeat(" ", max(0, w-lipgloss.Width(t)))
		if !bare && t != "" {
			t = c.style.Render(t)
		}
		if columns[i].right {
			b.WriteString(fill + t)
		} else {
			b.WriteString(t + fill)
		}
	}
	return ansi.Truncate(b.String(), width, "")
}

// wrap breaks a line of foreign text, already escaped, at width columns.
func wrap(s string, width int) []string {
	if width < 1 || lipgloss.Width(s) <= width {
		return []string{s}
	}
	return strings.Split(ansi.Hardwrap(s, width, true), "\n")
}

// paragraph breaks words of ours at width columns.
func paragraph(s string, width int) []string {
	return strings.Split(ansi.Wrap(s, max(width, 1), ""), "\n")
}
