package menu

import (
	"fmt"
	"math"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/mlhost/mlhost/cmd/mlhost/chart"
	"github.com/mlhost/mlhost/cmd/mlhost/text"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// scriptList is the first screen of a host: its scripts.
type scriptList struct{ list }

// keyVariable is the variable that stands for a script.
type keyVariable struct {
	run   string
	name  string
	value script.Value
	past  *chart.Series // its values, one each second
	seen  time.Time     // when the last of them was added
}

// option is one of the numbers that users of the original connector know.
type option struct {
	key, title string
	do         func(l *scriptList, m *model) tea.Cmd
}

var options []option

func init() {
	options = []option{
		{"1", "List", func(l *scriptList, m *model) tea.Cmd { l.narrow(""); return nil }},
		{"2", "Execute script", func(_ *scriptList, m *model) tea.Cmd { return m.push(newExecute(m)) }},
		{"3", "Stop", func(l *scriptList, m *model) tea.Cmd { return l.onChosen(m, stop) }},
		{"4", "Set parameter", func(l *scriptList, m *model) tea.Cmd { return l.tab(m, "Parameters") }},
		{"5", "Watch", func(l *scriptList, m *model) tea.Cmd { return l.tab(m, "Variables") }},
		{"6", "Status", func(_ *scriptList, m *model) tea.Cmd { return m.push(&status{}) }},
		{"7", "Scan", func(_ *scriptList, m *model) tea.Cmd { return scan(m) }},
		{"8", "Diagnostics", func(_ *scriptList, m *model) tea.Cmd { return m.push(&doctor{}) }},
		{"9", "Runs", func(_ *scriptList, m *model) tea.Cmd { return m.push(&runs{}) }},
		{"m", "Messages", func(_ *scriptList, m *model) tea.Cmd { return m.push(&talk{}) }},
		{"0", "Leave", func(*scriptList, *model) tea.Cmd { return tea.Quit }},
	}
}

func (l *scriptList) title() string { return "" }

// shown are the scripts that the filter leaves.
func (l *scriptList) shown(m *model) []v1.Script {
	return matching(&l.list, m.scripts, func(s v1.Script) []string { return []string{s.Name, string(s.State)} })
}

func (l *scriptList) fetch(*model) tea.Cmd    { return nil } // the model asks for what is shown here
func (l *scriptList) take(*model, any, error) {}

// remember keeps the values of the key variables, so that they can be drawn.
func (m *model) remember(all v1.Overview, now time.Time) {
	old := m.vars
	m.vars = map[string]keyVariable{}
	for _, s := range all.Scripts {
		if len(s.Variables) == 0 {
			continue
		}
		v, k := s.Variables[0], old[s.Name]
		if k.name != v.Name || k.run != s.Run {
			k = keyVariable{run: s.Run, name: v.Name, past: &chart.Series{}}
		}
		k.value = v.Value
		if f, ok := v.Value.Float(); ok && s.State.Live() && now.Sub(k.seen) >= refresh*9/10 {
			k.past.Add(f)
			k.seen = now
		}
		m.vars[s.Name] = k
	}
}

func (l *scriptList) chosen(m *model) (v1.Script, bool) {
	shown := l.shown(m)
	if len(shown) == 0 {
		return v1.Script{}, false
	}
	l.cursor = max(0, min(l.cursor, len(shown)-1))
	return shown[l.cursor], true
}

func (l *scriptList) onChosen(m *model, f func(*model, v1.Script) tea.Cmd) tea.Cmd {
	if s, ok := l.chosen(m); ok {
		return f(m, s)
	}
	return nil
}

func (l *scriptList) tab(m *model, name string) tea.Cmd {
	s, ok := l.chosen(m)
	if !ok {
		return nil
	}
	return m.push(newScript(s.Name, name))
}

func (l *scriptList) key(m *model, k tea.KeyPressMsg) tea.Cmd {
	key := k.String()
	if l.move(key, len(l.shown(m)), m.height-8) {
		return nil
	}
	for _, o := range options {
		if o.key == key {
			return o.do(l, m)
		}
	}
	if key == "enter" || key == "right" {
		return l.tab(m, "Overview")
	}
	s, ok := l.chosen(m)
	if !ok {
		return nil
	}
	return scriptKey(m, s, key)
}

// scriptKey does what a key means for a script, on every screen of one.
func scriptKey(m *model, s v1.Script, key string) tea.Cmd {
	if strings.Contains("xsprR", key) && !m.session.Live {
		m.tell("no host runs; this is what it has kept", true)
		return nil
	}
	switch key {
	case "x":
		return m.push(newHow(s.Name))
	case "s":
		return stop(m, s)
	case "p":
		if s.State == script.Paused {
			return m.act(s.Name, "resume")
		}
		return m.act(s.Name, "pause")
	case "r":
		if !s.State.Live() {
			return m.act(s.Name, "restart")
		}
		return m.confirm(fmt.Sprintf("Restart %s? Its run ends, and a new one starts with the values that were set.", s.Name),
			func() tea.Cmd { return m.act(s.Name, "restart") })
	}
	return nil
}

func stop(m *model, s v1.Script) tea.Cmd {
	if !s.State.Live() && s.State != script.Backoff && s.State != script.Waiting {
		m.tell(fmt.Sprintf("%s does not run: it is %s", s.Name, s.State), false)
		return nil
	}
	what := "Its run ends."
	if !s.State.Live() {
		what = "It will not start by itself any more."
	}
	return m.confirm(fmt.Sprintf("Stop %s? %s", s.Name, what), func() tea.Cmd { return m.act(s.Name, "stop") })
}

func scan(m *model) tea.Cmd {
	m.did = m.call("scan")
	c := m.client()
	return func() tea.Msg {
		out, err := c.Scan(m.ctx)
		return actedMsg{text: "scanned: " + text.Count(len(out.Scripts), "script") + " known", err: err}
	}
}

func (l *scriptList) body(m *model, width, height int) []string {
	shown := l.shown(m)
	strip := m.optionStrip(width, height)
	height -= len(strip)
	if len(shown) == 0 {
		return append(strip, faint.Render("  "+l.nothing(m)))
	}
	l.cursor = max(0, min(l.cursor, len(shown)-1))
	why := l.why(m, shown[l.cursor], width)
	if height < 8 {
		why = nil
	}
	columns := []column{
		{title: "SCRIPT", grow: true, most: 30},
		{title: "STATE"},
		{title: "STEP", drop: 3, right: true},
		{title: "PROGRESS", drop: 2, most: 20},
		{title: "VARIABLE", drop: 1, grow: true, most: 26},
		{title: "", drop: 5, most: 16},
		{title: "UP", drop: 4, right: true},
	}
	rows := make([][]cell, 0, len(shown))
	for _, s := range shown {
		rows = append(rows, l.row(m, s))
	}
	out := append(strip, l.table(width, height-len(why), columns, rows)...)
	for len(out) < height+len(strip)-len(why) {
		out = append(out, "")
	}
	return append(out, why...)
}

func (l *scriptList) nothing(m *model) string {
	switch {
	case l.filter != "":
		return "no script is called so: esc shows all"
	case m.about.Name == "":
		return "asking the host …"
	}
	return "this host knows no scripts: 7 looks for new ones"
}

func (l *scriptList) row(m *model, s v1.Script) []cell {
	step, up := "", ""
	if s.Step != nil {
		step = fmt.Sprint(*s.Step)
	}
	if s.Uptime != nil && s.State.Live() {
		up = text.Duration(*s.Uptime)
	}
	k, variable, spark := m.vars[s.Name], "", ""
	if k.name != "" {
		variable = k.name + "=" + text.Value(k.value, 12)
		spark = m.options.style().Spark(k.past.Values(), 16)
	}
	name := plainCell(s.Name)
	if !s.Managed {
		name.text += " (by hand)"
	}
	return []cell{name, {string(s.State), stateStyle(s.State)}, plainCell(step), plainCell(progress(s.Progress)), plainCell(variable), {spark, accent}, plainCell(up)}
}

// why says in words what the state of a script is about.
func (l *scriptList) why(m *model, s v1.Script, width int) []string {
	said := text.Cell(s.Name) + " is " + string(s.State)
	if s.Reason != "" {
		said += ": " + text.Cell(s.Reason)
	}
	if s.Restarts > 0 {
		said += fmt.Sprintf(" (%s)", text.Count(s.Restarts, "restart"))
	}
	lines := paragraph(said, width)
	if len(lines) > 2 {
		lines = []string{lines[0], text.Clip(strings.Join(lines[1:], " "), width)}
	}
	for i, line := range lines {
		lines[i] = faint.Render(line)
	}
	return append([]string{""}, lines...)
}

func progress(p *v1.Progress) string {
	if p == nil {
		return ""
	}
	if p.Total == nil || *p.Total <= 0 || math.IsNaN(p.Done) {
		return text.Number(p.Done)
	}
	said := fmt.Sprintf("%.0f%%", 100*p.Done / *p.Total)
	if p.ETA != nil {
		said += " (" + text.Duration(*p.ETA) + " left)"
	}
	return said
}

// optionStrip shows the numbers, where there is room.
func (m *model) optionStrip(width, height int) []string {
	if height < 14 {
		return nil
	}
	var lines []string
	line, size := "", 0
	for _, o := range options {
		w := len(o.key) + 1 + len(o.title) + 3
		if size+w > width && size > 0 {
			lines = append(lines, line)
			line, size = "", 0
		}
		line += accent.Bold(true).Render(o.key) + " " + o.title + "   "
		size += w
	}
	return append(lines, line, "")
}

func (l *scriptList) keys() []hint {
	return []hint{{"enter", "open"}, {"x", "execute"}, {"s", "stop"}, {"p", "pause"}, {"r", "restart"}}
}

func (l *scriptList) command(m *model) []string { return []string{"ps"} }
