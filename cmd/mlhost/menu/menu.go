// Package menu is the interactive connector: what `mlhost` shows on a
// terminal. It speaks to the host by its API alone and shows with every action
// the command that does the same. Leaving it stops nothing.
package menu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/mlhost/mlhost/cmd/mlhost/chart"
	"github.com/mlhost/mlhost/cmd/mlhost/text"
	"github.com/mlhost/mlhost/host/api/client"
)

// Host is a host that can be entered.
type Host struct {
	Name string
	Live bool // it answers; of another one its store can be read
}

// Session is an open connection to a host, or to what one has left.
type Session struct {
	Host
	Client *client.Client
	Close  func() error
}

// Options are what a menu needs.
type Options struct {
	In, Out *os.File
	Environ []string
	Program string   // the path of mlhost
	Flags   []string // that choose the state, as they were given
	State   string   // the state directory, for people
	Folder  string   // where the menu was started

	Hosts func() ([]Host, error)
	Open  func(ctx context.Context, h Host) (*Session, error)
	Enter *Host // the one that was named; Flags name it too. nil: what Hosts tells decides

	Plain   bool // lines and questions only, for a terminal that cannot be written over
	NoColor bool
	ASCII   bool
}

// Run shows the menu until it is left.
func Run(ctx context.Context, o Options) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	first, err := o.first(ctx)
	if err != nil {
		return err
	}
	var left *Session
	defer func() {
		if left != nil {
			err = errors.Join(err, left.Close())
		}
	}()
	if o.Plain {
		p := newPlain(ctx, o, first)
		err = p.until()
		left = p.session
	} else {
		m := newModel(ctx, o, first)
		err = m.run()
		left = m.session
		m.close()
	}
	if err == nil {
		o.farewell(ctx, left)
	}
	return err
}

// first opens the host to begin with; nil where one has to be chosen first.
func (o *Options) first(ctx context.Context) (*Session, error) {
	if o.Enter != nil {
		if !o.Enter.Live {
			return nil, nil
		}
		return o.Open(ctx, *o.Enter)
	}
	all, err := o.Hosts()
	if err != nil {
		return nil, err
	}
	var live []Host
	for _, h := range all {
		if h.Live {
			live = append(live, h)
		}
	}
	if len(live) != 1 {
		return nil, nil
	}
	return o.Open(ctx, live[0])
}

// patience bounds what the menu asks while somebody waits.
const patience = 10 * time.Second

// farewell says what goes on.
func (o *Options) farewell(ctx context.Context, s *Session) {
	if s == nil || !s.Live {
		fmt.Fprintln(o.Out, "Left the menu.")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	all, err := s.Client.Scripts(ctx)
	if err != nil {
		fmt.Fprintln(o.Out, "Left the menu. The host does not answer; scripts run on without it.")
		return
	}
	var names []string
	for _, one := range all.Scripts {
		if one.State.Live() {
			names = append(names, one.Name)
		}
	}
	own := o.command(s.Name)
	if len(names) == 0 {
		fmt.Fprintf(o.Out, "Left the menu. The host %s runs on; no script runs. `%s` returns, `%s down` ends the host.\n", text.Line(s.Name), own, own)
		return
	}
	verb := "run on"
	if len(names) == 1 {
		verb = "runs on"
	}
	fmt.Fprintf(o.Out, "Left the menu. %s %s: %s.\n", text.Count(len(names), "script"), verb, text.Line(text.Clip(strings.Join(names, ", "), 60)))
	fmt.Fprintf(o.Out, "`%s` returns, `%s stop SCRIPT` stops one, `%s down` all.\n", own, own, own)
}

// command is how a person calls mlhost for a host, with further words.
func (o *Options) command(host string, words ...string) string {
	all := append([]string{"mlhost"}, o.args(host, words...)...)
	for i, w := range all {
		all[i] = quote(w)
	}
	return text.Cell(strings.Join(all, " "))
}

// args are the arguments of a call for a host.
func (o *Options) args(host string, words ...string) []string {
	out := append([]string{}, o.Flags...)
	if host != "" && o.several(host) {
		out = append(out, "--host", host)
	}
	return append(out, words...)
}

// several reports whether a host has to be named.
func (o *Options) several(host string) bool {
	if o.Enter != nil {
		return false
	}
	all, err := o.hosts()
	if err != nil {
		return true
	}
	live, known := 0, false
	for _, h := range all {
		if h.Live {
			live++
		}
		known = known || h.Name == host && h.Live
	}
	return live != 1 || !known
}

func (o *Options) hosts() ([]Host, error) {
	if o.Hosts == nil {
		return nil, nil
	}
	return o.Hosts()
}

// child is a call of mlhost beside the menu.
func (o *Options) child(ctx context.Context, host string, words ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, o.Program, o.args(host, words...)...)
	cmd.Dir = o.Folder
	cmd.Env = append(append([]string{}, o.Environ...), "NO_COLOR=1", "TERM=dumb")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 2 * time.Second
	return cmd
}

// quote writes a word as a shell takes it.
func quote(word string) string {
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:@%+,…", r)
	}) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// style is how numbers are drawn.
func (o *Options) style() chart.Style { return chart.Style{ASCII: o.ASCII} }

// run drives the terminal until the menu is left.
func (m *model) run() error {
	options := []tea.ProgramOption{
		tea.WithContext(m.ctx), tea.WithInput(m.options.In), tea.WithOutput(m.options.Out), tea.WithEnvironment(m.options.Environ), tea.WithFPS(20),
	}
	if m.options.NoColor {
		options = append(options, tea.WithColorProfile(colorprofile.Ascii))
	}
	m.program = tea.NewProgram(m, options...)
	_, err := m.program.Run()
	if errors.Is(err, tea.ErrInterrupted) {
		return nil
	}
	return err
}
