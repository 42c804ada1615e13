package menu

import (
	tea "charm.land/bubbletea/v2"

	"github.com/mlhost/mlhost/cmd/mlhost/text"
)

// help lists the keys.
type help struct {
	list
	of screen
}

func (h *help) title() string           { return "help" }
func (h *help) fetch(*model) tea.Cmd    { return nil }
func (h *help) take(*model, any, error) {}
func (h *help) keys() []hint            { return []hint{{"↑↓", "scroll"}} }
func (h *help) command(*model) []string { return []string{"--help"} }

func (h *help) key(m *model, k tea.KeyPressMsg) tea.Cmd {
	h.move(k.String(), 1<<16, m.height-8) // body keeps it within the lines
	return nil
}

// everywhere are the keys that hold on every screen.
var everywhere = []hint{
	{"↑ ↓ or k j", "choose a line"},
	{"pgup pgdn, g G", "a page; the first and the last line"},
	{"enter", "open or do what is chosen"},
	{"esc", "back; takes the filter off first"},
	{"/", "show only lines with these letters"},
	{":", "run any command of mlhost: `:set trainer lr=0.1`; tab completes"},
	{"y", "copy the command that stands below the screen"},
	{"ctrl-l", "draw the screen anew"},
	{"ctrl-z", "back to the shell; `fg` returns"},
	{"q, ctrl-c", "leave: every script runs on"},
}

// forScripts are the keys wherever a script is shown.
var forScripts = []hint{
	{"x", "execute the script"},
	{"s", "stop it, after a question"},
	{"p", "pause it at its next step, or let it go on"},
	{"r", "restart it, with the values that were set"},
}

func (h *help) body(_ *model, width, height int) []string {
	var out []string
	part := func(title string, all []hint) {
		if len(all) == 0 {
			return
		}
		out = append(out, faint.Render(title))
		for _, one := range all {
			lines := paragraph(one.does, max(10, width-19))
			out = append(out, "  "+accent.Bold(true).Render(text.Pad(one.key, 15))+"  "+lines[0])
			for _, l := range lines[1:] {
				out = append(out, repeat(" ", 19)+l)
			}
		}
		out = append(out, "")
	}
	part("HERE", h.of.keys())
	switch h.of.(type) {
	case *scriptList:
		var numbers []hint
		for _, o := range options {
			numbers = append(numbers, hint{o.key, o.title})
		}
		part("NUMBERS, AS IN THE ORIGINAL CONNECTOR", numbers)
		part("SCRIPTS", forScripts)
	case *scriptScreen:
		part("SCRIPTS", forScripts)
	}
	part("EVERYWHERE", everywhere)
	h.cursor = max(0, min(h.cursor, len(out)-height))
	return out[h.cursor:]
}
