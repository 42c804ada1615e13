package host

import (
	"context"
	"time"

	"github.com/mlhost/mlhost/host/bus"
	"github.com/mlhost/mlhost/shared/script"
)

// declarationGrace is how long after its start a script that declares its
// parameters while it runs may be waited for to declare one.
const declarationGrace = 5 * time.Second

// awaitDeclared waits while check says not_found of a script that has only
// just been started: it may yet declare what is meant.
func (h *Host) awaitDeclared(ctx context.Context, name string, check func() error) {
	if script.CodeOf(check()) != script.CodeNotFound {
		return
	}
	h.awaitRead(ctx, name)
	left := h.declarationTime(name)
	if left <= 0 {
		return
	}
	news := h.bus.Subscribe(bus.Filter{Script: name, Kinds: []string{
		script.KindOf(script.Described{}), script.KindOf(script.StateChanged{}),
	}}, 64)
	defer news.Close()
	timer := time.NewTimer(left)
	defer timer.Stop()
	for script.CodeOf(check()) == script.CodeNotFound && h.declarationTime(name) > 0 {
		select {
		case <-news.C:
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// awaitRead waits until a script that does not run has been read, if it is
// going to be.
func (h *Host) awaitRead(ctx context.Context, name string) {
	unread := h.reader.unread(name)
	if state, _ := h.registry.State(name); unread == nil || state.Live() {
		return
	}
	timer := time.NewTimer(declarationGrace)
	defer timer.Stop()
	select {
	case <-unread:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// awaitTopic waits while the target of an ask has only just been started and
// does not answer the topic yet.
func (h *Host) awaitTopic(ctx context.Context, m script.Message) {
	if !m.Deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, m.Deadline)
		defer cancel()
	}
	h.awaitDeclared(ctx, m.Target, func() error {
		if target, ok := h.registry.Brief(m.Target); ok && !target.Takes(m.Topic) {
			return script.Errorf(script.CodeNotFound, "the topic is not declared")
		}
		return nil
	})
}

// declarationTime is how long the script may still be waited for.
func (h *Host) declarationTime(name string) time.Duration {
	s, ok := h.registry.Script(name)
	if !ok || !s.State.Live() || (s.Described && !s.Description.Has(script.CapabilityDynamic)) {
		return 0
	}
	return declarationGrace - time.Since(s.Started)
}
