package interpreter

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// answerTime is how long a script may take to answer where the caller sets no
// limit.
const answerTime = 30 * time.Second

// declarationGrace is how long after its start a script may be waited for to
// declare a parameter; the host's own is the same.
const declarationGrace = 5 * time.Second

// setLine is a set or set_variables line.
type setLine struct {
	Op     string                  `json:"op"`
	ID     string                  `json:"id"`
	Values map[string]script.Value `json:"values"`
	Author string                  `json:"author,omitempty"`
	AtStep *int64                  `json:"at_step,omitempty"` // for a script that keeps sets for a step
}

// setParameters gives each value of the batch to where it belongs: to the
// script, where it has declared the parameter itself; into a parameter file;
// or to the next run. Nothing changes when one of them is rejected.
func (r *run) setParameters(ctx context.Context, batch script.Batch) (script.BatchReply, error) {
	r.mu.Lock()
	r.uncommitted = false // the session has done with the set before this one
	r.mu.Unlock()
	r.awaitDeclared(ctx, batch.Values)
	lines := map[string]script.Value{}
	files := map[string]map[string]script.Value{}
	var reply script.BatchReply
	for name, v := range batch.Values {
		p := r.configured(name)
		switch {
		case r.declares(name) && r.applies(name, p):
			lines[name] = v
		case p == nil && r.declares(name):
			reply.Outcomes = append(reply.Outcomes, script.Outcome{Name: name, Status: script.Rejected, Value: v, Step: -1,
				Reason: "the script takes it when it starts, and reading the script did not tell by which argument"})
		case p == nil:
			reply.Outcomes = append(reply.Outcomes, script.Outcome{Name: name, Status: script.Rejected, Value: v, Step: -1, Reason: "the script has no such parameter"})
		case p.File != "":
			if files[p.File] == nil {
				files[p.File] = map[string]script.Value{}
			}
			files[p.File][name] = v
		default:
			reply.Outcomes = append(reply.Outcomes, r.nextRun(p, v))
		}
	}
	if reply.Rejected() {
		return reply, nil
	}
	if waiting := r.defers(lines, batch); len(waiting) > 0 {
		reply.Outcomes = append(reply.Outcomes, waiting...)
	} else if len(lines) > 0 {
		done, err := r.hand(ctx, "set", lines, batch)
		if err != nil {
			return script.BatchReply{}, err
		}
		reply.Outcomes = append(reply.Outcomes, done...)
	}
	if reply.Rejected() {
		return reply, nil
	}
	for file, values := range files {
		done, err := r.setFile(file, values)
		if err != nil {
			return script.BatchReply{}, err
		}
		reply.Outcomes = append(reply.Outcomes, done...)
	}
	return reply, nil
}

// awaitDeclared waits while the script has only just been started and has yet
// to declare what reading it has shown to be live: its parser may still have to
// run.
func (r *run) awaitDeclared(ctx context.Context, values map[string]script.Value) {
	grace := time.NewTimer(time.Until(r.began.Add(declarationGrace)))
	defer grace.Stop()
	for {
		r.mu.Lock()
		news := r.news
		r.mu.Unlock()
		if !r.shimmed || r.bare.Load() || time.Since(r.began) >= declarationGrace || !r.expects(values) {
			return
		}
		select {
		case <-news:
		case <-grace.C:
			return
		case <-r.proc.exited:
			return
		case <-ctx.Done():
			return
		}
	}
}

// expects reports whether one of the values is of a parameter that the script
// is still to declare.
func (r *run) expects(values map[string]script.Value) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name := range values {
		p := r.configured(name)
		if p == nil || !p.Discovered || p.Spec.Mutability != script.Live {
			continue
		}
		if _, ok := r.declared[name]; !ok && !r.forgot[name] {
			return true
		}
	}
	return false
}

// tellNews wakes who waits for a declaration.
func (r *run) tellNews() {
	r.mu.Lock()
	close(r.news)
	r.news = make(chan struct{})
	r.mu.Unlock()
}

func (r *run) declares(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.declared[name]
	return ok && r.speaks()
}

// applies reports whether the running script is asked to change a parameter
// that it has declared: not what it reads from its arguments alone.
func (r *run) applies(name string, p *script.LaunchParameter) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	spec := r.declared[name]
	if spec.Mutability != script.Restart {
		return true
	}
	if p != nil {
		return !p.Discovered
	}
	return !isParsed(spec.Origin.Style)
}

// nextRun is the outcome for a parameter that is passed once, at the start.
func (r *run) nextRun(p *script.LaunchParameter, v script.Value) script.Outcome {
	o := script.Outcome{Name: p.Spec.Name, Status: script.NeedsRestart, Old: r.values[p.Spec.Name], Value: v, Step: -1}
	switch {
	case p.Pass != "":
		o.Reason = fmt.Sprintf("the script got it as the argument %s when it started", p.Pass)
	case p.Env != "":
		o.Reason = fmt.Sprintf("the script got it as the environment variable %s when it started", p.Env)
	case p.Refused != "":
		o.Status, o.Value, o.Reason = script.Rejected, o.Old, "it cannot be passed to the script: "+p.Refused
	case p.Argument != nil:
		if err := r.passable(p, v); err != nil {
			o.Status, o.Value, o.Reason = script.Rejected, o.Old, "it cannot be passed to the script: "+err.Error()
			break
		}
		o.Reason = "the script has read its arguments already"
	case p.Constant != "":
		o.Reason = "nothing in the running script takes it over"
	default:
		o.Reason = "the script has not registered it"
	}
	return o
}

// setFile rewrites a parameter file. Whether the script looks at it again
// only its author knows: the parameter's mutability says so.
func (r *run) setFile(name string, values map[string]script.Value) ([]script.Outcome, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.files[name]
	old := maps.Clone(f.values)
	if err := f.set(values); err != nil {
		return nil, err
	}
	var outcomes []script.Outcome
	for parameter, v := range values {
		o := script.Outcome{Name: parameter, Status: script.NeedsRestart, Old: old[parameter], Value: v, Step: -1}
		o.Reason = fmt.Sprintf("%s is rewritten; the script has read it already", name)
		if m := r.configured(parameter).Spec.Mutability; m == script.Live || m == script.Boundary {
			// Nobody will tell when it has: it counts as the value in use.
			o.Status, o.Step, o.Reason = script.Pending, max(r.step.Load(), 0), fmt.Sprintf("the script reads %s by itself", name)
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}

// setVariables hands writable variables to the script.
func (r *run) setVariables(ctx context.Context, batch script.Batch) (script.BatchReply, error) {
	var reply script.BatchReply
	r.mu.Lock()
	for name, v := range batch.Values {
		o := script.Outcome{Name: name, Status: script.Rejected, Value: v, Step: -1}
		switch spec, ok := r.variables[name]; {
		case !r.speaks() || !ok:
			o.Reason = "the script takes no variable of that name from outside"
		case spec.ReadOnly:
			o.Reason = "it is read-only"
		default:
			continue
		}
		reply.Outcomes = append(reply.Outcomes, o)
	}
	r.mu.Unlock()
	if reply.Rejected() {
		return reply, nil
	}
	done, err := r.hand(ctx, "set_variables", batch.Values, batch)
	return script.BatchReply{Outcomes: done}, err
}

// hand gives values to the script and waits for what it did with them. A name
// that the answer leaves out counts as applied.
func (r *run) hand(ctx context.Context, op string, values map[string]script.Value, batch script.Batch) ([]script.Outcome, error) {
	if r.isFrozen() {
		return nil, script.Errorf(script.CodeUnavailable, "the script is stopped by a signal and cannot answer").WithHint("resume it first")
	}
	seen := func(answer any) {
		if done, ok := answer.(doneLine); ok && op == "set" {
			r.remember(complete(values, done.outcomes))
		}
	}
	late := func(answer any) {
		if done, ok := answer.(doneLine); ok && op == "set" {
			r.lateSet(batch, complete(values, done.outcomes))
		}
	}
	line := setLine{Op: op, Values: values, Author: batch.Author}
	if r.holds.Load() && !r.countsByPrint() {
		line.AtStep = batch.AtStep
	}
	done, err := r.order(ctx, seen, late, func(id string) any { line.ID = id; return line })
	if err != nil {
		return nil, err
	}
	return complete(values, done.outcomes), nil
}

// order sends a line that wants a done, and returns that. The error is the
// script's, or tells that there was no answer. For seen and late see ask.
func (r *run) order(ctx context.Context, seen, late func(any), line func(id string) any) (doneLine, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	answer, err := r.calls.ask(ctx, r.conn, "", line, seen, late)
	if err != nil {
		return doneLine{}, err
	}
	done, ok := answer.(doneLine)
	if !ok {
		return done, script.Errorf(script.CodeHandlerFailed, "the script sent a reply where a done belongs")
	}
	if done.err != nil {
		return done, done.err
	}
	return done, nil
}

// complete keeps the outcomes of the values asked for, one of each.
func complete(values map[string]script.Value, got []script.Outcome) []script.Outcome {
	outcomes := make([]script.Outcome, 0, len(values))
	for name, v := range values {
		o := script.Outcome{Name: name, Status: script.Applied, Value: v, Step: -1}
		for _, g := range got {
			if g.Name == name {
				o = g
			}
		}
		outcomes = append(outcomes, o)
	}
	slices.SortFunc(outcomes, func(a, b script.Outcome) int { return strings.Compare(a.Name, b.Name) })
	return outcomes
}

// lateSet reports a set whose caller no longer waited for the answer: what was
// applied is in use, whoever has given up on it.
func (r *run) lateSet(batch script.Batch, outcomes []script.Outcome) {
	var changes []script.Change
	for _, o := range outcomes {
		if o.Status == script.Applied {
			changes = append(changes, script.Change{Name: o.Name, Old: o.Old, New: o.Value, Status: o.Status, Step: o.Step})
		}
	}
	if len(changes) > 0 {
		r.session.Emit(script.ParametersChanged{Author: batch.Author, Batch: batch.ID, Changes: changes})
	}
}
