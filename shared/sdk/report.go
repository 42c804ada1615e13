package sdk

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// warn tells people of something.
func (p *Plugin) warn(format string, args ...any) {
	p.recorder.emit(script.Warned{Text: fmt.Sprintf(format, args...)})
}

// warnOnce warns the first time that key is given.
func (p *Plugin) warnOnce(key, format string, args ...any) {
	p.mu.Lock()
	again := p.warned[key]
	p.warned[key] = true
	p.mu.Unlock()
	if !again {
		p.warn(format, args...)
	}
}

// progressState is what the rate of progress is computed from.
type progressState struct {
	begin time.Time
	first float64
	told  time.Time
}

// progressDelay bounds how often progress is told.
const progressDelay = 100 * time.Millisecond

// progress reports how far the run is, with its mean rate. In between, only
// the end is worth an event.
func (p *Plugin) progress(done, total float64) {
	now := time.Now()
	p.mu.Lock()
	state := &p.progressed
	if state.begin.IsZero() {
		state.begin, state.first = now, done
	} else if now.Sub(state.told) < progressDelay && (total == 0 || done < total) {
		p.mu.Unlock()
		return
	}
	state.told = now
	body := script.Progress{Done: done, Total: total}
	if elapsed := now.Sub(state.begin).Seconds(); elapsed > 0 && done > state.first {
		body.Rate = (done - state.first) / elapsed
		if total > done {
			body.ETA = (total - done) / body.Rate
		}
	}
	p.mu.Unlock()
	p.recorder.emit(body)
}

// setPID notes the script's own process.
func (p *Plugin) setPID(pid int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pid = pid
	if p.state == script.Running {
		p.toState(script.Running, "")
	}
}

// emit reports an event of a wrapper.
func (p *Plugin) emit(body script.Body) {
	switch b := body.(type) {
	case script.Samples:
		for _, sample := range b.Samples {
			(&Session{p: p}).SetSample(sample)
		}
	case script.Stepped:
		p.setStep(b.Step)
	case script.ParametersChanged:
		p.parameters.mu.Lock()
		p.own(b.Changes, 0)
		p.parameters.mu.Unlock()
		p.parameters.drain(p.callbackPanicked)
	case script.ParametersObserved:
		p.parameters.observe(b.Name, b.Value)
		p.recorder.emit(body)
	case script.Described:
		p.declare(b.Description, b.Values)
	default:
		p.recorder.emit(body)
	}
}

// declare lets the description grow, and reports it whole.
func (p *Plugin) declare(d script.Description, values map[string]script.Value) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ps, vs := p.parameters, p.variables
	ps.mu.Lock()
	vs.mu.Lock()
	for _, spec := range d.Parameters {
		ps.adopt(spec)
	}
	maps.Copy(ps.values, values)
	added := map[string]script.Value{}
	for _, spec := range d.Parameters {
		added[spec.Name] = ps.values[spec.Name]
	}
	for _, spec := range d.Variables {
		vs.declare(spec)
	}
	vs.mu.Unlock()
	ps.mu.Unlock()
	p.description = merge(p.description, d)
	if p.request.Run != "" {
		p.recorder.emit(script.Described{Description: p.description, Values: added})
	}
}

// retract takes parameters out of the description, and reports the rest whole.
func (p *Plugin) retract(names []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.parameters.mu.Lock()
	p.parameters.withdraw(names)
	p.parameters.mu.Unlock()
	p.description.Parameters = slices.DeleteFunc(slices.Clone(p.description.Parameters), func(spec script.ParameterSpec) bool {
		return slices.Contains(names, spec.Name)
	})
	if p.request.Run != "" {
		p.recorder.emit(script.Described{Description: p.description})
	}
}

// merge returns d with what more declares added or replaced by name.
func merge(d, more script.Description) script.Description {
	if more.Name != "" {
		d.Name = more.Name
	}
	if more.Doc != "" {
		d.Doc = more.Doc
	}
	d.Parameters = mergeBy(d.Parameters, more.Parameters, func(s script.ParameterSpec) string { return s.Name })
	d.Variables = mergeBy(d.Variables, more.Variables, func(s script.VariableSpec) string { return s.Name })
	d.Results = mergeBy(d.Results, more.Results, func(s script.ResultSpec) string { return s.Name })
	d.Topics = mergeBy(d.Topics, more.Topics, func(s script.TopicSpec) string { return s.Name })
	d.Capabilities = mergeBy(d.Capabilities, more.Capabilities, func(s string) string { return s })
	return d
}

func mergeBy[T any](old, more []T, name func(T) string) []T {
	if len(more) == 0 {
		return old
	}
	place := make(map[string]int, len(old)+len(more))
	out := slices.Clone(old)
	for i, e := range out {
		place[name(e)] = i
	}
	for _, e := range more {
		if i, ok := place[name(e)]; ok {
			out[i] = e
			continue
		}
		place[name(e)] = len(out)
		out = append(out, e)
	}
	return out
}

// answer hands a message to the script's Answerer, where it has one for the
// topic.
func (p *Plugin) answer(ctx context.Context, m script.Message) (script.Value, error) {
	answerer, ok := p.script.(Answerer)
	if !ok {
		return script.Null(), script.Errorf(script.CodeNoAnswerer, "%s takes no messages", p.name())
	}
	if !p.begun() {
		return script.Null(), script.Errorf(script.CodeUnavailable, "%s does not run yet", p.name())
	}
	if d := p.describe(); len(d.Topics) > 0 {
		i := slices.IndexFunc(d.Topics, func(t script.TopicSpec) bool { return t.Name == m.Topic })
		if i < 0 || (m.Kind == script.Ask && !d.Topics[i].Answers) {
			return script.Null(), p.noTopic(d, m)
		}
	}
	m.Target = p.name()
	return answerer.Answer(ctx, m)
}

func (p *Plugin) noTopic(d script.Description, m script.Message) error {
	names := map[string]bool{}
	for _, t := range d.Topics {
		if m.Kind != script.Ask || t.Answers {
			names[t.Name] = true
		}
	}
	e := script.Errorf(script.CodeNoAnswerer, "%s does not answer %q", p.name(), m.Topic)
	if best := script.Suggest(m.Topic, slices.Sorted(maps.Keys(names))); best != "" {
		e = e.WithHint("did you mean %q?", best)
	}
	return e
}

func (p *Plugin) name() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.request.Script != "" {
		return p.request.Script
	}
	return p.description.Name
}

// Close ends the plugin: what no host has taken is written down, where there
// is a run directory. keep is false when a host said that it has everything.
func (p *Plugin) Close(keep bool) {
	p.cancel()
	if err := p.recorder.close(keep); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}
