package sdk_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk"
	"github.com/mlhost/mlhost/shared/sdk/sdktest"
	"github.com/mlhost/mlhost/shared/wire"
)

// stepper is a trainer that takes a step for each value of the channel, and
// that is handed over.
type stepper struct {
	trainer
	steps chan struct{}
}

func (s *stepper) Run(ctx context.Context, session *sdk.Session) error {
	for {
		session.Set("lr_in_use", session.Value("lr"))
		select {
		case <-s.steps:
		case <-session.Due():
			if err := session.Yield(ctx); err != nil {
				return err
			}
			continue
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := session.Step(ctx); err != nil {
			return err
		}
	}
}

func (s *stepper) Checkpoint(context.Context) ([]byte, error) { return []byte("x"), nil }
func (s *stepper) Restore(context.Context, []byte) error      { return nil }

// A change that waits for a step is a part of the checkpoint, and takes effect
// at its step in the process that takes over. In the one before it goes on
// waiting.
func TestWaitingIsHandedOver(t *testing.T) {
	old := &stepper{steps: make(chan struct{})}
	before := sdktest.Start(t, old, sdktest.Options{})
	for range 3 {
		old.steps <- struct{}{}
	}
	at := int64(5)
	reply, err := before.Client.SetParameters(t.Context(), script.Batch{
		ID: "b", Author: "user:ada", AtStep: &at, Values: map[string]script.Value{"lr": script.Int(0)},
	})
	if err != nil || statuses(reply) != "lr=pending" {
		t.Fatalf("%+v, %v", reply, err)
	}
	if err := before.Client.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkpoint, err := before.Client.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []wire.Waiting{{Name: "lr", Value: script.Float(0), Step: 5, Author: "user:ada"}}
	if diff := cmp.Diff(want, checkpoint.Waiting); diff != "" {
		t.Errorf("what waits (-want +got):\n%s", diff)
	}

	next := &stepper{steps: make(chan struct{})}
	after := sdktest.Start(t, next, sdktest.Options{Unstarted: true, Revision: reply.Revision})
	bad := checkpoint
	bad.Waiting = []wire.Waiting{{Name: "lr", Value: script.Float(7), Step: 5}}
	if err := after.Client.Restore(t.Context(), bad); script.CodeOf(err) != script.CodeRejected {
		t.Errorf("a value that does not fit gives %v", err)
	}
	if err := after.Client.Restore(t.Context(), checkpoint); err != nil {
		t.Fatal(err)
	}
	after.Begin()
	next.steps <- struct{}{}
	next.steps <- struct{}{} // the fifth
	seen := after.WaitFor("the value in use", func(e script.Event) bool {
		_, ok := e.Body.(script.ParametersObserved)
		return ok
	})
	if diff := cmp.Diff(script.ParametersObserved{Name: "lr", Value: script.Float(0), Step: 5}, seen.Body); diff != "" {
		t.Error(diff)
	}

	if err := before.Client.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	old.steps <- struct{}{}
	old.steps <- struct{}{}
	before.WaitFor("the value in use of the old one", func(e script.Event) bool {
		_, ok := e.Body.(script.ParametersObserved)
		return ok
	})
}

// A change that waited for the very step in which the process before stood is
// in use when the run goes on.
func TestWaitingForThisStep(t *testing.T) {
	s := &stepper{steps: make(chan struct{})}
	run := sdktest.Start(t, s, sdktest.Options{Unstarted: true})
	err := run.Client.Restore(t.Context(), wire.Checkpoint{Step: 4, Waiting: []wire.Waiting{
		{Name: "lr", Value: script.Float(0.5), Step: 4}, {Name: "momentum", Value: script.Float(0.25), Step: -1},
	}})
	if err != nil {
		t.Fatal(err)
	}
	run.Begin()
	for _, name := range []string{"lr", "momentum"} {
		e := run.WaitFor(name, func(e script.Event) bool {
			b, ok := e.Body.(script.ParametersObserved)
			return ok && b.Name == name
		})
		if step := e.Body.(script.ParametersObserved).Step; step != 4 {
			t.Errorf("%s is in use at step %d", name, step)
		}
	}
	if first := run.WaitSample("lr_in_use", func(script.Value) bool { return true }); !first.Value.Same(script.Float(0.5)) {
		t.Errorf("the script began with %s", first.Value)
	}
}
