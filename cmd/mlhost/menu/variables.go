package menu

import (
	"context"
	"fmt"
	"math"

	tea "charm.land/bubbletea/v2"

	"github.com/mlhost/mlhost/cmd/mlhost/chart"
	"github.com/mlhost/mlhost/cmd/mlhost/text"
	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
)

var nan = math.NaN()

// variables lists the variables of a script with small charts.
type variables struct {
	list
	script string
	answer[variablesData]
	height int
}

type variablesData struct {
	variables v1.Variables
	shapes    map[string][]float64
}

func (v *variables) title() string { return "" }

func (v *variables) fetch(m *model) tea.Cmd {
	name, filter, top, height := v.script, v.list, v.top, max(v.height, m.height)
	return m.load(v, func(ctx context.Context, c *client.Client) (any, error) {
		all, err := c.Variables(ctx, name)
		if err != nil {
			return nil, err
		}
		seen := v1.Variables{Run: all.Run} // charts of what is on the screen
		for _, one := range all.Variables {
			if filter.matches(one.Name) {
				seen.Variables = append(seen.Variables, one)
			}
		}
		seen.Variables = seen.Variables[min(top, len(seen.Variables)):]
		seen.Variables = seen.Variables[:min(height, len(seen.Variables))]
		return variablesData{all, shapes(ctx, c, seen, height)}, nil
	})
}

func (v *variables) rows() []v1.Variable {
	return matching(&v.list, v.shown.variables.Variables, func(one v1.Variable) []string { return []string{one.Name} })
}

func (v *variables) chosen() (v1.Variable, bool) {
	all := v.rows()
	if len(all) == 0 {
		return v1.Variable{}, false
	}
	return all[max(0, min(v.cursor, len(all)-1))], true
}

func (v *variables) key(m *model, k tea.KeyPressMsg) tea.Cmd {
	if v.move(k.String(), len(v.rows()), m.height-8) {
		return nothing
	}
	one, ok := v.chosen()
	if !ok {
		return nil
	}
	switch k.String() {
	case "enter":
		return m.push(&plot{script: v.script, run: v.shown.variables.Run, variable: one.Name})
	case "e":
		if one.ReadOnly {
			m.tell(one.Name+" is the script's own: only the script sets it", true)
			return nothing
		}
		return m.push(newVariableEditor(m, v.script, one))
	}
	return nil
}

func (v *variables) keys() []hint {
	if one, ok := v.chosen(); ok && !one.ReadOnly {
		return []hint{{"enter", "chart"}, {"e", "set"}}
	}
	return []hint{{"enter", "chart"}}
}

func (v *variables) command(*model) []string {
	if one, ok := v.chosen(); ok {
		return []string{"watch", v.script + "." + one.Name}
	}
	return []string{"vars", v.script}
}

func (v *variables) body(m *model, width, height int) []string {
	v.height = height
	all := v.rows()
	if len(all) == 0 {
		if !v.known {
			return []string{faint.Render("asking the host …")}
		}
		return []string{faint.Render(text.Cell(v.script) + " has reported no variables")}
	}
	sparkWidth := max(8, min(40, width-44))
	rows := make([][]cell, 0, len(all))
	for _, one := range all {
		step, set := "", ""
		if one.Step != nil {
			step = fmt.Sprint(*one.Step)
		}
		if !one.ReadOnly {
			set = "can be set"
		}
		rows = append(rows, []cell{
			plainCell(one.Name), {text.Value(one.Value, 40), normal},
			{m.options.style().Spark(v.shown.shapes[one.Name], sparkWidth), accent}, plainCell(step), {set, faint},
		})
	}
	return v.table(width, height, []column{
		{title: "VARIABLE", grow: true, most: 30}, {title: "VALUE", grow: true, most: 20}, {title: "", drop: 1}, {title: "STEP", drop: 2, right: true}, {title: "", drop: 3},
	}, rows)
}

// plot is a chart of one variable over its run.
type plot struct {
	script, run, variable string
	answer[v1.Chart]
	log   bool
	width int
}

func (p *plot) title() string { return p.variable }

func (p *plot) fetch(m *model) tea.Cmd {
	run, name, points := p.run, p.variable, 2*max(20, max(p.width, m.width))
	if s := m.script(p.script); s.Run != "" {
		run = s.Run // a new one may have begun
	}
	return m.load(p, func(ctx context.Context, c *client.Client) (any, error) { return c.Chart(ctx, run, name, points) })
}

func (p *plot) key(_ *model, k tea.KeyPressMsg) tea.Cmd {
	if k.String() == "l" {
		p.log = !p.log
	}
	return nil
}

func (p *plot) keys() []hint            { return []hint{{"l", "logarithmic"}} }
func (p *plot) command(*model) []string { return []string{"watch", p.script + "." + p.variable} }

// pointOf makes a bucket something to draw.
func pointOf(b v1.Bucket) chart.Point {
	number := func(v interface{ Float() (float64, bool) }) float64 {
		f, ok := v.Float()
		if !ok {
			return nan
		}
		return f
	}
	p := chart.Point{Min: number(b.Min), Max: number(b.Max), First: number(b.First), Last: number(b.Last), Odd: b.NaN+b.Inf+b.NegInf > 0}
	for _, edge := range []*float64{&p.First, &p.Last} {
		if math.IsNaN(*edge) || math.IsInf(*edge, 0) {
			*edge = p.Max
		}
	}
	return p
}

func (p *plot) body(m *model, width, height int) []string {
	p.width = width
	if !p.known {
		return []string{faint.Render("asking the host …")}
	}
	if len(p.shown.Buckets) == 0 {
		return []string{faint.Render("no numbers were reported yet")}
	}
	points := make([]chart.Point, 0, len(p.shown.Buckets))
	count, odd := int64(0), int64(0)
	for _, b := range p.shown.Buckets {
		points = append(points, pointOf(b))
		count += b.Count
		odd += b.NaN + b.Inf + b.NegInf
	}
	first, last := p.shown.Buckets[0], p.shown.Buckets[len(p.shown.Buckets)-1]
	head := bold.Render(text.Cell(p.variable)) + " = " + text.Value(last.Last, 20) + faint.Render("  "+text.Count(int(count), "sample"))
	if odd > 0 {
		head += bad.Render(fmt.Sprintf("  %d not a number (×)", odd))
	}
	out := []string{head}
	if p.log {
		out[0] += faint.Render("  logarithmic")
	}
	foot := first.FirstTime.Local().Format("15:04:05") + " to " + last.LastTime.Local().Format("15:04:05")
	if first.FirstStep != nil && last.LastStep != nil {
		foot = fmt.Sprintf("step %d to %d, ", *first.FirstStep, *last.LastStep) + foot
	}
	for _, l := range m.options.style().Plot(points, width, max(1, min(height-2, 30)), p.log) {
		out = append(out, accent.Render(l))
	}
	return append(out, faint.Render(foot))
}
