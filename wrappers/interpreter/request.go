package interpreter

import (
	"context"
	"encoding/json"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

const (
	// askTime is how long the script's own requests may take where it sets no
	// limit.
	askTime = 30 * time.Second
	// maxAsks is how many asks of a script may be under way at the same time.
	maxAsks = 256
	// maxMessages is how many of its tells, broadcasts and notices may wait.
	maxMessages = 1024
)

// replyJSON answers one of the script's requests.
type replyJSON struct {
	Op    string          `json:"op"`
	ID    json.RawMessage `json:"id"`
	Value *script.Value   `json:"value,omitempty"`
	Error *script.Error   `json:"error,omitempty"`
}

// messageLine is a message for the script.
type messageLine struct {
	Op      string             `json:"op"`
	ID      string             `json:"id"`
	Kind    script.MessageKind `json:"kind"`
	Source  string             `json:"source"`
	Topic   string             `json:"topic"`
	Data    script.Value       `json:"data"`
	Time    float64            `json:"time"`
	Timeout float64            `json:"timeout,omitempty"` // seconds
}

// answer hands a message to the script and returns its reply.
func (r *run) answer(ctx context.Context, m script.Message) (script.Value, error) {
	if !r.speaks() {
		return script.Null(), script.Errorf(script.CodeNoAnswerer, "the script takes no messages")
	}
	if r.isFrozen() {
		return script.Null(), script.Errorf(script.CodeUnavailable, "the script is stopped by a signal and cannot answer").WithHint("resume it first")
	}
	line := messageLine{Op: "message", Kind: m.Kind, Source: m.Source, Topic: m.Topic, Data: m.Data, Time: unixSeconds(m.Time)}
	deadline, ok := ctx.Deadline()
	if !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, answerTime)
		defer cancel()
		deadline = time.Now().Add(answerTime)
	}
	line.Timeout = max(time.Until(deadline).Seconds(), 0.001)
	got, err := r.calls.ask(ctx, r.conn, m.ID, func(id string) any { line.ID = id; return line }, nil, nil)
	if err != nil {
		return script.Null(), err
	}
	switch a := got.(type) {
	case replyLine:
		if a.err != nil {
			return script.Null(), a.err
		}
		return a.value, nil
	case doneLine:
		if a.err != nil {
			return script.Null(), a.err
		}
	}
	return script.Null(), nil
}

func unixSeconds(t time.Time) float64 {
	if t.IsZero() {
		t = time.Now()
	}
	return float64(t.UnixMicro()) / 1e6
}

// takeRequest starts what the script asks of others. Asks go their way side
// by side; tells, broadcasts and notices in the order in which they came.
func (r *run) takeRequest(l requestLine) {
	switch l.op {
	case "ask", "connector":
		select {
		case r.asks <- struct{}{}:
			r.readers.Go(func() {
				defer func() { <-r.asks }()
				r.send(r.ctx, l)
			})
		default:
			r.refuse(l, "%d requests of the script are under way already", maxAsks)
		}
	default:
		select {
		case r.outbox <- &l:
		default:
			r.refuse(l, "%d messages of the script wait already", cap(r.outbox))
		}
	}
}

// work sends what must stay in order.
func (r *run) work(ctx context.Context) {
	for l := range r.outbox {
		if l.op == "notify" {
			r.session.Emit(script.Notified{Event: l.Event, Data: l.Data})
			continue
		}
		r.send(ctx, *l)
	}
}

// send passes a request on and gives the script its answer.
func (r *run) send(ctx context.Context, l requestLine) {
	m := script.Message{Kind: script.Ask, Target: l.To, Topic: l.Topic, Data: l.Data, Time: time.Now()}
	switch l.op {
	case "tell":
		m.Kind = script.Tell
	case "broadcast":
		m.Kind, m.Target = script.Broadcast, ""
	case "connector":
		m.Target, m.Topic = "", "connector"
	}
	limit := l.timeout
	if limit == 0 {
		limit = askTime
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	reply, err := r.session.Call(ctx, m)
	if err != nil {
		r.reply(replyJSON{ID: l.id, Error: script.AsError(err)})
		return
	}
	value := reply.Value
	switch m.Kind {
	case script.Tell:
		value = messageID(reply)
	case script.Broadcast:
		recipients := make([]script.Value, len(reply.Recipients))
		for i, name := range reply.Recipients {
			recipients[i] = script.String(name)
		}
		id, _ := messageID(reply).Map()
		value = script.Map(map[string]script.Value{"id": id["id"], "recipients": script.List(recipients...)})
	}
	r.reply(replyJSON{ID: l.id, Value: &value})
}

// messageID makes {"id": …} of a reply that names the message in its value, by
// itself or in a table.
func messageID(reply script.Reply) script.Value {
	id := reply.Value
	if table, ok := id.Map(); ok {
		id = table["id"]
	}
	if id.IsNull() {
		id = script.String(reply.ID)
	}
	return script.Map(map[string]script.Value{"id": id})
}

func (r *run) refuse(l requestLine, format string, args ...any) {
	if l.op == "notify" {
		r.session.Emit(script.Warned{Text: "a notification was lost: " + script.Errorf(script.CodeUnavailable, format, args...).Message})
		return
	}
	r.reply(replyJSON{ID: l.id, Error: script.Errorf(script.CodeUnavailable, format, args...)})
}

// reply answers the script. One that has gone needs no answer.
func (r *run) reply(answer replyJSON) {
	answer.Op = "reply"
	if err := r.conn.send(answer); script.CodeOf(err) == script.CodeRejected {
		answer.Value, answer.Error = nil, script.AsError(err) // too long for a line
		_ = r.conn.send(answer)
	}
}
