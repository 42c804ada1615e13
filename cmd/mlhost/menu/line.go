package menu

import (
	"context"
	"strings"
	"time"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"github.com/mlhost/mlhost/cmd/mlhost/text"
)

// lineInput is what is typed behind `/` or `:`.
type lineInput struct {
	kind    rune
	input   textinput.Model
	offered []string // how the last word may go on
	at      int      // which of them tab has put there; -1: none
	typed   string   // what was typed before tab
	recall  int      // how far back in the history
}

func newLine(kind rune, value string) *lineInput {
	l := &lineInput{kind: kind, input: newInput(0), at: -1}
	l.input.Prompt = string(kind)
	l.input.SetValue(value)
	l.input.CursorEnd()
	_ = l.input.Focus() // the cursor does not blink
	return l
}

func (l *lineInput) view(width int) []string {
	l.input.SetWidth(max(4, width-3))
	second := keyBar(width, []hint{{"enter", "keep"}, {"esc", "show all"}})
	above := ""
	if l.kind == ':' {
		second = keyBar(width, []hint{{"enter", "run"}, {"tab", "complete"}, {"↑", "earlier"}, {"esc", "back"}})
		above = l.suggestions(width)
	}
	return []string{above, l.input.View(), second}
}

// suggestions are how the word may go on, as many as fit.
func (l *lineInput) suggestions(width int) string {
	var b strings.Builder
	size := 0
	for i, s := range l.offered {
		name, about, _ := strings.Cut(s, "\t")
		said := text.Cell(name)
		if len(l.offered) <= 3 && about != "" {
			said += " (" + text.Cell(about) + ")"
		}
		if size += len(said) + 2; size > width {
			break
		}
		if i == l.at {
			b.WriteString(chosen.Render(said) + "  ")
		} else {
			b.WriteString(faint.Render(said) + "  ")
		}
	}
	return b.String()
}

func (m *model) lineKey(k tea.KeyPressMsg) tea.Cmd {
	l := m.line
	switch key := k.String(); {
	case key == "esc":
		m.line = nil
		if l.kind == '/' {
			m.narrow("")
		}
		return nil
	case key == "enter":
		m.line = nil
		if l.kind == ':' {
			return m.command(strings.TrimSpace(l.input.Value()))
		}
		return m.fetch(m.top())
	case l.kind == ':' && (key == "tab" || key == "shift+tab"):
		l.complete(key == "tab")
		return nil
	case l.kind == ':' && (key == "up" || key == "down"):
		l.earlier(m.history, key == "up")
		return nil
	case key == "backspace" && l.input.Value() == "":
		m.line = nil
		return nil
	}
	l.input, _ = l.input.Update(k)
	if l.kind == '/' {
		m.narrow(l.input.Value())
		return nil
	}
	l.at = -1
	return m.suggest()
}

func (m *model) narrow(filter string) {
	if f, ok := m.top().(filtered); ok {
		f.narrow(filter)
	}
}

func (l *lineInput) earlier(history []string, back bool) {
	if back {
		l.recall = min(l.recall+1, len(history))
	} else {
		l.recall = max(l.recall-1, 0)
	}
	l.input.SetValue("")
	if l.recall > 0 {
		l.input.SetValue(history[len(history)-l.recall])
	}
	l.input.CursorEnd()
}

// complete puts the next suggestion in the place of the last word.
func (l *lineInput) complete(forward bool) {
	if len(l.offered) == 0 {
		return
	}
	if l.at < 0 {
		l.typed = l.input.Value()
	}
	if n := len(l.offered); forward {
		l.at = (l.at + 1) % n
	} else {
		l.at = (max(l.at, 0) + n - 1) % n
	}
	name, _, _ := strings.Cut(l.offered[l.at], "\t")
	value := l.typed[:strings.LastIndexByte(l.typed, ' ')+1] + quote(name)
	if len(l.offered) == 1 && !strings.HasSuffix(name, "=") && !strings.HasSuffix(name, ".") {
		value += " "
	}
	l.input.SetValue(value)
	l.input.CursorEnd()
}

// suggestedMsg is how a command may go on.
type suggestedMsg struct {
	line    string
	offered []string
}

// suggest asks the program itself how the command may go on, as shells do.
func (m *model) suggest() tea.Cmd {
	typed := m.line.input.Value()
	words, err := split(typed)
	if err != nil {
		return nil
	}
	if typed == "" || strings.HasSuffix(typed, " ") {
		words = append(words, "")
	}
	name := m.hostName()
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(m.ctx, 3*time.Second)
		defer cancel()
		args := m.options.args(name)
		cmd := m.options.child(ctx, "")
		cmd.Args = append(append(append(cmd.Args[:1:1], "__complete"), args...), words...)
		out, err := cmd.Output()
		if err != nil {
			return suggestedMsg{line: typed}
		}
		return suggestedMsg{typed, offeredIn(string(out), words[len(words)-1])}
	}
}

// offeredIn reads what `__complete` has written, as far as it goes on from what
// was typed: choosing among all is the business of who asks.
func offeredIn(out, typed string) []string {
	var offered []string
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, ":") {
			break
		}
		if strings.HasPrefix(line, typed) && line != "" && !strings.HasPrefix(line, "_activeHelp_") {
			offered = append(offered, line)
		}
	}
	return offered
}

func (m *model) suggested(msg suggestedMsg) {
	if m.line != nil && m.line.kind == ':' && m.line.input.Value() == msg.line {
		m.line.offered, m.line.at = msg.offered, -1
	}
}

// command runs what was typed behind `:`.
func (m *model) command(typed string) tea.Cmd {
	words, err := split(typed)
	if err == nil && len(words) > 0 && words[0] == "mlhost" {
		words = words[1:]
	}
	if err != nil || len(words) == 0 {
		if err != nil {
			m.tell(err.Error(), true)
		}
		return nil
	}
	m.history = append(m.history, typed)
	show := func() tea.Cmd { return m.push(newOutput(m, words)) }
	switch words[0] {
	case "q", "quit", "exit":
		return tea.Quit
	case "menu":
		m.tell("this is the menu", false)
		return nil
	case "run":
		if !detached(words) {
			m.tell("a host in the foreground would end with this menu: `run --detach` leaves it running", true)
			return nil
		}
	case "down":
		return m.confirm("End the host "+m.hostName()+"? All its scripts are stopped.", show)
	}
	return show()
}

func detached(words []string) bool {
	for _, w := range words {
		if w == "-d" || w == "--detach" {
			return true
		}
	}
	return false
}
