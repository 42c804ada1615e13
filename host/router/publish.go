package router

import (
	"context"
	"slices"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// maxPublished is how many broadcasts of a script wait to be dealt with; a
// script that has more to say waits.
const maxPublished = 256

// audience is who gets a broadcast.
type audience struct {
	live   []string   // scripts that live
	ends   []Endpoint // of each of live that it is pushed to; nil for the others
	routed []string   // those that topic routes name, whether they live or not
}

// audience looks for who gets what source says on the topic.
func (r *Router) audience(source, topic string) audience {
	a := audience{routed: r.routedTo(source, topic)}
	for _, target := range r.Registry.Briefs() {
		name := target.Name
		live := target.State.Live() || !target.Managed
		if name == source || !live || slices.Contains(a.routed, name) || !r.allowed(source, name, topic) {
			continue
		}
		var end Endpoint
		if target.Takes(topic) {
			end = r.endpoint(name)
		}
		a.live, a.ends = append(a.live, name), append(a.ends, end)
	}
	return a
}

// spread gives a message to its audience; only for those of topic routes it is
// durable. call is what the message came as, nil where it has its data.
func (r *Router) spread(ctx context.Context, m script.Message, call *wire.Call, to audience) error {
	frame := deliverFrame(m)
	if call != nil {
		frame = frame.Carrying(*call)
	}
	if len(to.ends) > 1 {
		frame = frame.Shared()
	}
	body := wire.FrameBody(frame) // made once
	unpacked := call == nil
	unpack := func() {
		if !unpacked {
			m.Data, unpacked = call.Payload(), true
		}
	}
	for i, end := range to.ends {
		if l, ok := end.(*link); ok && l.send(body) == nil {
			continue
		}
		unpack()
		copied := m
		copied.Target = to.live[i]
		if end != nil {
			if _, ok := end.(*link); !ok && end.Cast(copied) == nil {
				continue
			}
		}
		r.Mail.EnqueueLater(copied)
		r.wake(copied.Target)
	}
	if len(to.routed) == 0 {
		return nil
	}
	unpack()
	return r.Forward(ctx, m)
}

// broadcast gives a message to every script that lives but its source, and to
// those that topic routes name.
func (r *Router) broadcast(ctx context.Context, m script.Message) (script.Reply, error) {
	to := r.audience(m.Source, m.Topic)
	if err := r.spread(ctx, m, nil, to); err != nil {
		return script.Reply{Recipients: to.live}, err
	}
	recipients := append(to.live, to.routed...)
	slices.Sort(recipients)
	return script.Reply{Value: idValue(m.ID), Recipients: recipients}, nil
}

// maxRun bounds how many broadcasts in a row go to the same audience before
// that is looked for again.
const maxRun = 64

// publication is a run of broadcasts on one topic.
type publication struct {
	link  *link
	to    audience
	last  script.Message
	took  time.Duration // by the last
	count uint64
}

// publish deals with broadcasts that are not answered, in their order. What
// becomes of them is recorded as of any message.
func (l *link) publish(ctx context.Context, calls <-chan wire.Call) {
	run := publication{link: l}
	defer run.end()
	for {
		var call wire.Call
		var ok bool
		select {
		case call, ok = <-calls:
		default:
			run.end()
			call, ok = <-calls
		}
		switch {
		case !ok:
			return
		case call.Kind == wire.Flush:
			run.end()
			l.reply(wire.Reply{ID: call.ID})
		default:
			run.add(ctx, &call)
		}
	}
}

// add deals with the next broadcast.
func (p *publication) add(ctx context.Context, call *wire.Call) {
	r := p.link.router
	if p.count >= maxRun || p.last.Topic != call.Topic {
		p.end()
	}
	if p.count == 0 {
		p.to = r.audience(p.link.name, call.Topic)
	}
	now := r.Now()
	m := script.Message{ID: NewID(), Kind: script.Broadcast, Source: p.link.name, Topic: call.Topic, Time: now}
	err := r.spread(ctx, m, call, p.to)
	took := r.Now().Sub(now)
	if err != nil {
		p.end()
		r.outcomes.add(r.outcome(m, took, err))
		return
	}
	p.last, p.took = m, took
	p.count++
}

// end records the run.
func (p *publication) end() {
	if p.count == 0 {
		return
	}
	r := p.link.router
	e := r.outcome(p.last, p.took, nil)
	if body, ok := e.Body.(script.MessageRouted); ok {
		body.Count = p.count
		e.Body = body
	}
	r.outcomes.add(e)
	p.count = 0
}
