package menu

import (
	"context"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/mlhost/mlhost/cmd/mlhost/text"
	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// parameters lists the parameters of a script, with what became of changes.
type parameters struct {
	list
	script string
	answer[v1.Parameters]
}

func (p *parameters) title() string { return "" }

func (p *parameters) fetch(m *model) tea.Cmd {
	return m.load(p, func(ctx context.Context, c *client.Client) (any, error) { return c.Parameters(ctx, p.script) })
}

func (p *parameters) rows() []v1.Parameter {
	return matching(&p.list, p.shown.Parameters, func(one v1.Parameter) []string { return []string{one.Name, one.Doc} })
}

func (p *parameters) chosen() (v1.Parameter, bool) {
	all := p.rows()
	if len(all) == 0 {
		return v1.Parameter{}, false
	}
	return all[max(0, min(p.cursor, len(all)-1))], true
}

func (p *parameters) key(m *model, k tea.KeyPressMsg) tea.Cmd {
	if p.move(k.String(), len(p.rows()), m.height-8) {
		return nothing
	}
	one, ok := p.chosen()
	if !ok {
		return nil
	}
	switch k.String() {
	case "enter", "e":
		if !m.session.Live {
			m.tell("no host runs; this is what it has kept", true)
			return nothing
		}
		return m.push(newEditor(m, p.script, one))
	case "d":
		return p.release(m, one)
	}
	return nil
}

// release gives a parameter back.
func (p *parameters) release(m *model, one v1.Parameter) tea.Cmd {
	if one.Owner == "" {
		m.tell(one.Name+" is nobody's", false)
		return nothing
	}
	m.did = m.call("release", p.script, one.Name)
	c := m.client()
	return func() tea.Msg {
		err := c.Release(m.ctx, p.script, one.Name)
		return actedMsg{text: one.Name + " was given back", err: err}
	}
}

func (p *parameters) keys() []hint { return []hint{{"enter", "change"}, {"d", "give back"}} }

func (p *parameters) command(*model) []string {
	if one, ok := p.chosen(); ok {
		return []string{"get", p.script + "." + one.Name}
	}
	return []string{"get", p.script}
}

func (p *parameters) body(m *model, width, height int) []string {
	all := p.rows()
	if len(all) == 0 {
		if !p.known {
			return []string{faint.Render("asking the host …")}
		}
		return []string{faint.Render(text.Cell(p.script) + " has no parameters that are known")}
	}
	rows := make([][]cell, 0, len(all))
	for _, one := range all {
		value := plainCell(text.Value(one.Value, 24))
		if one.Unit != "" && !one.Value.IsNull() {
			value.text += " " + text.Cell(one.Unit)
		}
		if k := m.marks[p.script][one.Name]; one.Next != nil {
			value = cell{value.text + " (next: " + text.Value(*one.Next, 16) + ")", warn}
		} else if strings.HasPrefix(k.text, "pending") {
			value = cell{value.text + " (pending)", warn}
		}
		rows = append(rows, []cell{plainCell(one.Name), value, {text.Cell(allowed(one)), faint}, p.became(m, one)})
	}
	out := p.table(width, max(1, height-2), []column{
		{title: "PARAMETER", grow: true, most: 30}, {title: "VALUE", grow: true, most: 32}, {title: "ALLOWED", grow: true, most: 24, drop: 1}, {title: "WHAT HAPPENED LAST", grow: true, drop: 2},
	}, rows)
	for len(out) < height-2 {
		out = append(out, "")
	}
	return append(out, p.about(m, width)...)
}

// became says what became of a parameter last, and who moves it.
func (p *parameters) became(m *model, one v1.Parameter) cell {
	if k, ok := m.marks[p.script][one.Name]; ok {
		style := good
		if k.bad {
			style = bad
		}
		if strings.HasPrefix(k.text, "pending") || strings.HasPrefix(k.text, "next run") {
			style = warn
		}
		return cell{text.Cell(k.text), style}
	}
	if one.Owner != "" {
		return cell{"moved by " + text.Cell(one.Owner), faint}
	}
	return cell{}
}

// about words what the parameter under the cursor is for.
func (p *parameters) about(m *model, width int) []string {
	one, ok := p.chosen()
	if !ok {
		return nil
	}
	parts := []string{text.Cell(one.Name) + ": " + string(one.Type), effect(one)}
	if one.Owner != "" {
		parts = append(parts, "moved by "+text.Cell(one.Owner))
	}
	if k, ok := m.marks[p.script][one.Name]; ok {
		parts = append(parts, k.time.Local().Format("15:04:05")+" "+text.Cell(k.text))
	}
	doc := text.Cell(one.Doc)
	if one.Deprecated != "" {
		doc = "deprecated: " + text.Cell(one.Deprecated)
	}
	return []string{faint.Render(text.Clip(strings.Join(parts, "; "), width)), faint.Render(text.Clip(doc, width))}
}

// effect words when a change of the parameter counts.
func effect(p v1.Parameter) string {
	switch p.Mutability {
	case "boundary":
		return "takes effect at the script's next boundary"
	case "restart":
		return "takes effect in the next run"
	case "fixed":
		return "fixed for a run"
	}
	return "takes effect at once"
}

// allowed words the range, step and choices of a parameter.
func allowed(p v1.Parameter) string {
	if len(p.Choices) > 0 {
		var parts []string
		for _, c := range p.Choices {
			parts = append(parts, text.Value(c, 20))
		}
		return strings.Join(parts, ", ")
	}
	said := ""
	switch {
	case !p.Min.IsNull() && !p.Max.IsNull():
		said = fmt.Sprintf("%s to %s", bound(p.Min), bound(p.Max))
	case !p.Min.IsNull():
		said = "from " + bound(p.Min)
	case !p.Max.IsNull():
		said = "up to " + bound(p.Max)
	}
	if !p.Step.IsNull() {
		said += " by " + bound(p.Step)
	}
	if p.Scale == "log" && said != "" {
		said += ", log"
	}
	if said == "" {
		return string(p.Type)
	}
	return strings.TrimSpace(said)
}

// bound renders a bound of a parameter as people write it: 1 rather than 1.0.
func bound(v script.Value) string {
	if f, ok := v.Float(); ok && v.Kind() == script.KindFloat {
		return text.Number(f)
	}
	return v.String()
}
