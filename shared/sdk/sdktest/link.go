package sdktest

import (
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// epoch of the links that a Run opens.
const epoch = 1

// replies are the answers that the test waits for.
type replies struct {
	mu      sync.Mutex
	next    int
	waiting map[string]chan wire.Reply
}

func newReplies() *replies { return &replies{waiting: map[string]chan wire.Reply{}} }

// openLink opens the link and plays the other scripts on it.
func (r *Run) openLink() {
	r.t.Helper()
	link, err := r.Client.Link(r.ctx)
	if err != nil {
		r.t.Fatalf("open the link: %v", err)
	}
	r.link = link
	if err := link.Send(wire.Frame{Epoch: epoch, Body: wire.Peers{Names: []string{"other"}}}); err != nil {
		r.t.Fatalf("greet the script: %v", err)
	}
	go func() { // ends with the link
		for {
			frame, err := link.Recv()
			if err != nil {
				return
			}
			switch body := frame.Body.(type) {
			case wire.Call:
				switch {
				case body.Kind == wire.Flush:
					_ = link.Send(wire.Frame{Epoch: epoch, Body: wire.Reply{ID: body.ID}}) // the script may have ended meanwhile
				case body.ID == "": // published: in its order, and not answered
					r.message(r.messageOf(body))
				default:
					go r.answer(link, body)
				}
			case wire.Reply:
				r.replies.mu.Lock()
				if c, ok := r.replies.waiting[body.ID]; ok {
					delete(r.replies.waiting, body.ID)
					c <- body
				}
				r.replies.mu.Unlock()
			}
		}
	}()
}

func (r *Run) messageOf(c wire.Call) script.Message {
	m := script.Message{ID: c.ID, Kind: c.Kind, Source: r.options.Name, Target: c.To, Topic: c.Topic, Data: c.Data, Time: time.Now()}
	if c.Timeout > 0 {
		m.Deadline = m.Time.Add(c.Timeout)
	}
	return m
}

func (r *Run) answer(link wire.Link, c wire.Call) {
	m := r.messageOf(c)
	r.message(m)
	reply := wire.Reply{ID: c.ID}
	if r.options.Answer == nil {
		reply.Err = script.Errorf(script.CodeNotFound, "there is no script %q", c.To)
	} else if answer, err := r.options.Answer(m); err != nil {
		reply.Err = script.AsError(err)
	} else {
		reply.Value, reply.Recipients = answer.Value, answer.Recipients
	}
	_ = link.Send(wire.Frame{Epoch: epoch, Body: reply}) // the script may have ended meanwhile
}

// Ask sends the script a message that wants a reply, from the script "other".
func (r *Run) Ask(topic string, data any) (script.Value, error) {
	r.t.Helper()
	return r.send(script.Ask, topic, data)
}

// Tell sends the script a message, and returns when it has taken it.
func (r *Run) Tell(topic string, data any) error {
	r.t.Helper()
	_, err := r.send(script.Tell, topic, data)
	return err
}

// Broadcast sends the script a message that goes to everybody, and returns
// when it has taken it.
func (r *Run) Broadcast(topic string, data any) error {
	r.t.Helper()
	_, err := r.send(script.Broadcast, topic, data)
	return err
}

func (r *Run) send(kind script.MessageKind, topic string, data any) (script.Value, error) {
	r.t.Helper()
	if r.link == nil {
		r.t.Fatal("send message: the run is detached")
	}
	c := make(chan wire.Reply, 1)
	r.replies.mu.Lock()
	r.replies.next++
	id := "m" + strconv.Itoa(r.replies.next)
	r.replies.waiting[id] = c
	r.replies.mu.Unlock()
	err := r.link.Send(wire.Frame{Epoch: epoch, Body: wire.Deliver{
		ID: id, Kind: kind, Source: "other", Topic: topic, Data: r.value(data), Time: time.Now(), Timeout: Timeout,
	}})
	if err != nil {
		return script.Null(), fmt.Errorf("send message: %w", err)
	}
	select {
	case reply := <-c:
		if reply.Err != nil {
			return script.Null(), reply.Err
		}
		return reply.Value, nil
	case <-time.After(Timeout):
		r.t.Fatalf("the script did not answer %q", topic)
		return script.Null(), nil
	}
}
