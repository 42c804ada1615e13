package menu

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/mlhost/mlhost/cmd/mlhost/text"
	"github.com/mlhost/mlhost/shared/script"
)

// View renders the screen on top between a line that says where one is and
// lines that say what was done and what can be done.
func (m *model) View() tea.View {
	width, height := max(m.width, 10), max(m.height, 4)
	head, foot := m.head(width, height), m.foot(width, height)
	room := height - len(head) - len(foot)
	body := m.top().body(m, width, room)
	if len(body) > room {
		body = body[:max(room, 0)]
	}
	for len(body) < room {
		body = append(body, "")
	}
	lines := append(append(head, body...), foot...)
	for i, l := range lines {
		lines[i] = ansi.Truncate(l, width, "")
	}
	v := tea.NewView(strings.Join(lines, "\n"))
	v.AltScreen = true
	v.WindowTitle = "mlhost"
	if name := m.hostName(); name != "" {
		v.WindowTitle += " " + text.Cell(name)
	}
	return v
}

// roomy reports whether there are lines for what only pleases the eye.
func roomy(height int) bool { return height >= 16 }

func (m *model) head(width, height int) []string {
	crumbs := []string{"mlhost"}
	if name := m.hostName(); name != "" {
		crumbs[0] = text.Cell(name)
	}
	for _, s := range m.stack {
		if t := s.title(); t != "" {
			crumbs = append(crumbs, text.Cell(t))
		}
	}
	arrow := " › "
	if m.options.ASCII {
		arrow = " > "
	}
	left := strings.Join(crumbs, arrow)
	right := m.counts()
	if lipgloss.Width(left)+lipgloss.Width(right)+2 > width {
		right = ""
	}
	left = text.Clip(left, width)
	out := []string{bold.Render(left) + strings.Repeat(" ", max(0, width-lipgloss.Width(left)-lipgloss.Width(right))) + faint.Render(right)}
	if roomy(height) {
		out = append(out, faint.Render(strings.Repeat(m.rule(), width)))
	}
	return out
}

func (m *model) rule() string {
	if m.options.ASCII {
		return "-"
	}
	return "─"
}

func (m *model) counts() string {
	if m.session == nil {
		return ""
	}
	live := 0
	for _, s := range m.scripts {
		if s.State.Live() {
			live++
		}
	}
	if !m.session.Live {
		return text.Count(len(m.scripts), "script") + ", as they were left"
	}
	return fmt.Sprintf("%s, %d live", text.Count(len(m.scripts), "script"), live)
}

// foot is the last thing that was told, the command that does the same, and
// the keys.
func (m *model) foot(width, height int) []string {
	var out []string
	if roomy(height) {
		out = append(out, faint.Render(strings.Repeat(m.rule(), width)))
	}
	switch {
	case m.line != nil:
		return append(out, m.line.view(width)...)
	case m.ask != nil:
		lines := paragraph(text.Cell(m.ask.text), width)
		for _, l := range lines {
			out = append(out, warn.Bold(true).Render(l))
		}
		return append(out, keyBar(width, []hint{{"y", "yes"}, {"any other key", "no"}}))
	}
	said, style := m.notice.text, normal
	if m.notice.bad {
		style = bad
	}
	if m.problem != nil && m.session != nil {
		said, style = failure(m.problem), bad
		if script.CodeOf(m.problem) == script.CodeHostDown {
			said = "no host answers; scripts run on without it: `mlhost run CONFIG` finds them"
		}
	}
	command := m.shownCommand()
	prompt := ""
	if command != "" {
		prompt = faint.Render("$ ") + text.Clip(command, width-2)
	}
	if height < 12 { // one line for both
		if said != "" {
			out = append(out, style.Render(text.Clip(said, width)))
		} else {
			out = append(out, prompt)
		}
	} else {
		lines := paragraph(said, width)
		if len(lines) > 3 {
			lines = append(lines[:2], text.Clip(strings.Join(lines[2:], " "), width))
		}
		for _, l := range lines {
			out = append(out, style.Render(l))
		}
		out = append(out, prompt)
	}
	return append(out, keyBar(width, m.allKeys()))
}

// allKeys are those of the screen, and those that hold everywhere.
func (m *model) allKeys() []hint {
	out := m.top().keys()
	if t, ok := m.top().(typing); ok && t.isTyping() {
		return append(out, hint{"esc", "back"})
	}
	if len(m.stack) > 1 {
		out = append(out, hint{"esc", "back"})
	}
	if m.canNarrow() {
		out = append(out, hint{"/", "filter"})
	}
	return append(out, hint{":", "command"}, hint{"?", "help"}, hint{"q", "leave"})
}

// keyBar renders as many keys as fit; help and leaving always do.
func keyBar(width int, all []hint) string {
	size := func(h hint) int { return lipgloss.Width(h.key) + 1 + lipgloss.Width(h.does) + 2 }
	total := -2
	for _, h := range all {
		total += size(h)
	}
	for i := len(all) - 3; i >= 1 && total > width; i-- {
		total -= size(all[i])
		all = append(append([]hint{}, all[:i]...), all[i+1:]...)
	}
	parts := make([]string, 0, len(all))
	for _, h := range all {
		parts = append(parts, accent.Bold(true).Render(h.key)+" "+faint.Render(h.does))
	}
	return strings.Join(parts, "  ")
}
