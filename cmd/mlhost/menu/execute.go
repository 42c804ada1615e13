package menu

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/mlhost/mlhost/cmd/mlhost/text"
	v1 "github.com/mlhost/mlhost/host/api/v1"
)

// execute lets a script be chosen that is then started.
type execute struct{ list }

func newExecute(*model) *execute { return &execute{} }

func (e *execute) title() string           { return "execute" }
func (e *execute) fetch(*model) tea.Cmd    { return nil }
func (e *execute) take(*model, any, error) {}
func (e *execute) keys() []hint            { return []hint{{"enter", "choose"}, {"1-9", "choose"}} }
func (e *execute) shown(m *model) []v1.Script {
	var out []v1.Script
	for _, s := range m.scripts {
		if e.matches(s.Name) && s.Managed {
			out = append(out, s)
		}
	}
	return out
}

func (e *execute) command(m *model) []string {
	if shown := e.shown(m); e.cursor < len(shown) {
		return []string{"start", shown[e.cursor].Name}
	}
	return nil
}

func (e *execute) key(m *model, k tea.KeyPressMsg) tea.Cmd {
	shown, key := e.shown(m), k.String()
	if e.move(key, len(shown), m.height-8) {
		return nil
	}
	if n := int(key[0] - '1'); len(key) == 1 && n >= 0 && n < min(9, len(shown)) {
		e.cursor, key = n, "enter"
	}
	if key != "enter" || len(shown) == 0 {
		return nil
	}
	if s := shown[e.cursor]; s.State.Live() {
		m.tell(fmt.Sprintf("%s runs already: it is %s", s.Name, s.State), true)
		return nil
	}
	return m.push(newHow(shown[e.cursor].Name))
}

func (e *execute) body(m *model, width, height int) []string {
	shown := e.shown(m)
	out := []string{bold.Render("Execute script")}
	if height > 10 {
		out = append(out, "")
	}
	rows := make([][]cell, 0, len(shown))
	for i, s := range shown {
		number := ""
		if i < 9 {
			number = fmt.Sprint(i + 1)
		}
		rows = append(rows, []cell{{number, accent}, plainCell(s.Name), {string(s.State), stateStyle(s.State)}, {text.Cell(s.Reason), faint}})
	}
	columns := []column{{title: " "}, {title: "SCRIPT", grow: true, most: 40}, {title: "STATE"}, {title: "WHY", grow: true, drop: 1}}
	return append(out, e.table(width, height-len(out), columns, rows)...)
}

// how asks the question that the original connector asks.
type how struct {
	list
	script string
}

func newHow(name string) *how { return &how{script: name} }

func (h *how) title() string           { return h.script }
func (h *how) fetch(*model) tea.Cmd    { return nil }
func (h *how) take(*model, any, error) {}
func (h *how) keys() []hint            { return []hint{{"1", "or"}, {"2", "start it"}, {"enter", "start it"}} }

// command is how a person starts the script the way that is chosen.
func (h *how) command(*model) []string { return startWords(h.script, h.cursor == 0) }

// startWords start a script, with connector integration or without.
func startWords(name string, integrated bool) []string {
	if integrated {
		return []string{"start", name, "--with-connector"}
	}
	return []string{"start", name}
}

var ways = [...]string{"Run with connector integration", "Run without connector integration"}

func (h *how) key(m *model, k tea.KeyPressMsg) tea.Cmd {
	key := k.String()
	if h.move(key, len(ways), 2) {
		return nil
	}
	switch key {
	case "1", "2":
		h.cursor = int(key[0] - '1')
	case "enter":
	default:
		return nil
	}
	c, integrated := m.client(), h.cursor == 0
	back := m.pop()
	if _, chooser := m.top().(*execute); chooser {
		back = m.pop()
	}
	return tea.Batch(back, m.doing(h.script, func() (v1.Acted, error) {
		return c.Start(m.ctx, h.script, integrated)
	}, startWords(h.script, integrated)...))
}

func (h *how) body(m *model, width, height int) []string {
	out := []string{bold.Render("Execute " + text.Cell(h.script)), ""}
	for i, way := range ways {
		line := fmt.Sprintf("%d  %s", i+1, way)
		if i == h.cursor {
			out = append(out, chosen.Render(text.Pad("> "+line, width)))
		} else {
			out = append(out, "  "+line)
		}
	}
	out = append(out, "")
	for _, l := range paragraph("Under mlhost every script is connected either way: its parameters can be changed and its variables are watched. With integration a script of the Python API is also given --with-connector.", width) {
		out = append(out, faint.Render(l))
	}
	return out
}
