package menu

import (
	"encoding/json"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/mlhost/mlhost/cmd/mlhost/text"
	v1 "github.com/mlhost/mlhost/host/api/v1"
)

// doctor shows the checks of `mlhost doctor`, which makes them.
type doctor struct {
	list
	checks []v1.Check
	known  bool
	asked  bool
}

func (d *doctor) title() string { return "diagnostics" }

func (d *doctor) fetch(m *model) tea.Cmd {
	if d.asked { // they take a while, and are made once
		return nil
	}
	d.asked = true
	name := m.hostName()
	return func() tea.Msg {
		out, err := m.options.child(m.ctx, name, "doctor", "--json").Output()
		var checks v1.Checks
		if jsonErr := json.Unmarshal(out, &checks); jsonErr == nil {
			err = nil // the exit code only says that there are findings
		} else if err == nil {
			err = jsonErr
		}
		return loadedMsg{d, checks.Checks, err}
	}
}

func (d *doctor) take(m *model, data any, err error) {
	d.known = true
	if err != nil {
		m.tell(failure(err), true)
		return
	}
	d.checks = data.([]v1.Check)
}

func (d *doctor) rows() []v1.Check {
	var out []v1.Check
	for _, status := range []v1.CheckStatus{v1.CheckFail, v1.CheckWarn, v1.CheckOK, v1.CheckSkip} {
		for _, c := range d.checks {
			if c.Status == status && d.matches(c.Name, c.Detail, string(c.Status)) {
				out = append(out, c)
			}
		}
	}
	return out
}

func (d *doctor) key(m *model, k tea.KeyPressMsg) tea.Cmd {
	if !d.move(k.String(), len(d.rows()), m.height-8) && k.String() == "r" {
		d.asked, d.known = false, false
		return m.fetch(d)
	}
	return nil
}

func (d *doctor) keys() []hint            { return []hint{{"↑↓", "choose"}, {"r", "check again"}} }
func (d *doctor) command(*model) []string { return []string{"doctor"} }

func (d *doctor) body(_ *model, width, height int) []string {
	if !d.known {
		return []string{faint.Render("checking; a small script is started and stopped for it …")}
	}
	all := d.rows()
	if len(all) == 0 {
		return []string{faint.Render("no check is called so")}
	}
	d.cursor = max(0, min(d.cursor, len(all)-1))
	at := all[d.cursor]
	about := wrap(text.Cell(at.Detail), width)
	if at.Fix != "" && at.Status != v1.CheckOK {
		about = append(about, wrap("fix: "+text.Cell(at.Fix), width)...)
	}
	about = append([]string{""}, about[:min(len(about), max(1, height/3))]...)
	rows := make([][]cell, 0, len(all))
	for _, c := range all {
		style := good
		switch c.Status {
		case v1.CheckFail:
			style = bad
		case v1.CheckWarn:
			style = warn
		case v1.CheckSkip:
			style = faint
		}
		rows = append(rows, []cell{{string(c.Status), style}, plainCell(c.Name), {text.Cell(c.Detail), faint}})
	}
	out := d.table(width, height-len(about), []column{{title: ""}, {title: "CHECK", grow: true, most: 28}, {title: "DETAIL", grow: true, drop: 1}}, rows)
	for len(out) < height-len(about) {
		out = append(out, "")
	}
	return append(out, about...)
}

// status tells about the host itself.
type status struct{}

func (*status) title() string                       { return "status" }
func (*status) fetch(*model) tea.Cmd                { return nil }
func (*status) take(*model, any, error)             {}
func (*status) key(*model, tea.KeyPressMsg) tea.Cmd { return nil }
func (*status) keys() []hint                        { return nil }
func (*status) command(*model) []string             { return []string{"ps"} }

func (*status) body(m *model, width, _ int) []string {
	a := m.about
	out := []string{bold.Render("Host " + text.Cell(m.hostName())), ""}
	line := func(name, value string) {
		if value != "" {
			for i, l := range wrap(text.Cell(value), max(10, width-14)) {
				if i > 0 {
					name = ""
				}
				out = append(out, "  "+text.Pad(name, 11)+" "+l)
			}
		}
	}
	if a.PID > 0 {
		line("pid", fmt.Sprint(a.PID))
		line("since", a.Started.Local().Format("2006-01-02 15:04:05"))
	}
	line("version", a.Version)
	line("folder", a.Directory)
	line("operators", a.Listen.HTTP)
	line("scripts at", a.Listen.Connector)
	states := map[string]int{}
	var order []string
	for _, s := range m.scripts {
		if states[string(s.State)] == 0 {
			order = append(order, string(s.State))
		}
		states[string(s.State)]++
	}
	for _, s := range order {
		line(s, text.Count(states[s], "script"))
	}
	if a.Config.Problem != "" {
		line("config", "its files as they are now cannot be used: "+a.Config.Problem)
	}
	for _, p := range a.Config.Pending {
		line("config", p+" has changed: `mlhost plan` shows what")
	}
	for _, n := range a.Notices {
		line("notice", n)
	}
	return out
}
