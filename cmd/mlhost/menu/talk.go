package menu

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/mlhost/mlhost/cmd/mlhost/text"
	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// talk shows what goes between scripts: what waits for one, and what has
// passed since the menu was opened. Without a script it is about all.
type talk struct {
	list
	script string
	answer[talkData]
}

type talkData struct {
	mail   []v1.Message
	routes v1.Routes
	topics v1.Topics
}

func (t *talk) title() string {
	if t.script == "" {
		return "messages"
	}
	return ""
}

func (t *talk) fetch(m *model) tea.Cmd {
	live := m.session.Live
	return m.load(t, func(ctx context.Context, c *client.Client) (any, error) {
		var d talkData
		if t.script != "" {
			mail, err := c.Mailbox(ctx, t.script)
			if err != nil {
				return nil, err
			}
			d.mail = mail.Messages
		}
		if !live {
			return d, nil
		}
		var err error
		if d.routes, err = c.Routes(ctx); err != nil {
			return nil, err
		}
		d.topics, err = c.Topics(ctx)
		return d, err
	})
}

func (t *talk) mail() []v1.Message {
	return matching(&t.list, t.shown.mail, func(one v1.Message) []string { return []string{one.Topic, one.Source} })
}

func (t *talk) key(m *model, k tea.KeyPressMsg) tea.Cmd {
	all := t.mail()
	if t.move(k.String(), len(all), m.height-8) {
		return nothing
	}
	switch k.String() {
	case "enter":
		if len(all) > 0 {
			one := all[t.cursor]
			return m.push(&output{words: t.command(m), heading: one.Topic + " from " + one.Source, lines: prettyValue(one.Data), done: true})
		}
		return nothing
	case "b":
		return t.compose(m, "broadcast")
	case "a":
		if t.script != "" {
			return t.compose(m, "call")
		}
	case "t":
		if t.script != "" {
			return t.compose(m, "tell")
		}
	}
	return nil
}

// concerns reports whether one of the names is the script that this is about.
func (t *talk) concerns(names ...string) bool {
	return t.script == "" || len(names) == 0 || slices.Contains(names, t.script)
}

// traffic tells what moves parameters and messages, and what has been sent.
func (t *talk) traffic(width, most int) []string {
	var out []string
	add := func(style lipgloss.Style, format string, args ...any) {
		out = append(out, style.Render(text.Clip("  "+text.Cell(fmt.Sprintf(format, args...)), width)))
	}
	for _, r := range t.shown.routes.Routes {
		if !t.concerns(r.From.Script, r.To.Script) {
			continue
		}
		style := normal
		if r.Status == v1.CheckWarn || r.Status == v1.CheckFail {
			style = warn
		}
		why := r.Why
		if r.Problem != "" {
			why = r.Problem
		}
		add(style, "%s: %s.%s → %s.%s, fired %d times; %s", r.Name, r.From.Script, r.From.Variable, r.To.Script, r.To.Parameter, r.Fired, why)
	}
	for _, r := range t.shown.routes.Topics {
		if t.concerns(append(append([]string{}, r.From...), r.To...)...) {
			add(normal, "%s: topic %s → %s", r.Name, r.Topic, strings.Join(r.To, ", "))
		}
	}
	if len(out) > 0 {
		out = append([]string{faint.Render("ROUTES")}, out...)
	}
	topics := len(out)
	for _, one := range t.shown.topics.Topics {
		if t.concerns(one.Script) {
			does := "takes"
			if one.Answers {
				does = "answers"
			}
			add(normal, "%s %s %s  %s", one.Script, does, one.Name, one.Doc)
		}
	}
	for _, one := range t.shown.topics.Traffic {
		if !t.concerns(one.Source, one.Target) {
			continue
		}
		to := one.Target
		if to == "" {
			to = "all"
		}
		style, said := normal, fmt.Sprintf("%s → %s: %s %s, %s", one.Source, to, one.Kind, one.Topic, text.Count(int(one.Count), "time"))
		if one.Failed > 0 {
			style, said = warn, said+fmt.Sprintf(", %d failed: %s", one.Failed, one.Problem)
		}
		add(style, "%s", said)
	}
	if len(out) > topics {
		out = slices.Insert(out, topics, faint.Render("TOPICS"))
	}
	if len(out) > most {
		out = append(out[:most-1], faint.Render(fmt.Sprintf("  … and %d more lines", len(out)-most+1)))
	}
	return out
}

func (t *talk) compose(m *model, verb string) tea.Cmd {
	if !m.session.Live {
		m.tell("no host runs; this is what it has kept", true)
		return nothing
	}
	c := newCompose(m, verb, t.script)
	for _, one := range t.shown.topics.Topics {
		if t.concerns(one.Script) && (verb != "call" || one.Answers) && !slices.Contains(c.known, one.Name) {
			c.known = append(c.known, one.Name)
		}
	}
	if len(c.known) > 0 {
		c.topic.SetValue(c.known[0])
		c.topic.CursorEnd()
	}
	return m.push(c)
}

func (t *talk) keys() []hint {
	if t.script == "" {
		return []hint{{"b", "broadcast"}}
	}
	return []hint{{"a", "ask"}, {"t", "tell"}, {"b", "broadcast"}, {"enter", "whole message"}}
}

func (t *talk) command(*model) []string {
	if t.script == "" {
		return []string{"doctor"}
	}
	return []string{"mailbox", t.script}
}

func (t *talk) body(m *model, width, height int) []string {
	var out []string
	if all := t.mail(); t.script != "" {
		out = append(out, faint.Render(fmt.Sprintf("MAILBOX  %s waiting", text.Count(len(all), "message"))))
		rows := make([][]cell, 0, len(all))
		for _, one := range all {
			rows = append(rows, []cell{plainCell(one.Topic), plainCell(one.Source), {text.Value(one.Data, 200), normal}, {one.Time.Local().Format("15:04:05"), faint}})
		}
		if len(rows) > 0 {
			out = append(out, t.table(width, max(4, height/2-1), []column{
				{title: "TOPIC", grow: true, most: 24}, {title: "FROM", grow: true, most: 20, drop: 1}, {title: "DATA", grow: true}, {title: "TIME", drop: 2},
			}, rows)...)
		}
		out = append(out, "")
	}
	out = append(out, t.traffic(width, max(3, height-len(out)-4))...)
	out = append(out, faint.Render("SINCE THE MENU WAS OPENED"))
	room := max(1, height-len(out))
	var lines []string
	for _, f := range m.flow {
		if t.script != "" && f.script != t.script && !strings.Contains(f.text, t.script) {
			continue
		}
		line := f.time.Local().Format("15:04:05") + "  " + f.text
		line = text.Clip(line, width-2)
		if f.bad {
			line = bad.Render(line)
		}
		lines = append(lines, "  "+line)
	}
	if len(lines) == 0 {
		lines = []string{faint.Render("  no message and no route")}
	}
	return append(out, lines[max(0, len(lines)-room):]...)
}

// compose asks, tells or broadcasts.
type compose struct {
	verb, script string
	topic, data  textinput.Model
	onData       bool
	busy         bool
	said         []string
	bad          bool
	known        []string // topics that are declared
}

func newCompose(m *model, verb, name string) *compose {
	width := max(10, min(60, m.width-12))
	c := &compose{verb: verb, script: name, topic: newInput(width), data: newInput(width)}
	_ = c.topic.Focus() // the cursor does not blink
	return c
}

var verbWords = map[string]string{"call": "ask", "tell": "tell", "broadcast": "broadcast"}

func (c *compose) title() string           { return verbWords[c.verb] }
func (c *compose) isTyping() bool          { return true }
func (c *compose) fetch(*model) tea.Cmd    { return nil }
func (c *compose) take(*model, any, error) {}
func (c *compose) keys() []hint            { return []hint{{"enter", "send"}, {"tab", "other field"}} }

func (c *compose) command(*model) []string {
	words := []string{c.verb}
	if c.verb != "broadcast" {
		words = append(words, c.script)
	}
	words = append(words, c.topic.Value())
	if c.data.Value() != "" {
		words = append(words, c.data.Value())
	}
	return words
}

// others are the topics that could be meant.
func (c *compose) others() string {
	var rest []string
	for _, name := range c.known {
		if name != c.topic.Value() {
			rest = append(rest, text.Cell(name))
		}
	}
	if len(rest) == 0 {
		return ""
	}
	return faint.Render("  also " + strings.Join(rest, ", "))
}

func (c *compose) input() *textinput.Model {
	if c.onData {
		return &c.data
	}
	return &c.topic
}

func (c *compose) paste(s string) {
	in := c.input()
	in.SetValue(in.Value() + s)
	in.CursorEnd()
}

func (c *compose) key(m *model, k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "enter":
		return c.send(m)
	case "tab", "shift+tab", "up", "down":
		c.onData = !c.onData
		c.topic.Blur()
		c.data.Blur()
		_ = c.input().Focus()
		return nil
	}
	in := c.input()
	*in, _ = in.Update(k)
	return nil
}

func (c *compose) send(m *model) tea.Cmd {
	topic := strings.TrimSpace(c.topic.Value())
	if topic == "" || c.busy {
		c.said, c.bad = []string{"a topic is needed"}, true
		return nil
	}
	data := script.Null()
	if said := strings.TrimSpace(c.data.Value()); said != "" {
		var err error
		if data, err = script.ParseJSON([]byte(said)); err != nil {
			data = script.String(said) // a word that is no JSON is a string
		}
	}
	c.busy, c.bad, c.said = true, false, []string{"waiting for the answer …"}
	api, verb, name := m.client(), c.verb, c.script
	m.did = m.call(c.command(m)...)
	return func() tea.Msg {
		said, err := send(m.ctx, api, verb, name, topic, data)
		return actedMsg{then: func() tea.Cmd {
			c.busy, c.said, c.bad = false, strings.Split(said, "\n"), false
			if err != nil {
				c.said, c.bad = []string{failure(err)}, true
			}
			return nil
		}}
	}
}

// send carries out one of the verbs of talking and words its answer.
func send(ctx context.Context, c *client.Client, verb, name, topic string, data script.Value) (string, error) {
	switch verb {
	case "call":
		out, err := c.Ask(ctx, name, v1.Ask{Topic: topic, Data: data})
		return "reply: " + text.Block(out.Reply.String()), err
	case "tell":
		out, err := c.Tell(ctx, name, v1.Tell{Topic: topic, Data: data})
		return "kept in the mailbox of " + text.Cell(name) + " as " + out.ID, err
	}
	out, err := c.Broadcast(ctx, v1.Tell{Topic: topic, Data: data})
	if len(out.Recipients) == 0 {
		return "nobody runs who could get it", err
	}
	return "sent to " + text.Cell(strings.Join(out.Recipients, ", ")), err
}

func (c *compose) body(_ *model, width, _ int) []string {
	to := "every script that runs"
	if c.verb != "broadcast" {
		to = text.Cell(c.script)
	}
	out := []string{bold.Render(verbWords[c.verb]) + " " + to, "", "  topic  " + c.topic.View() + c.others(), "  data   " + c.data.View(), faint.Render("         JSON; a word that is not is a string"), ""}
	for _, l := range c.said {
		for _, l := range wrap(text.Line(l), width) {
			if c.bad {
				l = bad.Render(l)
			}
			out = append(out, l)
		}
	}
	return out
}
