package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

const (
	defaultAskTimeout = 30 * time.Second
	maxAskTimeout     = 24 * time.Hour
	maxMailbox        = 1000 // messages that one answer lists
)

func (a *API) messageRoutes(api huma.API) {
	register(api, http.MethodPost, "/api/v1/scripts/{script}/ask", "ask", "Ask a script and wait for its reply",
		func(ctx context.Context, in *struct {
			ScriptPath
			Body v1.Ask
		}) (v1.Reply, error) {
			return a.ask(ctx, in.Script, in.Body)
		})
	register(api, http.MethodPost, "/api/v1/scripts/{script}/tell", "tell", "Put a message into a script's mailbox",
		func(ctx context.Context, in *struct {
			ScriptPath
			Body v1.Tell
		}) (v1.Told, error) {
			m := a.message(ctx, script.Tell, in.Script, in.Body.Topic, in.Body.Data)
			_, err := a.Send(ctx, m)
			return v1.Told{ID: m.ID}, err
		})
	register(api, http.MethodPost, "/api/v1/broadcast", "broadcast", "Send a message to every script that lives",
		func(ctx context.Context, in *struct{ Body v1.Tell }) (v1.Broadcast, error) {
			m := a.message(ctx, script.Broadcast, "", in.Body.Topic, in.Body.Data)
			reply, err := a.Send(ctx, m)
			return v1.Broadcast{ID: m.ID, Recipients: some(reply.Recipients)}, err
		})
	register(api, http.MethodGet, "/api/v1/scripts/{script}/mailbox", "mailbox", "What waits for a script",
		func(ctx context.Context, in *ScriptPath) (v1.Mailbox, error) { return a.mailbox(ctx, in.Script) })
}

func (a *API) message(ctx context.Context, kind script.MessageKind, target, topic string, data script.Value) script.Message {
	return script.Message{
		ID: a.NewID(), Kind: kind, Source: author(ctx), Target: target, Topic: topic, Data: data, Time: a.Now(),
	}
}

func (a *API) ask(ctx context.Context, name string, in v1.Ask) (v1.Reply, error) {
	wait := time.Duration(in.Timeout * float64(time.Second))
	switch {
	case in.Timeout == 0:
		wait = defaultAskTimeout
	case in.Timeout < 0 || in.Timeout > maxAskTimeout.Seconds():
		return v1.Reply{}, script.Errorf(script.CodeUsage, "a timeout is more than 0 and at most %v seconds", maxAskTimeout.Seconds())
	}
	m := a.message(ctx, script.Ask, name, in.Topic, in.Data)
	m.Deadline = m.Time.Add(wait)
	reply, err := a.Send(ctx, m)
	return v1.Reply{Reply: reply.Value}, err
}

func (a *API) mailbox(ctx context.Context, name string) (v1.Mailbox, error) {
	out := v1.Mailbox{Script: name, Messages: []v1.Message{}}
	if _, err := a.find(name); err != nil {
		return out, err
	}
	messages, err := a.Store.Mail(ctx, name, maxMailbox)
	if err != nil {
		return out, err
	}
	for _, m := range messages {
		out.Messages = append(out.Messages, v1.Message{ID: m.ID, Source: m.Source, Topic: m.Topic, Data: m.Data, Time: m.Time})
	}
	return out, nil
}
