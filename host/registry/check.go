package registry

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlhost/mlhost/shared/script"
)

// CheckBatch tells what a set of parameters would do, without doing it. There
// is one outcome per value, by name: the converted value and the expected
// status, or a rejection with its reason. The error is not nil when the set
// must not go on: not_found for an unknown script or parameter, conflict for
// a parameter that somebody else owns or another revision, rejected for all
// else; its message names every problem.
func (r *Registry) CheckBatch(name string, b script.Batch) ([]script.Outcome, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	e, ok := r.scripts[name]
	if !ok {
		return nil, r.unknown(name)
	}
	c := checker{entry: e, batch: &b, what: "parameter"}
	if len(b.Values) == 0 {
		return nil, script.Errorf(script.CodeUsage, "no parameter of %s was named", name)
	}
	for _, key := range slices.Sorted(maps.Keys(b.Values)) {
		c.outcomes = append(c.outcomes, c.parameter(key, b.Values[key]))
	}
	if b.IfRevision != nil && *b.IfRevision != e.revision {
		c.problem(script.CodeConflict, "", "the revision is %d, not %d: somebody changed parameters meanwhile", e.revision, *b.IfRevision)
	}
	return c.outcomes, c.err()
}

// CheckVariables does for writable variables what CheckBatch does for
// parameters.
func (r *Registry) CheckVariables(name string, b script.Batch) ([]script.Outcome, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	e, ok := r.scripts[name]
	if !ok {
		return nil, r.unknown(name)
	}
	c := checker{entry: e, batch: &b, what: "variable"}
	if len(b.Values) == 0 {
		return nil, script.Errorf(script.CodeUsage, "no variable of %s was named", name)
	}
	for _, key := range slices.Sorted(maps.Keys(b.Values)) {
		c.outcomes = append(c.outcomes, c.variable(key, b.Values[key]))
	}
	err := c.err()
	if err == nil && !e.state.Live() {
		return c.outcomes, script.Errorf(script.CodeUnavailable, "%s does not run (%s): its variables cannot be set", name, e.state)
	}
	return c.outcomes, err
}

// checker gathers the outcomes and problems of one batch.
type checker struct {
	entry    *entry
	batch    *script.Batch
	what     string
	outcomes []script.Outcome
	problems []string
	code     script.Code
	hint     string
}

// weight orders codes: the error takes the heaviest problem's.
var weight = map[script.Code]int{script.CodeConflict: 1, script.CodeRejected: 2, script.CodeNotFound: 3}

func (c *checker) problem(code script.Code, hint, format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
	if weight[code] > weight[c.code] {
		c.code, c.hint = code, hint
	}
}

func (c *checker) err() error {
	if len(c.problems) == 0 {
		return nil
	}
	err := script.Errorf(c.code, "%s", strings.Join(c.problems, "; "))
	err.Hint = c.hint
	return err
}

// reject records the problem and returns the outcome.
func (c *checker) reject(code script.Code, name string, old script.Value, hint, reason string) script.Outcome {
	c.problem(code, hint, "%s %s of %s: %s", c.what, name, c.entry.name, reason)
	return script.Outcome{Name: name, Status: script.Rejected, Old: old, Value: old, Step: -1, Reason: reason}
}

func (c *checker) unknown(name string, known []string) script.Outcome {
	hint := script.SuggestAmong(name, known)
	if len(known) == 0 && !c.entry.described {
		hint = "nothing is known of it before it has been started once"
	}
	c.problem(script.CodeNotFound, hint, "%s has no %s %q", c.entry.name, c.what, name)
	return script.Outcome{Name: name, Status: script.Rejected, Step: -1, Reason: "there is no such " + c.what}
}

func (c *checker) parameter(name string, v script.Value) script.Outcome {
	p, ok := c.entry.parameters[name]
	if !ok {
		return c.unknown(name, c.entry.order)
	}
	value, err := p.spec.Check(v)
	if err != nil {
		return c.reject(script.CodeRejected, name, p.value, "", err.Error())
	}
	live := c.entry.state.Live()
	if live && p.spec.Mutability == script.Fixed {
		return c.reject(script.CodeRejected, name, p.value, "stop the script, set the value, start it again", "fixed while the run lasts")
	}
	if reason, hint := c.owned(p); reason != "" {
		return c.reject(script.CodeConflict, name, p.value, hint, reason)
	}
	o := script.Outcome{Name: name, Status: c.status(p, live), Old: p.value, Value: value, Step: -1}
	var reasons []string
	if o.Status == script.NeedsRestart {
		reasons = append(reasons, c.nextRun(live))
	}
	if p.spec.Deprecated != "" {
		reasons = append(reasons, "deprecated: "+p.spec.Deprecated)
	}
	o.Reason = strings.Join(reasons, "; ")
	return o
}

// nextRun tells why a value counts for the next run only.
func (c *checker) nextRun(live bool) string {
	if live {
		return "the script reads it only when it starts"
	}
	return fmt.Sprintf("%s does not run now (%s)", c.entry.name, c.entry.state)
}

func (c *checker) status(p *parameter, live bool) script.OutcomeStatus {
	switch {
	case !live || p.spec.Mutability == script.Restart:
		return script.NeedsRestart
	case p.spec.Mutability == script.Boundary || c.batch.AtStep != nil:
		return script.Pending
	}
	return script.Applied
}

// owned tells why the batch's author may not move the parameter, "" where it
// may. A script may always move its own; a route only what it owns; a person
// anything but what a route owns, and that too by taking it.
func (c *checker) owned(p *parameter) (reason, hint string) {
	author, owner := c.batch.Author, c.entry.owners[p.spec.Name]
	switch {
	case author == "script:"+c.entry.name || owner == author:
		return "", ""
	case strings.HasPrefix(author, "route:"):
		if owner == "" {
			return author + " does not own it", ""
		}
		return "it is owned by " + owner, ""
	case strings.HasPrefix(owner, "route:") && !c.batch.Take:
		return "it is owned by " + owner, "--take takes it over until it is released"
	}
	return "", ""
}

func (c *checker) variable(name string, v script.Value) script.Outcome {
	known, ok := c.entry.variables[name]
	if !ok {
		return c.unknown(name, c.entry.varOrder)
	}
	if known.spec.ReadOnly {
		return c.reject(script.CodeRejected, name, known.value, "", "read-only")
	}
	value, err := known.spec.Type.Convert(v)
	if err != nil {
		return c.reject(script.CodeRejected, name, known.value, "", err.Error())
	}
	return script.Outcome{Name: name, Status: script.Applied, Old: known.value, Value: value, Step: known.step}
}
