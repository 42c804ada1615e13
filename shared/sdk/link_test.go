package sdk_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk"
	"github.com/mlhost/mlhost/shared/sdk/sdktest"
)

func TestMessages(t *testing.T) {
	s := &fake{
		description: script.Description{Topics: []script.TopicSpec{
			{Name: "add", Answers: true}, {Name: "panic", Answers: true}, {Name: "fail", Answers: true}, {Name: "note"},
		}},
		answer: func(_ context.Context, m script.Message) (script.Value, error) {
			switch m.Topic {
			case "add":
				n, _ := m.Data.Int()
				return script.Int(n + 1), nil
			case "panic":
				panic("bad topic")
			case "fail":
				return script.Null(), errors.New("no model yet")
			}
			return script.Null(), nil
		},
	}
	run := sdktest.Start(t, s, sdktest.Options{Name: "adder"})
	if v, err := run.Ask("add", 41); err != nil || !v.Equal(script.Int(42)) {
		t.Errorf("answer %v, %v", v, err)
	}
	for topic, want := range map[string]*script.Error{
		"panic": {Code: script.CodeHandlerFailed, Message: `the handler of "panic" panicked: bad topic`},
		"fail":  {Code: script.CodeHandlerFailed, Message: "no model yet"},
		"ad":    {Code: script.CodeNoAnswerer, Message: `adder does not answer "ad"`, Hint: `did you mean "add"?`},
		"note":  {Code: script.CodeNoAnswerer, Message: `adder does not answer "note"`},
	} {
		_, err := run.Ask(topic, nil)
		if diff := cmp.Diff(want, script.AsError(err)); diff != "" {
			t.Errorf("ask %s (-want +got):\n%s", topic, diff)
		}
	}
	if err := run.Tell("note", "hello"); err != nil {
		t.Error(err)
	}
	if err := run.Broadcast("nothing", nil); script.CodeOf(err) != script.CodeNoAnswerer {
		t.Errorf("a broadcast of an unknown topic gives %v", err)
	}
}

func TestScriptSends(t *testing.T) {
	s := &fake{run: func(ctx context.Context, s *sdk.Session) error {
		v, err := s.Ask(ctx, "other", "question", map[string]any{"n": 1})
		if err != nil {
			return err
		}
		id, err := s.Tell(ctx, "other", "note", v)
		if err != nil {
			return err
		}
		names, err := s.Broadcast(ctx, "all", nil)
		if err != nil {
			return err
		}
		_, err = s.Ask(ctx, "nobody", "question", nil)
		s.Result("answers", []any{v, id, names, string(script.CodeOf(err))})
		return nil
	}}
	run := sdktest.Start(t, s, sdktest.Options{Answer: func(m script.Message) (script.Reply, error) {
		switch {
		case m.Target == "nobody":
			return script.Reply{}, script.Errorf(script.CodeNotFound, "there is no script %q", m.Target)
		case m.Kind == script.Tell:
			return script.Reply{Value: script.Map(map[string]script.Value{"id": script.String("m7")})}, nil
		case m.Kind == script.Broadcast:
			return script.Reply{Recipients: []string{"a", "b"}}, nil
		}
		return script.Reply{Value: m.Data}, nil
	}})
	run.Wait(script.Finished)
	if got := run.Result("answers").String(); got != `[{"n":1},"m7",["a","b"],"not_found"]` {
		t.Errorf("answers %s", got)
	}
}

// What is published arrives in its order, before the run is over, and nobody
// waits for an answer.
func TestScriptPublishes(t *testing.T) {
	const n = 5000
	s := &fake{run: func(ctx context.Context, s *sdk.Session) error {
		for i := range n {
			if err := s.Publish(ctx, "news", i); err != nil {
				return err
			}
		}
		return nil
	}}
	run := sdktest.Start(t, s, sdktest.Options{})
	run.Wait(script.Finished)
	got := run.Messages()
	if len(got) != n {
		t.Fatalf("%d messages of %d", len(got), n)
	}
	for i, m := range got {
		if v, _ := m.Data.Int(); v != int64(i) || m.Kind != script.Broadcast || m.ID != "" {
			t.Fatalf("message %d is %+v", i, m)
		}
	}
}

func TestAskWithoutHost(t *testing.T) {
	got := make(chan error, 1)
	s := &fake{run: func(ctx context.Context, s *sdk.Session) error {
		ctx, cancel := context.WithTimeout(ctx, 1)
		defer cancel()
		_, err := s.Ask(ctx, "other", "question", nil)
		got <- err
		return nil
	}}
	sdktest.Start(t, s, sdktest.Options{Detached: true})
	if err := <-got; script.CodeOf(err) != script.CodeNotConnected {
		t.Errorf("ask gives %v", err)
	}
}
