package menu

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"github.com/mlhost/mlhost/cmd/mlhost/text"
	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// editor changes one parameter, or one variable that can be set. What is typed
// is never written over by what comes from the host.
type editor struct {
	script   string
	p        v1.Parameter // as it was when the editor was opened
	variable bool
	now      v1.Parameter // as it is
	changes  []v1.Change  // of this run, the newest first

	on     bool // a switch
	choice int  // among choices
	value  textinput.Model
	step   textinput.Model // at which step; for parameters only
	atStep bool            // that is being typed
	fresh  bool            // the value is the old one: typing replaces it
	busy   bool
	said   string // why it was refused
}

func newInput(width int) textinput.Model {
	in := textinput.New()
	in.Prompt = ""
	in.SetWidth(width)
	in.SetVirtualCursor(true)
	styles := in.Styles()
	styles.Cursor.Blink = false
	in.SetStyles(styles)
	return in
}

func newEditor(m *model, name string, p v1.Parameter) *editor {
	e := &editor{script: name, p: p, now: p, fresh: true}
	width := max(10, min(40, m.width-16))
	e.value, e.step = newInput(width), newInput(width)
	_ = e.value.Focus() // the cursor does not blink
	current := p.Value
	if p.Next != nil {
		current = *p.Next
	}
	e.on, _ = current.Bool()
	for i, c := range p.Choices {
		if c.Equal(current) {
			e.choice = i
		}
	}
	if p.Sensitive {
		e.value.EchoMode = textinput.EchoPassword
	} else {
		e.value.SetValue(asTyped(current))
		e.value.CursorEnd()
	}
	return e
}

func newVariableEditor(m *model, name string, v v1.Variable) *editor {
	e := newEditor(m, name, v1.Parameter{Name: v.Name, Type: v.Type, Value: v.Value})
	e.variable = true
	return e
}

// asTyped is how a person writes a value.
func asTyped(v script.Value) string {
	if s, ok := v.Text(); ok {
		return text.Cell(s)
	}
	if v.IsNull() {
		return ""
	}
	return v.String()
}

func (e *editor) isSwitch() bool { return e.p.Type == script.TypeBool && len(e.p.Choices) == 0 }
func (e *editor) isChoice() bool { return len(e.p.Choices) > 0 }
func (e *editor) isNumber() bool {
	return !e.isChoice() && (e.p.Type == script.TypeInt || e.p.Type == script.TypeFloat)
}

func (e *editor) title() string  { return e.p.Name }
func (e *editor) isTyping() bool { return true }

func (e *editor) fetch(m *model) tea.Cmd {
	if e.variable {
		return nil
	}
	run := m.script(e.script).Run
	return m.load(e, func(ctx context.Context, c *client.Client) (any, error) {
		now, err := c.Parameters(ctx, e.script)
		if err != nil || run == "" {
			return editorData{parameters: now}, err
		}
		detail, err := c.Run(ctx, run)
		if script.CodeOf(err) == script.CodeNotFound {
			err = nil
		}
		return editorData{now, detail.Changes}, err
	})
}

type editorData struct {
	parameters v1.Parameters
	changes    []v1.Change
}

func (e *editor) take(m *model, data any, err error) {
	if err != nil {
		m.tell(failure(err), true)
		return
	}
	d := data.(editorData)
	for _, p := range d.parameters.Parameters {
		if p.Name == e.p.Name {
			e.now = p
		}
	}
	e.changes = nil
	for _, c := range slices.Backward(d.changes) {
		if c.Name == e.p.Name {
			e.changes = append(e.changes, c)
		}
	}
}

func (e *editor) paste(s string) {
	e.said = ""
	if e.fresh && !e.atStep {
		e.value.SetValue("")
		e.fresh = false
	}
	in := e.input()
	in.SetValue(in.Value() + s)
	in.CursorEnd()
}

// input is the line that is typed into.
func (e *editor) input() *textinput.Model {
	if e.atStep {
		return &e.step
	}
	return &e.value
}

func (e *editor) key(m *model, k tea.KeyPressMsg) tea.Cmd {
	e.said = ""
	key := k.String()
	switch key {
	case "enter":
		return e.send(m, false)
	case "tab", "shift+tab":
		if !e.variable {
			e.atStep = !e.atStep
			e.value.Blur()
			e.step.Blur()
			_ = e.input().Focus()
		}
		return nil
	}
	if !e.atStep {
		switch {
		case e.isSwitch():
			if key == "space" || key == "left" || key == "right" || key == "up" || key == "down" {
				e.on = !e.on
			}
			return nil
		case e.isChoice():
			e.choose(key)
			return nil
		case e.isNumber():
			if by, ok := moves[key]; ok {
				e.nudge(by)
				return nil
			}
		}
		if e.fresh { // what is typed first replaces what was there
			e.fresh = false
			if k.Text != "" {
				e.value.SetValue("")
			}
		}
	}
	in := e.input()
	*in, _ = in.Update(k)
	return nil
}

func (e *editor) choose(key string) {
	n := len(e.p.Choices)
	switch key {
	case "up", "left", "k":
		e.choice = (e.choice + n - 1) % n
	case "down", "right", "j", "space":
		e.choice = (e.choice + 1) % n
	}
}

// moves are the keys that move a number, and how far.
var moves = map[string]int{"up": 1, "down": -1, "pgup": 10, "pgdown": -10}

// nudge moves the number that is typed by some steps.
func (e *editor) nudge(by int) {
	from, err := strconv.ParseFloat(strings.TrimSpace(e.value.Value()), 64)
	if err != nil {
		from, _ = e.p.Value.Float()
	}
	e.fresh = false
	e.value.SetValue(nudged(e.p, from, by))
	e.value.CursorEnd()
}

// set is what is to be sent, and how the command line says it.
func (e *editor) set() (set v1.Set, words []string, err error) {
	said := e.value.Value()
	switch {
	case e.isSwitch():
		said = strconv.FormatBool(e.on)
	case e.isChoice():
		c := e.p.Choices[e.choice]
		set.Values = map[string]script.Value{e.p.Name: c}
		said = asTyped(c)
	}
	if set.Values == nil {
		set.Texts = map[string]string{e.p.Name: said}
	}
	if e.p.Sensitive {
		said = "…"
	}
	verb := "set"
	if e.variable {
		verb = "vars"
	}
	words = []string{verb, e.script, e.p.Name + "=" + said}
	if at := strings.TrimSpace(e.step.Value()); at != "" {
		n, err := strconv.ParseInt(at, 10, 64)
		if err != nil || n < 0 {
			return set, words, fmt.Errorf("%q is not the number of a step", text.Clip(text.Cell(at), 20))
		}
		set.AtStep = &n
		words = append(words, "--at-step", at)
	}
	return set, words, nil
}

// send lets the host make the change. The answer is the host's: nothing is
// shown as if it had happened before that.
func (e *editor) send(m *model, take bool) tea.Cmd {
	if e.busy {
		return nil
	}
	set, words, err := e.set()
	if err != nil {
		e.said = err.Error()
		return nil
	}
	if set.Take = take; take {
		words = append(words, "--take")
	}
	e.busy = true
	m.did = m.call(words...)
	did, c := m.did, m.client()
	return func() tea.Msg {
		var out v1.Outcomes
		var err error
		if e.variable {
			out, err = c.SetVariables(m.ctx, e.script, set)
		} else {
			out, err = c.Set(m.ctx, e.script, set)
		}
		return actedMsg{then: func() tea.Cmd { return e.sent(m, did, out, err) }}
	}
}

// sent shows what became of a change.
func (e *editor) sent(m *model, did string, out v1.Outcomes, err error) tea.Cmd {
	e.busy = false
	if rejected, ok := errors.AsType[*client.RejectedError](err); ok {
		e.said = failure(err)
		for _, o := range rejected.Outcomes.Outcomes {
			if o.Name == e.p.Name && o.Reason != "" {
				e.said = o.Reason
			}
		}
		m.setMark(e.script, e.p.Name, mark{text: "rejected: " + e.said, bad: true, time: now()})
	} else if err != nil {
		e.said = failure(err)
	}
	if err != nil {
		if script.CodeOf(err) == script.CodeConflict && strings.HasPrefix(e.now.Owner, "route:") {
			return m.confirm(fmt.Sprintf("%s is moved by %s. Take it over, until it is given back?", e.p.Name, e.now.Owner), func() tea.Cmd { return e.send(m, true) })
		}
		return nil
	}
	for _, o := range out.Outcomes {
		if o.Name != e.p.Name {
			continue
		}
		said := outcome(o.Status, o.Value, o.Step, o.Reason)
		m.setMark(e.script, o.Name, mark{said, o.Status == script.Rejected, now()})
		if o.Status == script.Applied {
			said += ": " + text.Value(o.Old, 20) + " → " + text.Value(o.Value, 20)
		}
		m.tell(o.Name+" "+said, o.Status == script.Rejected)
	}
	if m.top() == screen(e) {
		cmd := m.pop()
		m.did = did
		return cmd
	}
	return nil
}

func (e *editor) keys() []hint {
	out := []hint{{"enter", "set"}}
	switch {
	case e.isSwitch():
		out = append(out, hint{"space", "switch"})
	case e.isChoice():
		out = append(out, hint{"↑↓", "choose"})
	case e.isNumber():
		out = append(out, hint{"↑↓", "move"}, hint{"pgup/pgdn", "×10"})
	}
	if !e.variable {
		out = append(out, hint{"tab", "at a step"})
	}
	return out
}

func (e *editor) command(*model) []string {
	_, words, _ := e.set() // a step that is none is told when it is sent
	return words
}
