package menu

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/mlhost/mlhost/cmd/mlhost/text"
	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
)

// logs shows the output of a script as it comes.
type logs struct {
	script string
	filter string
	feed   *feed
	known  bool
	lines  []logLine
	run    string
	seq    uint64 // of the last line
	back   int    // lines that were scrolled back; 0 follows
	rows   int    // on the screen
	total  int
}

type logLine struct {
	text    string
	level   string
	partial bool
}

// mostLines is how much output is kept for looking back.
const mostLines = 5000

func newLogs(name string) *logs { return &logs{script: name} }

func (l *logs) title() string    { return "" }
func (l *logs) narrow(f string)  { l.filter, l.back = f, 0 }
func (l *logs) narrowed() string { return l.filter }
func (l *logs) close()           { l.feed.end(); l.feed = nil }

// logEvents are output that has come meanwhile.
type logEvents struct{ events []v1.Event }

// fetch reads what there is once; then the lines come by themselves.
func (l *logs) fetch(m *model) tea.Cmd {
	if l.known {
		return nil
	}
	if l.feed == nil && m.session.Live {
		l.feed = follow(m.ctx, m.client(), client.EventFilter{Script: l.script, Kinds: []string{"log", v1.KindGap}}, func(all []v1.Event) {
			m.program.Send(pushedMsg{l, logEvents{all}})
		})
	}
	return m.load(l, func(ctx context.Context, c *client.Client) (any, error) {
		var all []v1.Log
		for line, err := range c.Logs(ctx, l.script, client.LogFilter{Tail: mostLines}) {
			if err != nil {
				return all, err
			}
			all = append(all, line)
		}
		return all, nil
	})
}

func (l *logs) take(m *model, data any, err error) {
	if err != nil {
		m.tell(failure(err), true)
		return
	}
	switch d := data.(type) {
	case []v1.Log:
		l.known, l.lines = true, nil
		for _, line := range d {
			l.add(line)
		}
	case logEvents:
		for _, e := range d.events {
			l.event(e)
		}
	}
}

func (l *logs) event(e v1.Event) {
	if e.Kind == v1.KindGap {
		var d v1.GapData
		if json.Unmarshal(e.Data, &d) == nil {
			l.append(logLine{text: fmt.Sprintf("— %d lines are missing here —", d.Dropped), level: "warn"})
		}
		return
	}
	var d v1.LogData
	if json.Unmarshal(e.Data, &d) != nil || e.Run == l.run && e.Seq > 0 && e.Seq <= l.seq {
		return
	}
	l.add(v1.Log{Run: e.Run, Stream: d.Stream, Level: d.Level, Text: d.Text, Partial: d.Partial, Seq: e.Seq})
}

func (l *logs) add(line v1.Log) {
	if l.run != "" && line.Run != l.run {
		l.append(logLine{text: "— run " + text.Cell(line.Run) + " —", level: "run"})
	}
	l.run, l.seq = line.Run, max(line.Seq, 0)
	said := text.Cell(text.LastPart(line.Text))
	if line.Level != "" {
		said = strings.ToUpper(line.Level) + " " + said
	}
	if n := len(l.lines); n > 0 && l.lines[n-1].partial {
		l.lines[n-1].text += said
		l.lines[n-1].partial = line.Partial
		return
	}
	level := line.Level
	if line.Stream == "stderr" && level == "" {
		level = "stderr"
	}
	l.append(logLine{said, level, line.Partial})
}

func (l *logs) append(line logLine) {
	l.lines = append(l.lines, line)
	if l.back > 0 {
		l.back++ // what is looked at stays where it is
	}
	if len(l.lines) > mostLines {
		l.lines = l.lines[len(l.lines)-mostLines:]
	}
}

func (l *logs) key(m *model, k tea.KeyPressMsg) tea.Cmd {
	page := max(1, l.rows-1)
	switch k.String() {
	case "up", "k":
		l.back++
	case "down", "j":
		l.back--
	case "pgup", "ctrl+b":
		l.back += page
	case "pgdown", "ctrl+f":
		l.back -= page
	case "home", "g":
		l.back = l.total
	case "end", "G", "f":
		l.back = 0
	case "w":
		l.write(m)
		return nothing
	default:
		return nil
	}
	l.back = max(0, min(l.back, l.total-l.rows))
	return nothing
}

// write puts what is known of the log into a file beside the menu.
func (l *logs) write(m *model) {
	path := filepath.Join(m.options.Folder, filepath.Base(l.script)+".log")
	var b strings.Builder
	for _, line := range l.lines {
		b.WriteString(line.text + "\n")
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // what is there is not written over
	if err == nil {
		_, err = f.WriteString(b.String())
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}
	if err != nil {
		m.tell("it was not written: "+err.Error(), true)
		return
	}
	m.tell("wrote "+path, false)
}

func (l *logs) keys() []hint {
	return []hint{{"↑↓", "scroll"}, {"f", "follow"}, {"w", "write to a file"}}
}

func (l *logs) command(*model) []string { return []string{"logs", l.script, "-f"} }

func (l *logs) body(_ *model, width, height int) []string {
	if !l.known {
		return []string{faint.Render("asking the host …")}
	}
	var rows []string
	want := strings.ToLower(l.filter)
	// From the newest backwards, as far as is to be seen.
	for _, line := range slices.Backward(l.lines) {
		if want != "" && !strings.Contains(strings.ToLower(line.text), want) {
			continue
		}
		for _, part := range slices.Backward(wrap(line.text, width)) {
			rows = append(rows, logStyle(line.level, part))
		}
	}
	l.total, l.rows = len(rows), height
	if l.back > 0 {
		l.rows--
	}
	l.back = max(0, min(l.back, l.total-l.rows))
	rows = rows[min(l.back, len(rows)):]
	rows = rows[:min(max(0, l.rows), len(rows))]
	out := make([]string, 0, len(rows)+1)
	for _, r := range slices.Backward(rows) {
		out = append(out, r)
	}
	if len(out) == 0 {
		out = append(out, faint.Render(text.Cell(l.script)+" has printed nothing"))
	}
	if l.back > 0 {
		out = append(out, faint.Render(fmt.Sprintf("%d newer lines below; f follows", l.back)))
	}
	return out
}

func logStyle(level, s string) string {
	switch level {
	case "error", "critical":
		return bad.Render(s)
	case "warn", "warning":
		return warn.Render(s)
	case "debug", "run":
		return faint.Render(s)
	}
	return s
}
