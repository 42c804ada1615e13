package menu

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/mlhost/mlhost/cmd/mlhost/text"
)

// Update takes one message.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		return m, m.keyed(msg)
	case tea.PasteMsg:
		return m, m.pasted(msg)
	case tickMsg:
		return m, tea.Batch(tick(), m.look(), m.fetch(m.top()))
	case loadedMsg:
		return m, m.loaded(msg)
	case pushedMsg:
		msg.to.take(m, msg.data, nil)
	case scriptsMsg:
		m.looked(msg)
	case happenedMsg:
		return m, m.happened(msg)
	case actedMsg:
		if msg.err != nil {
			m.tell(failure(msg.err), true)
		} else {
			m.tell(msg.text, false)
		}
		cmds := []tea.Cmd{m.look(), m.fetch(m.top())}
		if msg.then != nil {
			cmds = append(cmds, msg.then())
		}
		return m, tea.Batch(cmds...)
	case enteredMsg:
		if msg.err != nil {
			m.tell(failure(msg.err), true)
			return m, nil
		}
		return m, m.enter(msg.session)
	case suggestedMsg:
		m.suggested(msg)
	}
	return m, nil
}

// loaded hands a screen what it has asked for.
func (m *model) loaded(msg loadedMsg) tea.Cmd {
	delete(m.asked, msg.to)
	shown := false
	for _, s := range m.stack {
		shown = shown || s == msg.to
	}
	if !shown {
		delete(m.again, msg.to)
		return nil
	}
	msg.to.take(m, msg.data, msg.err)
	if m.again[msg.to] {
		delete(m.again, msg.to)
		return m.fetch(msg.to)
	}
	return nil
}

func (m *model) looked(msg scriptsMsg) {
	if msg.from != m.session {
		return
	}
	m.problem = msg.err
	if msg.err != nil {
		return
	}
	m.about, m.scripts = msg.about, nil
	for _, s := range msg.all.Scripts {
		m.scripts = append(m.scripts, s.Script)
	}
	m.remember(msg.all, now())
}

// happened takes events: what the screen shows may be old now.
func (m *model) happened(msg happenedMsg) tea.Cmd {
	if msg.from != m.feed {
		return nil
	}
	for _, e := range msg.events {
		m.note(e)
		if w, ok := m.top().(watching); ok {
			w.happened(m, e)
		}
	}
	return tea.Batch(m.look(), m.fetch(m.top()))
}

// keyed reacts to a key.
func (m *model) keyed(k tea.KeyPressMsg) tea.Cmd {
	key := k.String()
	switch {
	case key == "ctrl+c":
		return tea.Quit
	case key == "ctrl+z":
		return tea.Suspend
	case m.ask != nil:
		return m.answered(key)
	case m.line != nil:
		return m.lineKey(k)
	}
	if t, ok := m.top().(typing); ok && t.isTyping() {
		if key == "esc" {
			return m.pop()
		}
		return m.top().key(m, k)
	}
	return m.commonKey(k, key)
}

// commonKey reacts to what means the same on every screen.
func (m *model) commonKey(k tea.KeyPressMsg, key string) tea.Cmd {
	switch key {
	case "q":
		return tea.Quit
	case "esc", "backspace":
		if f, ok := m.top().(filtered); ok && m.isNarrowed() {
			f.narrow("")
			return nil
		}
		m.notice = notice{}
		return m.pop()
	case "?":
		if _, already := m.top().(*help); !already {
			return m.push(&help{of: m.top()})
		}
		return m.pop()
	case "/":
		if m.canNarrow() {
			m.line = newLine('/', m.filter())
			return nil
		}
	case ":":
		m.line = newLine(':', "")
		return m.suggest()
	case "y":
		return m.copied()
	case "ctrl+l":
		return tea.ClearScreen
	}
	return m.top().key(m, k)
}

// answered takes the answer to a question: only y means yes.
func (m *model) answered(key string) tea.Cmd {
	q := m.ask
	m.ask = nil
	if key == "y" || key == "Y" {
		return q.yes()
	}
	m.tell("nothing was done", false)
	return nil
}

// copied puts the command that is shown into the clipboard.
func (m *model) copied() tea.Cmd {
	command := m.shownCommand()
	if command == "" {
		return nil
	}
	m.tell("copied: "+command, false)
	return tea.SetClipboard(command)
}

// shownCommand is the command line that stands below the screen.
func (m *model) shownCommand() string {
	if m.did != "" {
		return m.did
	}
	words := m.top().command(m)
	if words == nil {
		return ""
	}
	return m.call(words...)
}

// canNarrow reports whether `/` has something to narrow down.
func (m *model) canNarrow() bool {
	top := m.top()
	if s, ok := top.(*scriptScreen); ok {
		top = s.now()
	}
	_, ok := top.(filtered)
	return ok
}

func (m *model) filter() string {
	switch s := m.top().(type) {
	case interface{ narrowed() string }:
		return s.narrowed()
	}
	return ""
}

func (m *model) isNarrowed() bool { return m.filter() != "" }

func (l *list) narrowed() string { return l.filter }

func (m *model) pasted(p tea.PasteMsg) tea.Cmd {
	if m.line != nil {
		m.line.input.SetValue(m.line.input.Value() + text.Cell(strings.TrimSpace(p.Content)))
		m.line.input.CursorEnd()
		return nil
	}
	if s, ok := m.top().(interface{ paste(string) }); ok {
		s.paste(text.Cell(strings.TrimRight(p.Content, "\r\n")))
	}
	return nil
}
