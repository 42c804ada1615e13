package menu

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/mlhost/mlhost/cmd/mlhost/text"
	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// runs lists the runs of a script, or of all.
type runs struct {
	list
	script string
	answer[v1.Runs]
	marked map[string]bool // to be compared
}

// mostRuns is how many runs are listed.
const mostRuns = 200

func (r *runs) title() string {
	if r.script == "" {
		return "runs"
	}
	return ""
}

func (r *runs) fetch(m *model) tea.Cmd {
	return m.load(r, func(ctx context.Context, c *client.Client) (any, error) {
		return c.Runs(ctx, client.RunFilter{Script: r.script, Limit: mostRuns})
	})
}

func (r *runs) rows() []v1.Run {
	return matching(&r.list, r.shown.Runs, func(one v1.Run) []string { return []string{one.ID, one.Script, string(one.State)} })
}

func (r *runs) key(m *model, k tea.KeyPressMsg) tea.Cmd {
	all := r.rows()
	if r.move(k.String(), len(all), m.height-8) {
		return nothing
	}
	if len(all) == 0 {
		return nil
	}
	one := all[max(0, min(r.cursor, len(all)-1))]
	switch k.String() {
	case "enter":
		return m.push(&runScreen{id: one.ID})
	case "space":
		if r.marked == nil {
			r.marked = map[string]bool{}
		}
		r.marked[one.ID] = !r.marked[one.ID]
		r.move("down", len(all), 1)
		return nothing
	case "c":
		if words := r.comparison(); len(words) > 3 {
			return m.push(newOutput(m, words))
		}
		m.tell("mark two runs or more with the space bar", true)
		return nothing
	}
	return nil
}

// comparison is the command that compares what is marked.
func (r *runs) comparison() []string {
	words := []string{"runs", "compare"}
	for _, one := range r.shown.Runs {
		if r.marked[one.ID] {
			words = append(words, one.ID)
		}
	}
	return words
}

func (r *runs) keys() []hint {
	return []hint{{"enter", "details"}, {"space", "mark"}, {"c", "compare marked"}}
}

func (r *runs) command(*model) []string {
	if words := r.comparison(); len(words) > 3 {
		return words
	}
	if r.script != "" {
		return []string{"runs", "--script", r.script}
	}
	return []string{"runs"}
}

func (r *runs) body(_ *model, width, height int) []string {
	all := r.rows()
	if len(all) == 0 {
		if !r.known {
			return []string{faint.Render("asking the host …")}
		}
		return []string{faint.Render("there are no runs")}
	}
	rows := make([][]cell, 0, len(all))
	for _, one := range all {
		mark, took := " ", ""
		if r.marked[one.ID] {
			mark = "*"
		}
		if one.Finished != nil {
			took = text.Duration(one.Finished.Sub(one.Started).Seconds())
		}
		rows = append(rows, []cell{
			{mark, accent}, plainCell(one.ID), plainCell(one.Script), {string(one.State), stateStyle(one.State)},
			{one.Started.Local().Format("01-02 15:04:05"), faint}, plainCell(took), {values(one.Results), normal},
		})
	}
	return r.table(width, height, []column{
		{title: " "}, {title: "RUN"}, {title: "SCRIPT", grow: true, most: 24, drop: 4}, {title: "STATE"}, {title: "STARTED", drop: 2}, {title: "TOOK", drop: 3, right: true}, {title: "RESULTS", grow: true, drop: 1},
	}, rows)
}

// values writes named values in one line.
func values(all map[string]script.Value) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		parts = append(parts, text.Cell(name)+"="+text.Value(all[name], 16))
	}
	return strings.Join(parts, " ")
}

// runScreen tells everything about one run.
type runScreen struct {
	list
	id     string
	shown  v1.RunDetail
	shapes map[string][]float64
	known  bool
}

type runData struct {
	detail v1.RunDetail
	shapes map[string][]float64
}

func (r *runScreen) title() string { return r.id }

func (r *runScreen) fetch(m *model) tea.Cmd {
	if r.known && !r.shown.State.Live() {
		return nil // it stays as it is
	}
	return m.load(r, func(ctx context.Context, c *client.Client) (any, error) {
		detail, err := c.Run(ctx, r.id)
		if err != nil {
			return nil, err
		}
		vars := v1.Variables{Run: r.id}
		for _, s := range detail.Series {
			vars.Variables = append(vars.Variables, v1.Variable{Name: s.Name, Value: s.Last})
		}
		return runData{detail, shapes(ctx, c, vars, mostCharts)}, nil
	})
}

func (r *runScreen) take(m *model, data any, err error) {
	if err != nil {
		m.tell(failure(err), true)
		return
	}
	d := data.(runData)
	r.shown, r.shapes, r.known = d.detail, d.shapes, true
}

func (r *runScreen) key(m *model, k tea.KeyPressMsg) tea.Cmd {
	r.move(k.String(), 1<<16, m.height-8) // body keeps it within the lines
	return nil
}

func (r *runScreen) keys() []hint            { return []hint{{"↑↓", "scroll"}} }
func (r *runScreen) command(*model) []string { return []string{"runs", "show", r.id} }

func (r *runScreen) body(m *model, width, height int) []string {
	if !r.known {
		return []string{faint.Render("asking the host …")}
	}
	var out []string
	for _, l := range r.lines(m, width) {
		if r.filter == "" || strings.Contains(strings.ToLower(l), strings.ToLower(r.filter)) {
			out = append(out, l)
		}
	}
	r.cursor = max(0, min(r.cursor, len(out)-height))
	return out[r.cursor:]
}

func (r *runScreen) lines(m *model, width int) []string {
	d := r.shown
	state := stateStyle(d.State).Bold(true).Render(string(d.State))
	if d.ExitCode != nil {
		state += fmt.Sprintf("  exit code %d", *d.ExitCode)
	}
	out := []string{bold.Render(text.Cell(d.Script)) + "  " + state}
	if d.Reason != "" {
		out = append(out, wrap(text.Cell(d.Reason), width)...)
	}
	when := "started " + d.Started.Local().Format("2006-01-02 15:04:05")
	if d.Finished != nil {
		when += ", took " + text.Duration(d.Finished.Sub(d.Started).Seconds())
	}
	out = append(out, faint.Render(when), "")
	part := func(title string, lines []string) {
		if len(lines) > 0 {
			out = append(append(append(out, faint.Render(title)), lines...), "")
		}
	}
	part("PARAMETERS AT THE START", valueLines(d.Parameters, width))
	var changes []string
	for _, c := range d.Changes {
		changes = append(changes, text.Clip(fmt.Sprintf("  %s  %s: %s → %s  %s%s by %s", c.Time.Local().Format("15:04:05"), text.Cell(c.Name),
			text.Value(c.Old, 16), text.Value(c.New, 16), c.Status, atStep(c.Step), text.Cell(c.Author)), width))
	}
	part("CHANGES", changes)
	part("RESULTS", valueLines(d.Results, width))
	var series []string
	for _, s := range d.Series {
		series = append(series, "  "+text.Pad(text.Clip(text.Cell(s.Name), 24), 24)+"  "+text.Pad(text.Value(s.Last, 12), 12)+"  "+
			accent.Render(m.options.style().Spark(r.shapes[s.Name], max(8, min(40, width-54))))+faint.Render("  "+text.Count(int(s.Count), "sample")))
	}
	part("SERIES", series)
	var artifacts []string
	for _, a := range d.Artifacts {
		artifacts = append(artifacts, text.Clip(fmt.Sprintf("  %s  %d bytes", text.Cell(a.Path), a.Size), width))
	}
	part("FILES", artifacts)
	return out
}

func valueLines(all map[string]script.Value, width int) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, text.Clip("  "+text.Cell(name)+" = "+text.Value(all[name], width), width))
	}
	return out
}
