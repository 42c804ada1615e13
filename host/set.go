package host

import (
	"context"
	"time"

	"github.com/mlhost/mlhost/host/bus"
	"github.com/mlhost/mlhost/host/router"
	"github.com/mlhost/mlhost/shared/script"
)

// Send takes requests in: messages go to the router, sets to the script that
// they are for. A set that is refused returns its outcomes beside the error,
// and has changed nothing.
func (h *Host) Send(ctx context.Context, m script.Message) (script.Reply, error) {
	switch m.Kind {
	case script.SetParameter, script.SetVariable:
		if m.Batch == nil {
			return script.Reply{}, script.Errorf(script.CodeUsage, "a set needs values")
		}
		if m.Batch.ID == "" {
			b := *m.Batch
			b.ID, m.Batch = m.ID, &b
		}
		if m.Kind == script.SetVariable {
			return h.setVariables(ctx, m)
		}
		return h.setParameters(ctx, m)
	case script.Ask:
		h.awaitTopic(ctx, m)
	}
	return h.router.Send(ctx, m)
}

// setParameters checks a batch against what is declared, lets the script
// apply it if it runs, and records what the script says has happened.
func (h *Host) setParameters(ctx context.Context, m script.Message) (script.Reply, error) {
	checked, unlock, err := h.checkSet(ctx, m, h.registry.CheckBatch)
	defer unlock()
	if err != nil {
		return h.refused(m, checked, err)
	}
	batch := *m.Batch
	batch.Values = converted(checked)
	state, _ := h.registry.State(m.Target)
	var reply script.BatchReply
	if state.Live() {
		reply, err = h.setOn(ctx, m.Target, batch)
		if script.CodeOf(err) == script.CodeUnavailable && h.hasEnded(ctx, m.Target) {
			reply, err = h.setForNextRun(m)
		}
		if err != nil {
			return script.Reply{ID: m.ID}, err
		}
		if reply.Rejected() {
			return h.refused(m, reply.Outcomes, rejection(m.Target, reply.Outcomes))
		}
	} else {
		reply = script.BatchReply{Revision: h.registry.Revision(m.Target) + 1, Outcomes: checked}
	}
	if err := h.recordSet(ctx, m, reply); err != nil {
		return script.Reply{ID: m.ID}, err
	}
	return script.Reply{ID: m.ID, Batch: &reply}, nil
}

// setForNextRun keeps the values of a script that ended before it answered, as
// those of one that does not run.
func (h *Host) setForNextRun(m script.Message) (script.BatchReply, error) {
	checked, err := h.registry.CheckBatch(m.Target, *m.Batch)
	return script.BatchReply{Revision: h.registry.Revision(m.Target) + 1, Outcomes: checked}, err
}

// endPatience is how long the end of a script is waited for that has stopped
// answering.
const endPatience = 2 * time.Second

// hasEnded reports whether a script ends, now or in a moment.
func (h *Host) hasEnded(ctx context.Context, name string) bool {
	news := h.bus.Subscribe(bus.Filter{Script: name, Kinds: []string{script.KindOf(script.StateChanged{})}}, 16)
	defer news.Close()
	timer := time.NewTimer(endPatience)
	defer timer.Stop()
	for {
		if state, _ := h.registry.State(name); !state.Live() {
			return true
		}
		select {
		case <-news.C:
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// checkSet checks a set when its turn has come, and keeps the turn until
// unlock. What a script that has just been started does not know it may yet
// declare.
func (h *Host) checkSet(ctx context.Context, m script.Message, check func(string, script.Batch) ([]script.Outcome, error)) (
	checked []script.Outcome, unlock func(), err error,
) {
	unlock = h.setting.lock(m.Target)
	checked, err = check(m.Target, *m.Batch)
	if script.CodeOf(err) != script.CodeNotFound {
		return checked, unlock, err
	}
	unlock()
	h.awaitDeclared(ctx, m.Target, func() error {
		_, err := check(m.Target, *m.Batch)
		return err
	})
	unlock = h.setting.lock(m.Target)
	checked, err = check(m.Target, *m.Batch)
	return checked, unlock, err
}

// converted returns the values of checked outcomes, which have their declared
// types.
func converted(outcomes []script.Outcome) map[string]script.Value {
	values := make(map[string]script.Value, len(outcomes))
	for _, o := range outcomes {
		values[o.Name] = o.Value
	}
	return values
}

// refused is the reply to a set that changed nothing: every value that was not
// rejected itself is so because of the others.
func (h *Host) refused(m script.Message, outcomes []script.Outcome, err error) (script.Reply, error) {
	for i := range outcomes {
		if outcomes[i].Status != script.Rejected {
			outcomes[i].Status, outcomes[i].Value = script.Rejected, outcomes[i].Old
			outcomes[i].Reason = "nothing was changed, because another value was rejected"
		}
	}
	reply := script.BatchReply{Revision: h.registry.Revision(m.Target), Outcomes: outcomes}
	return script.Reply{ID: m.ID, Batch: &reply}, err
}

// rejection words the rejections of a script as one error.
func rejection(name string, outcomes []script.Outcome) error {
	for _, o := range outcomes {
		if o.Status == script.Rejected {
			return script.Errorf(script.CodeRejected, "%s refused %s: %s", name, o.Name, o.Reason)
		}
	}
	return script.Errorf(script.CodeRejected, "%s refused the values", name)
}

// recordSet emits what a set has changed.
func (h *Host) recordSet(ctx context.Context, m script.Message, reply script.BatchReply) error {
	body := script.ParametersChanged{Revision: reply.Revision, Author: m.Batch.Author, Batch: m.Batch.ID}
	events := h.taken(m)
	for _, o := range reply.Outcomes {
		body.Changes = append(body.Changes, script.Change{
			Name: o.Name, Old: o.Old, New: o.Value, Status: o.Status, Step: o.Step,
		})
	}
	events = append(events, h.event(m.Target, body))
	// The set has happened: that the client went away must not lose its record.
	ctx = context.WithoutCancel(ctx)
	return h.Emit(ctx, events...)
}

// taken lists the changes of owner that a set with Take makes.
func (h *Host) taken(m script.Message) []script.Event {
	if !m.Batch.Take {
		return nil
	}
	var events []script.Event
	for name := range m.Batch.Values {
		if p, ok := h.registry.Parameter(m.Target, name); ok && p.Owner != m.Batch.Author {
			events = append(events, h.event(m.Target, script.OwnerChanged{Name: name, Owner: m.Batch.Author}))
		}
	}
	return events
}

func (h *Host) setVariables(ctx context.Context, m script.Message) (script.Reply, error) {
	checked, unlock, err := h.checkSet(ctx, m, h.registry.CheckVariables)
	defer unlock()
	if err != nil {
		return h.refused(m, checked, err)
	}
	batch := *m.Batch
	batch.Values = converted(checked)
	reply, err := h.setVariablesOn(ctx, m.Target, batch)
	if err != nil {
		return script.Reply{ID: m.ID}, err
	}
	if reply.Rejected() {
		return h.refused(m, reply.Outcomes, rejection(m.Target, reply.Outcomes))
	}
	return script.Reply{ID: m.ID, Batch: &reply}, nil
}

// notify records what a script tells of itself, and hands it to the scripts
// that topic routes name for it.
func (h *Host) notify(ctx context.Context, name, event string, data script.Value) error {
	if event == "" {
		return script.Errorf(script.CodeUsage, `a notification needs an "event"`)
	}
	if _, ok := h.registry.Brief(name); !ok {
		return h.registry.Unknown(name)
	}
	e := h.event(name, script.Notified{Event: event, Data: data})
	if err := h.Emit(ctx, e); err != nil {
		return err
	}
	return h.router.Forward(ctx, script.Message{
		ID: router.NewID(), Kind: script.Tell, Source: name, Topic: event, Data: data, Time: time.Now(),
	})
}
