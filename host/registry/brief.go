package registry

import (
	"slices"

	"github.com/mlhost/mlhost/shared/script"
)

// Brief is what routing a message needs to know of a script. It is cheap to
// make, where Script copies everything.
type Brief struct {
	Name    string
	State   script.State
	Reason  string
	Run     string
	Managed bool
	Topics  []script.TopicSpec // not to be changed
	Answers bool               // messages of all topics are pushed to it, where it declares none
}

// Takes reports whether messages of the topic are pushed to the script.
func (b Brief) Takes(topic string) bool {
	if len(b.Topics) == 0 {
		return b.Answers
	}
	return slices.ContainsFunc(b.Topics, func(t script.TopicSpec) bool { return t.Name == topic })
}

// Brief returns the named script in short.
func (r *Registry) Brief(name string) (Brief, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	e, ok := r.scripts[name]
	if !ok {
		return Brief{}, false
	}
	return e.brief(), true
}

// Briefs returns every script in short, in no order.
func (r *Registry) Briefs() []Brief {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := make([]Brief, 0, len(r.scripts))
	for _, e := range r.scripts {
		out = append(out, e.brief())
	}
	return out
}

func (e *entry) brief() Brief {
	return Brief{
		Name: e.name, State: e.state, Reason: e.reason, Run: e.run, Managed: e.managed,
		Topics:  e.description.Topics,
		Answers: e.description.Has(script.CapabilityAnswer) && !e.description.Has(script.CapabilityDynamic),
	}
}
