package menu

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/mlhost/mlhost/cmd/mlhost/text"
	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// model is the state of the menu.
type model struct {
	ctx     context.Context //nolint:containedctx // of the program that the model is
	options Options
	program *tea.Program
	session *Session // nil: no host was entered
	feed    *feed

	width, height int
	stack         []screen
	line          *lineInput // `/` or `:` is being typed
	ask           *question
	history       []string // commands that were typed

	about   v1.Host
	scripts []v1.Script
	vars    map[string]keyVariable
	asked   map[screen]bool // what a screen shows is on its way
	again   map[screen]bool // and has changed meanwhile
	problem error           // the host does not answer

	notice notice
	did    string // the command of the last action
	marks  map[string]map[string]mark
	flow   []flowLine
	calls  map[string]string // host → how mlhost is called for it
}

// notice is the last thing that was told.
type notice struct {
	text string
	bad  bool
}

// question is something that wants a yes.
type question struct {
	text string
	yes  func() tea.Cmd
}

func newModel(ctx context.Context, o Options, first *Session) *model {
	m := &model{
		ctx: ctx, options: o, width: 80, height: 24,
		asked: map[screen]bool{}, again: map[screen]bool{}, marks: map[string]map[string]mark{}, calls: map[string]string{},
	}
	if first == nil {
		m.stack = []screen{newDoor()}
		return m
	}
	m.session = first
	m.stack = []screen{&scriptList{}}
	return m
}

// Messages that the model gets beside those of the terminal.
type (
	tickMsg   struct{}
	loadedMsg struct {
		to   screen
		data any
		err  error
	}
	// pushedMsg is what a screen has not asked for.
	pushedMsg struct {
		to   screen
		data any
	}
	scriptsMsg struct {
		from  *Session
		about v1.Host
		all   v1.Overview
		err   error
	}
	actedMsg struct {
		text string
		err  error
		then func() tea.Cmd
	}
	enteredMsg struct {
		session *Session
		err     error
	}
	happenedMsg struct {
		from   *feed
		events []v1.Event
	}
)

// refresh is how often what the screen shows is asked for.
const refresh = time.Second

func tick() tea.Cmd { return tea.Tick(refresh, func(time.Time) tea.Msg { return tickMsg{} }) }

// Init starts what goes on by itself.
func (m *model) Init() tea.Cmd {
	m.listen()
	return tea.Batch(tick(), m.look(), m.fetch(m.top()))
}

func (m *model) top() screen { return m.stack[len(m.stack)-1] }

// push shows another screen.
func (m *model) push(s screen) tea.Cmd {
	m.stack = append(m.stack, s)
	m.did = ""
	m.notice = notice{}
	return m.fetch(s)
}

// pop goes back, to the first screen at most.
func (m *model) pop() tea.Cmd {
	if len(m.stack) == 1 {
		return nil
	}
	if c, ok := m.top().(closer); ok {
		c.close()
	}
	m.stack = m.stack[:len(m.stack)-1]
	m.did = ""
	return m.fetch(m.top())
}

// close ends what the menu has going on.
func (m *model) close() {
	for _, s := range m.stack {
		if c, ok := s.(closer); ok {
			c.close()
		}
	}
	m.feed.end()
}

// enter goes on with another host.
func (m *model) enter(s *Session) tea.Cmd {
	m.close()
	if m.session != nil {
		if err := m.session.Close(); err != nil {
			m.tell(err.Error(), true)
		}
	}
	m.session, m.scripts, m.about, m.problem = s, nil, v1.Host{}, nil
	m.asked, m.again, m.marks, m.flow = map[screen]bool{}, map[screen]bool{}, map[string]map[string]mark{}, nil
	m.stack, m.did = []screen{&scriptList{}}, ""
	m.tell("", false)
	if !s.Live {
		m.tell("no host runs: this is what "+s.Name+" has kept", false)
	}
	m.listen()
	return tea.Batch(m.look(), m.fetch(m.top()))
}

// client is the connection to the host; screens that need it are only there
// with a session.
func (m *model) client() *client.Client { return m.session.Client }

// load calls f beside the menu and hands what it brings to a screen.
func (m *model) load(s screen, f func(ctx context.Context, c *client.Client) (any, error)) tea.Cmd {
	c := m.client()
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(m.ctx, patience)
		defer cancel()
		data, err := f(ctx, c)
		return loadedMsg{s, data, err}
	}
}

// fetch lets a screen ask for what it shows, one question at a time.
func (m *model) fetch(s screen) tea.Cmd {
	if m.asked[s] {
		m.again[s] = true
		return nil
	}
	cmd := s.fetch(m)
	if cmd != nil {
		m.asked[s] = true
	}
	return cmd
}

// look asks what every screen shows: which scripts there are.
func (m *model) look() tea.Cmd {
	if m.session == nil {
		return nil
	}
	s := m.session
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(m.ctx, patience)
		defer cancel()
		about, err := s.Client.Host(ctx)
		if err != nil {
			return scriptsMsg{from: s, err: err}
		}
		all, err := s.Client.Overview(ctx, 1)
		return scriptsMsg{s, about, all, err}
	}
}

// script returns what is known of a script.
func (m *model) script(name string) v1.Script {
	for _, s := range m.scripts {
		if s.Name == name {
			return s
		}
	}
	return v1.Script{Name: name}
}

// tell shows a text below the screen.
func (m *model) tell(s string, isBad bool) { m.notice = notice{text.Cell(s), isBad} }

// act does something to a script and tells what became of it.
func (m *model) act(name, verb string) tea.Cmd {
	c := m.client()
	return m.doing(name, func() (v1.Acted, error) { return c.Act(m.ctx, name, verb) }, verb, name)
}

// doing carries something out on a script; words are the same for a shell.
func (m *model) doing(name string, do func() (v1.Acted, error), words ...string) tea.Cmd {
	m.did = m.call(words...)
	m.tell(words[0]+" "+name+" …", false)
	return func() tea.Msg {
		out, err := do()
		if err != nil {
			return actedMsg{err: err}
		}
		said := fmt.Sprintf("%s is %s", name, out.State)
		if out.Run != "" && out.State.Live() {
			said += " (run " + out.Run + ")"
		}
		return actedMsg{text: said}
	}
}

// confirm asks before something that cannot be taken back.
func (m *model) confirm(text string, yes func() tea.Cmd) tea.Cmd {
	m.ask = &question{text, yes}
	return nil
}

// call is how a person calls mlhost for this host.
func (m *model) call(words ...string) string {
	name := m.hostName()
	prefix, ok := m.calls[name] // finding it out is not for every look at the screen
	if !ok {
		prefix = m.options.command(name)
		m.calls[name] = prefix
	}
	return prefix + joined(words)
}

func (m *model) hostName() string {
	if m.session == nil {
		return ""
	}
	return m.session.Name
}

func joined(words []string) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString(" " + text.Cell(quote(w)))
	}
	return b.String()
}

// failure words an error for the line below the screen.
func failure(err error) string {
	e := script.AsError(err)
	if errors.Is(err, context.DeadlineExceeded) {
		return "the host did not answer in time"
	}
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + " — " + e.Hint
}
