package connector

import (
	"context"
	"slices"
	"time"

	"github.com/mlhost/mlhost/host/registry"
	"github.com/mlhost/mlhost/shared/script"
)

// askTimeout is how long a collaboration request waits for a reply, where the
// target answers the topic and the request names no timeout.
const askTimeout = 5 * time.Second

// topicOf is a message's topic: its data's "type", else "data".
func topicOf(data script.Value) string {
	if fields, ok := data.Map(); ok {
		if s := text(fields, "type"); s != "" {
			return s
		}
	}
	return "data"
}

// speaker is the script in whose name a request is made: the one that sends
// it, or, for an operator's connection, the one that the request names.
func (c *Connector) speaker(r request, field string) string {
	if _, ok := c.Registry.Script(r.source); ok {
		return r.source
	}
	if name := text(r.fields, field); name != "" {
		return name
	}
	return r.source
}

func (c *Connector) registerScript(_ context.Context, r request) (map[string]script.Value, error) {
	name := c.speaker(r, "script_name")
	if _, err := c.find(name); err != nil {
		return nil, err
	}
	return map[string]script.Value{"status": script.String("registered"), "script": script.String(name)}, nil
}

// collaborate leaves a request in the target's mailbox, or gets the reply of
// a target that answers the topic.
func (c *Connector) collaborate(ctx context.Context, r request) (map[string]script.Value, error) {
	target, err := c.find(text(r.fields, "target"))
	if err != nil {
		return nil, err
	}
	data := r.fields["data"]
	m := script.Message{
		ID: c.NewID(), Kind: script.Tell, Source: c.speaker(r, "source"), Target: target.Name,
		Topic: topicOf(data), Data: data, Time: c.Now(),
	}
	answer := map[string]script.Value{
		"status": script.String("collaboration_requested"), "id": script.String(m.ID),
	}
	if !answers(target, m.Topic) {
		_, err := c.Send(ctx, m)
		return answer, err
	}
	m.Kind, m.Deadline = script.Ask, m.Time.Add(askTimeout)
	if seconds, ok := r.fields["timeout"].Float(); ok && seconds > 0 {
		m.Deadline = m.Time.Add(time.Duration(seconds * float64(time.Second)))
	}
	reply, err := c.Send(ctx, m)
	if err != nil {
		return nil, err
	}
	answer["reply"] = reply.Value
	return answer, nil
}

// answers reports whether a live script declares that it answers the topic.
func answers(s registry.Script, topic string) bool {
	return s.State.Live() && slices.ContainsFunc(s.Description.Topics, func(t script.TopicSpec) bool {
		return t.Answers && t.Name == topic
	})
}

func (c *Connector) broadcast(ctx context.Context, r request) (map[string]script.Value, error) {
	data := r.fields["data"]
	reply, err := c.Send(ctx, script.Message{
		ID: c.NewID(), Kind: script.Broadcast, Source: c.speaker(r, "source"),
		Topic: topicOf(data), Data: data, Time: c.Now(),
	})
	if err != nil {
		return nil, err
	}
	names := make([]script.Value, len(reply.Recipients))
	for i, name := range reply.Recipients {
		names[i] = script.String(name)
	}
	return map[string]script.Value{
		"status": script.String("broadcast_sent"), "id": script.String(reply.ID), "recipients": script.List(names...),
	}, nil
}

// getCollaborations hands out the script's mail; what it returns is
// acknowledged by the next call.
func (c *Connector) getCollaborations(ctx context.Context, r request) (map[string]script.Value, error) {
	name := c.speaker(r, "script_name")
	mail, err := c.Collect(ctx, name)
	if err != nil {
		return nil, err
	}
	requests := make([]script.Value, len(mail))
	for i, m := range mail {
		requests[i] = script.Map(map[string]script.Value{
			"source":    script.String(m.Source),
			"data":      m.Data,
			"timestamp": script.String(m.Time.Format(time.RFC3339Nano)),
			"id":        script.String(m.ID),
		})
	}
	return map[string]script.Value{"requests": script.List(requests...)}, nil
}

func (c *Connector) notification(ctx context.Context, r request) (map[string]script.Value, error) {
	name := c.speaker(r, "script")
	if err := c.Notify(ctx, name, text(r.fields, "event"), r.fields["data"]); err != nil {
		return nil, err
	}
	return map[string]script.Value{"status": script.String("acknowledged")}, nil
}
