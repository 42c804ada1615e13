package menu

import (
	"context"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/mlhost/mlhost/cmd/mlhost/text"
	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// overview shows the most of a script that fits.
type overview struct {
	script string
	answer[overviewData]
}

type overviewData struct {
	parameters []v1.Parameter
	variables  []v1.Variable
	shapes     map[string][]float64
	results    []v1.Result
	output     []string
}

// most of each part of the overview.
const (
	mostCharts = 12
	mostOutput = 50
)

func (o *overview) title() string { return "" }

func (o *overview) fetch(m *model) tea.Cmd {
	name := o.script
	return m.load(o, func(ctx context.Context, c *client.Client) (any, error) {
		var d overviewData
		ps, err := c.Parameters(ctx, name)
		if err != nil {
			return nil, err
		}
		vars, err := c.Variables(ctx, name)
		if err != nil {
			return nil, err
		}
		rs, err := c.Results(ctx, name)
		if err != nil {
			return nil, err
		}
		d.parameters, d.variables, d.results = ps.Parameters, vars.Variables, rs.Results
		d.shapes = shapes(ctx, c, vars, mostCharts)
		for l, err := range c.Logs(ctx, name, client.LogFilter{Tail: mostOutput}) {
			if err != nil {
				return d, nil // the log may be gone while the rest is there
			}
			d.output = append(d.output, text.Cell(text.LastPart(l.Text)))
		}
		return d, nil
	})
}

// shapes reads what the numeric variables of a run went through.
func shapes(ctx context.Context, c *client.Client, vars v1.Variables, most int) map[string][]float64 {
	out := map[string][]float64{}
	if vars.Run == "" {
		return out
	}
	for _, v := range vars.Variables {
		if _, ok := v.Value.Float(); !ok || len(out) == most {
			continue
		}
		drawn, err := c.Chart(ctx, vars.Run, v.Name, 60)
		if err != nil {
			continue // it has no samples, or no name that a path can hold
		}
		for _, b := range drawn.Buckets {
			out[v.Name] = append(out[v.Name], meanOf(b))
		}
	}
	return out
}

func meanOf(b v1.Bucket) float64 {
	p := pointOf(b)
	if p.Odd {
		return nan
	}
	f, _ := b.Mean.Float()
	return f
}

func (o *overview) key(*model, tea.KeyPressMsg) tea.Cmd { return nil }

func (o *overview) keys() []hint {
	return []hint{{"x", "execute"}, {"s", "stop"}, {"p", "pause"}, {"r", "restart"}}
}

func (o *overview) command(*model) []string { return []string{"watch", o.script} }

func (o *overview) body(m *model, width, height int) []string {
	if !o.known {
		return []string{faint.Render("asking the host …")}
	}
	var out []string
	part := func(title string, lines []string, most int) {
		if len(lines) == 0 || len(out)+2 > height {
			return
		}
		if most = min(most, height-len(out)-1); len(lines) > most {
			lines = append(lines[:most-1:most-1], faint.Render("  … and more: another tab shows all"))
		}
		out = append(append(out, faint.Render(title)), lines...)
	}
	last := &o.shown
	share := height
	if len(last.variables)+len(last.parameters)+len(last.results)+3+min(5, len(last.output)) > height {
		share = max(3, (height-4)/3) // not all of it fits
	}
	part("VARIABLES", variableLines(m, last.variables, last.shapes, width), share)
	part("PARAMETERS", parameterLines(last.parameters, width), share)
	part("RESULTS", resultLines(last.results, width), share)
	if room := height - len(out) - 1; room > 0 && len(last.output) > 0 {
		out = append(out, faint.Render("OUTPUT"))
		for _, l := range last.output[max(0, len(last.output)-room):] {
			out = append(out, "  "+text.Clip(l, width-2))
		}
	}
	if len(out) == 0 {
		out = append(out, faint.Render("nothing was reported yet"))
	}
	return out
}

func variableLines(m *model, vars []v1.Variable, shape map[string][]float64, width int) []string {
	longest := 8
	for _, v := range vars {
		longest = min(24, max(longest, len(v.Name)))
	}
	var out []string
	for _, v := range vars {
		line := "  " + text.Pad(text.Clip(text.Cell(v.Name), longest), longest) + "  " + text.Pad(text.Value(v.Value, 14), 14)
		if room := width - longest - 20; room >= 8 {
			line += "  " + accent.Render(m.options.style().Spark(shape[v.Name], min(room, 40)))
		}
		out = append(out, line)
	}
	return out
}

func parameterLines(ps []v1.Parameter, width int) []string {
	longest := 8
	for _, p := range ps {
		longest = min(24, max(longest, len(p.Name)))
	}
	var out []string
	for _, p := range ps {
		line := "  " + text.Pad(text.Clip(text.Cell(p.Name), longest), longest) + "  " + text.Value(p.Value, 24)
		if p.Next != nil {
			line += warn.Render(" (next: " + text.Value(*p.Next, 20) + ")")
		}
		if p.Owner != "" {
			line += faint.Render("  moved by " + text.Cell(p.Owner))
		}
		out = append(out, line)
	}
	return out
}

func resultLines(rs []v1.Result, width int) []string {
	var out []string
	for _, r := range rs {
		out = append(out, "  "+text.Cell(r.Name)+" = "+text.Value(r.Value, max(10, width-len(r.Name)-6)))
	}
	return out
}

func repeat(s string, n int) string { return strings.Repeat(s, max(0, n)) }

// results lists the results of the last run.
type results struct {
	list
	script string
	answer[v1.Results]
}

func (r *results) title() string { return "" }

func (r *results) fetch(m *model) tea.Cmd {
	return m.load(r, func(ctx context.Context, c *client.Client) (any, error) { return c.Results(ctx, r.script) })
}

func (r *results) rows() []v1.Result {
	return matching(&r.list, r.shown.Results, func(one v1.Result) []string { return []string{one.Name} })
}

func (r *results) key(m *model, k tea.KeyPressMsg) tea.Cmd {
	all := r.rows()
	if r.move(k.String(), len(all), m.height-8) {
		return nothing
	}
	if k.String() == "enter" && len(all) > 0 {
		one := all[r.cursor]
		return m.push(&output{words: []string{"results", r.script}, heading: one.Name, lines: prettyValue(one.Value), done: true})
	}
	return nil
}

// nothing is what a key does that was understood and changes only the screen.
func nothing() tea.Msg { return nil }

func prettyValue(v script.Value) []string { return strings.Split(text.Block(v.String()), "\n") }

func (r *results) keys() []hint            { return []hint{{"enter", "whole value"}} }
func (r *results) command(*model) []string { return []string{"results", r.script} }

func (r *results) body(_ *model, width, height int) []string {
	all := r.rows()
	if len(all) == 0 {
		if !r.known {
			return []string{faint.Render("asking the host …")}
		}
		return []string{faint.Render(text.Cell(r.script) + " has reported no results")}
	}
	rows := make([][]cell, 0, len(all))
	for _, one := range all {
		rows = append(rows, []cell{plainCell(one.Name), {text.Value(one.Value, 200), normal}, {one.Time.Local().Format("15:04:05"), faint}})
	}
	return r.table(width, height, []column{{title: "RESULT", grow: true, most: 30}, {title: "VALUE", grow: true}, {title: "TIME", drop: 1}}, rows)
}
