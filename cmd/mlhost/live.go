package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"charm.land/lipgloss/v2"
	"golang.org/x/term"

	"github.com/mlhost/mlhost/host"
	"github.com/mlhost/mlhost/host/api"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/bus"
	"github.com/mlhost/mlhost/host/registry"
	"github.com/mlhost/mlhost/shared/script"
)

// show is what a foreground run displays while its scripts work: a table that
// is written over on a terminal, a line per change of state elsewhere, JSON
// lines under --json.
type show struct {
	app  *app
	host *host.Host
	sub  *bus.Subscription
	done chan struct{}
	once sync.Once
	quit chan struct{}
	says chan string // what is to be said beside the table

	live  bool                           // a table
	lines []string                       // of the table on the screen
	shown map[string]script.StateChanged // by script, what was said of its state last
}

// redraw is how often the table is written at most.
const redraw = 250 * time.Millisecond

// newShow starts to display what happens in h.
func (a *app) newShow(h *host.Host) *show {
	s := &show{
		app: a, host: h, done: make(chan struct{}), quit: make(chan struct{}), says: make(chan string),
		shown: map[string]script.StateChanged{},
		live:  !a.json && isTerminal(a.stdout) && a.env("TERM") != "dumb",
	}
	s.sub = h.Bus().Subscribe(bus.Filter{Kinds: []string{"state", "binary", "result", "parameters", "route", "warning", "gap"}}, 4096)
	go s.run()
	return s
}

// say notes something without spoiling the table.
func (s *show) say(text string) {
	select {
	case s.says <- text:
	case <-s.done:
		s.app.note("%s", text)
	}
}

// end stops displaying, after all that happened was shown.
func (s *show) end() {
	s.once.Do(func() { close(s.quit) })
	<-s.done
}

func (s *show) run() {
	defer close(s.done)
	defer s.sub.Close()
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	for {
		select {
		case e, ok := <-s.sub.C:
			if !ok {
				s.clear()
				return
			}
			s.event(e)
			if len(s.lines) == 0 {
				s.table()
			}
		case text := <-s.says:
			s.clear()
			s.app.note("%s", text)
		case <-tick.C:
			s.table()
		case <-s.quit:
			s.rest()
			s.clear()
			return
		}
	}
}

// rest shows what has arrived and was not shown yet.
func (s *show) rest() {
	for {
		select {
		case e, ok := <-s.sub.C:
			if !ok {
				return
			}
			s.event(e)
		case <-time.After(50 * time.Millisecond): // the bus hands events over by a goroutine of its own
			return
		}
	}
}

func (s *show) event(e script.Event) {
	out, err := v1.FromEvent(api.Hide(s.find, e))
	if err != nil {
		s.app.note("mlhost: %v", err)
		return
	}
	if s.app.json {
		if err := s.app.printLine(out); err != nil {
			s.app.note("mlhost: %v", err)
		}
		return
	}
	if s.live && !remarkable(e.Body) || s.said(e) {
		return // the table shows it, or a line before
	}
	text, err := eventText(out)
	if err != nil || text == "" {
		return
	}
	s.clear()
	fmt.Fprintln(s.app.stdout, escapeLine(e.Time.Local().Format("15:04:05")+"  "+e.Script+"  "+text))
}

// find returns what is true of a script now.
func (s *show) find(name string) (registry.Script, bool) {
	for _, one := range s.host.Scripts() {
		if one.Name == name {
			return one, true
		}
	}
	return registry.Script{}, false
}

// said reports whether a state was told already.
func (s *show) said(e script.Event) bool {
	now, ok := e.Body.(script.StateChanged)
	if !ok {
		return false
	}
	before, known := s.shown[e.Script]
	s.shown[e.Script] = now
	return known && before.State == now.State && before.Reason == now.Reason
}

// remarkable reports what deserves a line of its own above the table.
func remarkable(b script.Body) bool {
	switch b := b.(type) {
	case script.StateChanged:
		return b.State == script.Failed || b.State == script.Lost || b.State == script.Backoff || b.State == script.Stuck
	case script.BinaryChanged, script.RouteFired, script.Warned, script.ResultSet:
		return true
	}
	return false
}

// clear takes the table off the screen, so that something else can stand there.
func (s *show) clear() {
	if len(s.lines) > 0 {
		fmt.Fprint(s.app.stdout, s.wipe())
		s.lines = nil
	}
}

// wipe returns what takes the table off the screen. The cursor need not stand
// at the beginning of its line: the terminal shows ctrl-C as "^C".
func (s *show) wipe() string {
	if len(s.lines) == 0 {
		return ""
	}
	return fmt.Sprintf("\r\x1b[%dA\x1b[J", len(s.lines))
}

// table writes the table over the one before.
func (s *show) table() {
	if !s.live {
		return
	}
	columns, rows := screen(s.app.stdout)
	lines := liveLines(s.host.Scripts(), columns, rows-2, s.app.color(s.app.stdout))
	if len(lines) == 0 || slices.Equal(lines, s.lines) {
		return
	}
	fmt.Fprint(s.app.stdout, s.wipe()+strings.Join(lines, "\n")+"\n")
	s.lines = lines
}

func screen(f *os.File) (columns, rows int) {
	columns, rows, err := term.GetSize(int(f.Fd()))
	if err != nil || columns < 20 || rows < 5 {
		return 80, 24
	}
	return columns, rows
}

// liveLines renders the scripts, those that need a person first, at most so
// many lines, none wider than the screen.
func liveLines(scripts []registry.Script, columns, most int, color bool) []string {
	if len(scripts) == 0 {
		return nil
	}
	slices.SortStableFunc(scripts, func(a, b registry.Script) int { return rank(a.State) - rank(b.State) })
	t := table{header: []string{"SCRIPT", "STATE", "STEP", "PROGRESS", "VARIABLE", "REASON"}}
	var states []script.State
	for i := range scripts {
		s := &scripts[i]
		if len(states) == most-2 && len(scripts) > most-1 {
			break
		}
		var p *v1.Progress
		if s.Progress != nil {
			p = v1.FromProgress(*s.Progress)
		}
		t.add(s.Name, string(s.State), stepText(v1.Step(s.Step)), progressText(p), keyVariable(s), s.Reason)
		states = append(states, s.State)
	}
	var b strings.Builder
	_ = t.write(&b) // a Builder does not fail
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	for i := range lines {
		lines[i] = clip(lines[i], columns)
		if color && i > 0 {
			lines[i] = strings.Replace(lines[i], string(states[i-1]), stateStyle(states[i-1]).Render(string(states[i-1])), 1)
		}
	}
	if left := len(scripts) - len(states); left > 0 {
		lines = append(lines, fmt.Sprintf("… and %d more (mlhost ps)", left))
	}
	return lines
}

// rank orders states: what needs a person, what works, what is over.
func rank(s script.State) int {
	switch s {
	case script.Failed, script.Lost, script.Stuck, script.Stalled, script.Backoff:
		return 0
	case script.Starting, script.Ready, script.Running, script.Paused, script.Stopping:
		return 1
	case script.Waiting:
		return 2
	}
	return 3
}

func stateStyle(s script.State) lipgloss.Style {
	style := lipgloss.NewStyle()
	switch rank(s) {
	case 0:
		return style.Foreground(lipgloss.Color("1"))
	case 1:
		return style.Foreground(lipgloss.Color("2"))
	}
	return style.Faint(true)
}

// keyVariable picks the variable to show: a loss where there is one, else the
// first number.
func keyVariable(s *registry.Script) string {
	best := ""
	for _, v := range s.Variables {
		number, ok := v.Value.Float()
		if !ok {
			continue
		}
		text := v.Name + "=" + strconv.FormatFloat(number, 'g', 6, 64)
		if strings.Contains(strings.ToLower(v.Name), "loss") {
			return text
		}
		if best == "" {
			best = text
		}
	}
	if best == "" {
		return "-"
	}
	return best
}
