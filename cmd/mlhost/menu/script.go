package menu

import (
	"fmt"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/mlhost/mlhost/cmd/mlhost/text"
	v1 "github.com/mlhost/mlhost/host/api/v1"
)

// scriptScreen is everything about one script, in tabs.
type scriptScreen struct {
	name string
	tabs []screen
	at   int
}

func newScript(name, tab string) *scriptScreen {
	s := &scriptScreen{name: name, tabs: []screen{
		&overview{script: name}, &parameters{script: name}, &variables{script: name}, &results{script: name},
		newLogs(name), &talk{script: name}, &runs{script: name},
	}}
	for i, t := range tabNames {
		if t == tab {
			s.at = i
		}
	}
	return s
}

var tabNames = []string{"Overview", "Parameters", "Variables", "Results", "Logs", "Messages", "Runs"}

func (s *scriptScreen) now() screen { return s.tabs[s.at] }

func (s *scriptScreen) title() string             { return s.name }
func (s *scriptScreen) fetch(m *model) tea.Cmd    { return relay(s, s.now().fetch(m)) }
func (s *scriptScreen) command(m *model) []string { return s.now().command(m) }
func (s *scriptScreen) keys() []hint              { return append(s.now().keys(), hint{"←→", "other tab"}) }
func (s *scriptScreen) happened(m *model, e v1.Event) {
	if w, ok := s.now().(watching); ok {
		w.happened(m, e)
	}
}

// relayed is what a tab has asked for, by way of its screen.
type relayed struct {
	to   screen
	data any
}

// relay lets an answer for a tab come to the screen that has it.
func relay(s *scriptScreen, cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	return func() tea.Msg {
		msg := cmd()
		if l, ok := msg.(loadedMsg); ok {
			return loadedMsg{s, relayed{l.to, l.data}, l.err}
		}
		return msg
	}
}

func (s *scriptScreen) take(m *model, data any, err error) {
	if r, ok := data.(relayed); ok {
		r.to.take(m, r.data, err)
	}
}

func (s *scriptScreen) narrow(filter string) {
	if f, ok := s.now().(filtered); ok {
		f.narrow(filter)
	}
}

func (s *scriptScreen) narrowed() string {
	if f, ok := s.now().(interface{ narrowed() string }); ok {
		return f.narrowed()
	}
	return ""
}

func (s *scriptScreen) close() {
	for _, t := range s.tabs {
		if c, ok := t.(closer); ok {
			c.close()
		}
	}
}

// turn shows another tab.
func (s *scriptScreen) turn(m *model, to int) tea.Cmd {
	s.at = (to + len(s.tabs)) % len(s.tabs)
	m.did, m.notice = "", notice{}
	return m.fetch(s)
}

func (s *scriptScreen) key(m *model, k tea.KeyPressMsg) tea.Cmd {
	switch key := k.String(); key {
	case "right", "tab", "l":
		return s.turn(m, s.at+1)
	case "left", "shift+tab", "h":
		return s.turn(m, s.at-1)
	default:
		if n := int(key[0] - '1'); len(key) == 1 && n >= 0 && n < len(s.tabs) {
			return s.turn(m, n)
		}
	}
	if cmd := s.now().key(m, k); cmd != nil {
		return cmd
	}
	return scriptKey(m, m.script(s.name), k.String())
}

func (s *scriptScreen) body(m *model, width, height int) []string {
	out := []string{s.strip(width)}
	if height > 8 {
		out = append(out, s.state(m, width)...)
	}
	return append(out, s.now().body(m, width, height-len(out))...)
}

// strip names the tabs; where they do not fit, the one that is shown.
func (s *scriptScreen) strip(width int) string {
	line, size := "", 0
	for i, t := range tabNames {
		label := fmt.Sprintf(" %d %s ", i+1, t)
		size += len(label)
		if i == s.at {
			line += chosen.Render(label)
		} else {
			line += accent.Bold(true).Render(label[:2]) + label[2:]
		}
	}
	if size > width {
		return chosen.Render(fmt.Sprintf(" %d %s ", s.at+1, tabNames[s.at])) + faint.Render(fmt.Sprintf(" of %d  ← →", len(tabNames)))
	}
	return line
}

// state says what the script does and why.
func (s *scriptScreen) state(m *model, width int) []string {
	one := m.script(s.name)
	line := stateLine(one, m.bar(one.Progress, 16))
	if lipgloss.Width(line) > width {
		line = stateLine(one, "")
	}
	out := []string{line}
	if one.Reason != "" {
		out = append(out, text.Clip(text.Cell(one.Reason), width))
	}
	return append(out, "")
}

func stateLine(one v1.Script, bar string) string {
	line := stateStyle(one.State).Bold(true).Render(string(one.State))
	if one.Step != nil {
		line += fmt.Sprintf("  step %d", *one.Step)
	}
	if bar != "" {
		line += "  " + accent.Render(bar)
	}
	if p := progress(one.Progress); p != "" {
		line += "  " + p
	}
	if one.Restarts > 0 {
		line += warn.Render("  " + text.Count(one.Restarts, "restart"))
	}
	if one.Uptime != nil {
		word := "for "
		if !one.State.Live() {
			word = "took "
		}
		line += faint.Render("  " + word + text.Duration(*one.Uptime))
	}
	if one.Run != "" {
		line += faint.Render("  run " + text.Cell(one.Run))
	}
	return line
}

// bar draws how far a run is.
func (m *model) bar(p *v1.Progress, width int) string {
	if p == nil || p.Total == nil || *p.Total <= 0 {
		return ""
	}
	n := int(max(0, min(1, p.Done / *p.Total)) * float64(width))
	full, rest := "█", "░"
	if m.options.ASCII {
		full, rest = "#", "."
	}
	return repeat(full, n) + repeat(rest, width-n)
}
