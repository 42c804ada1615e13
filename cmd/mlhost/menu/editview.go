package menu

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/mlhost/mlhost/cmd/mlhost/text"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

func now() time.Time { return time.Now() }

func (e *editor) body(m *model, width, height int) []string {
	kind := string(e.p.Type)
	if !e.variable {
		kind += ", " + effect(e.p)
	}
	out := []string{bold.Render(text.Cell(e.p.Name)) + faint.Render("  "+kind)}
	if e.p.Doc != "" && height > 7 {
		out = append(out, text.Clip(text.Cell(e.p.Doc), width))
	}
	blank := func() {
		if height > 12 {
			out = append(out, "")
		}
	}
	blank()
	out = append(out, "  is        "+e.current())
	if height > 6 {
		out = append(out, "  allowed   "+text.Cell(allowed(e.p)))
	}
	blank()
	out = append(out, e.field(m, width)...)
	if !e.variable {
		at := e.step.View()
		if !e.atStep && e.step.Value() == "" {
			at = faint.Render("at once")
		}
		out = append(out, "  at step   "+at)
	}
	switch {
	case e.busy:
		out = append(out, "", "waiting for the script …")
	case e.said != "":
		out = append(out, "")
		for _, l := range paragraph("refused: "+text.Cell(e.said), width) {
			out = append(out, bad.Render(l))
		}
	}
	return append(out, e.history(width, height-len(out))...)
}

// current says what the value is now; it may have changed since the editor
// was opened.
func (e *editor) current() string {
	said := text.Value(e.now.Value, 40)
	if e.p.Unit != "" {
		said += " " + text.Cell(e.p.Unit)
	}
	if e.now.Next != nil {
		said += warn.Render("  next run: " + text.Value(*e.now.Next, 20))
	}
	if !e.variable && !e.now.Value.Same(e.p.Value) {
		said += warn.Render("  changed while you edit, was " + text.Value(e.p.Value, 20))
	}
	if e.now.Owner != "" {
		said += faint.Render("  moved by " + text.Cell(e.now.Owner))
	}
	return said
}

// field is what the new value is given by.
func (e *editor) field(m *model, width int) []string {
	const label = "  new       "
	switch {
	case e.isSwitch():
		return []string{label + e.toggle(m)}
	case e.isChoice():
		var out []string
		for i, c := range e.p.Choices {
			mark, before := "( ) ", strings.Repeat(" ", len(label))
			if i == 0 {
				before = label
			}
			line := mark + text.Value(c, max(10, width-20))
			if i == e.choice {
				line = chosen.Render("(*) " + text.Value(c, max(10, width-20)))
			}
			out = append(out, before+line)
		}
		return around(out, e.choice, 9)
	}
	out := []string{label + e.value.View()}
	if e.isNumber() && !e.p.Min.IsNull() && !e.p.Max.IsNull() {
		out = append(out, strings.Repeat(" ", len(label))+e.slider(m, max(10, min(50, width-len(label)-2))))
	}
	return out
}

// around shortens lines to n with the one at i among them.
func around(lines []string, i, n int) []string {
	if len(lines) <= n {
		return lines
	}
	from := max(0, min(i-n/2, len(lines)-n))
	return lines[from : from+n]
}

func (e *editor) toggle(m *model) string {
	left, right := "[x] on ", " [ ] off"
	if !e.on {
		left, right = "[ ] on ", " [x] off"
	}
	if e.on {
		return chosen.Render(left) + right
	}
	return left + chosen.Render(right)
}

// slider shows where between its bounds the number lies.
func (e *editor) slider(m *model, width int) string {
	v, err := strconv.ParseFloat(strings.TrimSpace(e.value.Value()), 64)
	lo, _ := e.p.Min.Float()
	hi, _ := e.p.Max.Float()
	knob, rail := "●", "─"
	if m.options.ASCII {
		knob, rail = "O", "-"
	}
	at := position(v, lo, hi, e.p.Scale == script.Log)
	if err != nil || math.IsNaN(at) || at < 0 || at > 1 {
		return faint.Render(repeat(rail, width)) + bad.Render("  out of range")
	}
	n := int(at*float64(width-1) + 0.5)
	return faint.Render(repeat(rail, n)) + accent.Bold(true).Render(knob) + faint.Render(repeat(rail, width-1-n))
}

// position is where v lies between lo (0) and hi (1).
func position(v, lo, hi float64, log bool) float64 {
	if hi <= lo {
		return 0
	}
	if log && lo > 0 && v > 0 {
		return math.Log(v/lo) / math.Log(hi/lo)
	}
	return v/(hi-lo) - lo/(hi-lo)
}

// nudged is the value by some steps of the parameter from another one: its own
// step, a hundredth of its range (of its decades on a logarithmic scale), or a
// tenth of itself.
func nudged(p v1.Parameter, from float64, by int) string {
	lo, hasLo := p.Min.Float()
	hi, hasHi := p.Max.Float()
	step, hasStep := p.Step.Float()
	var to float64
	switch {
	case hasStep && step > 0:
		origin := 0.0
		if hasLo {
			origin = lo
		}
		to = origin + (math.Round((from-origin)/step)+float64(by))*step
		if hasHi && to > hi { // the last one that fits
			to = origin + math.Floor((hi-origin)/step+1e-9)*step
		}
	case hasLo && hasHi && p.Scale == script.Log && lo > 0 && from > 0:
		to = three(from * math.Pow(hi/lo, float64(by)/100))
	case hasLo && hasHi:
		to = from + (hi-lo)*float64(by)/100
		if p.Type == script.TypeInt && math.Abs((hi-lo)*float64(by)/100) < 1 {
			to = from + math.Copysign(1, float64(by))
		}
		to = rounded(to, (hi-lo)/100)
	case p.Type == script.TypeInt:
		to = from + float64(by)
	case from == 0:
		to = 0.1 * float64(by)
	default:
		to = three(from + math.Abs(from)*0.1*float64(by))
	}
	if p.Type == script.TypeInt {
		to = math.Round(to)
	}
	if hasLo {
		to = math.Max(to, lo)
	}
	if hasHi {
		to = math.Min(to, hi)
	}
	if p.Type == script.TypeInt && math.Abs(to) < 1<<53 {
		return strconv.FormatInt(int64(to), 10)
	}
	return strconv.FormatFloat(tidy(to), 'g', -1, 64)
}

// three rounds to three significant digits.
func three(f float64) float64 { return digits(f, 3) }

// tidy drops what adding up steps leaves behind.
func tidy(f float64) float64 { return digits(f, 12) }

func digits(f float64, n int) float64 {
	out, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', n, 64), 64)
	if err != nil {
		return f
	}
	return out
}

// rounded rounds to the decimal place of a step.
func rounded(f, step float64) float64 {
	if step <= 0 || math.IsInf(step, 0) {
		return f
	}
	unit := math.Pow(10, math.Floor(math.Log10(step)))
	return math.Round(f/unit) * unit
}

// history lists the changes of the parameter in this run.
func (e *editor) history(width, height int) []string {
	if len(e.changes) == 0 || height < 4 {
		return nil
	}
	out := []string{"", faint.Render("CHANGES IN THIS RUN")}
	for _, c := range e.changes[:min(len(e.changes), height-2)] {
		line := fmt.Sprintf("  %s  %s → %s  %s%s by %s", c.Time.Local().Format("15:04:05"), text.Value(c.Old, 16), text.Value(c.New, 16), c.Status, atStep(c.Step), text.Cell(c.Author))
		out = append(out, text.Clip(line, width))
	}
	return out
}
