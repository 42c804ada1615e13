package menu

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/mlhost/mlhost/cmd/mlhost/text"
)

// output shows what a command of mlhost writes, or another text.
type output struct {
	list
	words   []string
	heading string
	lines   []string
	done    bool
	failed  string
	cancel  context.CancelFunc
	up      bool // scrolled away from the end, which is shown while it runs
}

// newOutput starts a command and shows its output.
func newOutput(m *model, words []string) *output {
	ctx, cancel := context.WithCancel(m.ctx)
	o := &output{words: words, cancel: cancel}
	cmd := m.options.child(ctx, m.hostName(), words...)
	go func() {
		defer cancel()
		err := stream(cmd, func(line string) { m.program.Send(pushedMsg{o, line}) })
		m.program.Send(pushedMsg{o, ended{err}})
	}()
	return o
}

type ended struct{ err error }

// stream runs a command and hands over every line that it writes.
func stream(cmd *exec.Cmd, line func(string)) error {
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		in := bufio.NewReader(r)
		for {
			s, err := in.ReadString('\n')
			if s != "" {
				line(strings.TrimSuffix(s, "\n"))
			}
			if err != nil {
				return
			}
		}
	}()
	err := cmd.Wait()
	_ = w.Close() // a pipe's Close returns nil
	<-done
	return err
}

func (o *output) title() string {
	if o.heading != "" {
		return o.heading
	}
	return strings.Join(o.words, " ")
}

func (o *output) fetch(*model) tea.Cmd { return nil }

func (o *output) close() {
	if o.cancel != nil {
		o.cancel()
	}
}

func (o *output) take(m *model, data any, _ error) {
	switch d := data.(type) {
	case string:
		if o.lines = append(o.lines, text.Cell(text.LastPart(d))); len(o.lines) > mostLines {
			o.lines = o.lines[1:]
		}
	case ended:
		o.done, o.cursor = true, 0
		if exit, ok := errors.AsType[*exec.ExitError](d.err); ok {
			o.failed = fmt.Sprintf("exit code %d", exit.ExitCode())
		} else if d.err != nil {
			o.failed = d.err.Error()
		}
	}
}

func (o *output) key(m *model, k tea.KeyPressMsg) tea.Cmd {
	o.move(k.String(), len(o.lines), m.height-6)
	o.up = !o.done && o.cursor < len(o.lines)-1
	return nil
}

func (o *output) keys() []hint { return []hint{{"↑↓", "scroll"}} }

func (o *output) command(*model) []string { return o.words }

func (o *output) body(_ *model, width, height int) []string {
	var out []string
	for _, l := range o.lines {
		if o.matches(l) {
			out = append(out, wrap(l, width)...)
		}
	}
	switch {
	case !o.done:
		out = append(out, faint.Render("… it runs; esc ends it"))
	case o.failed != "":
		out = append(out, warn.Render(o.failed))
	case len(o.lines) == 0:
		out = append(out, faint.Render("done, without output"))
	}
	if !o.done && !o.up {
		o.cursor = max(0, len(out)-height)
	}
	o.cursor = max(0, min(o.cursor, len(out)-height))
	return out[o.cursor:]
}
