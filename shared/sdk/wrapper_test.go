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

// wrapper is a script whose work happens elsewhere: what is asked of it goes to
// funcs.
type wrapper struct {
	fake
	set       func(b script.Batch) (script.BatchReply, error)
	variables func(b script.Batch) (script.BatchReply, error)
	paused    chan bool
}

func (w *wrapper) SetParameters(_ context.Context, b script.Batch) (script.BatchReply, error) {
	return w.set(b)
}

func (w *wrapper) SetVariables(_ context.Context, b script.Batch) (script.BatchReply, error) {
	return w.variables(b)
}

func (w *wrapper) Pause(context.Context) error  { w.paused <- true; return nil }
func (w *wrapper) Resume(context.Context) error { w.paused <- false; return nil }

// started returns a wrapper's run that has declared lr and temperature.
func started(t *testing.T, w *wrapper, parameters map[string]any) *sdktest.Run {
	t.Helper()
	w.description = script.Description{Capabilities: []string{script.CapabilityDynamic}}
	w.run = func(ctx context.Context, s *sdk.Session) error {
		s.SetPID(4711)
		s.Declare(script.Description{
			Parameters: []script.ParameterSpec{{Name: "lr", Type: script.TypeFloat, Default: script.Float(0.1), Max: script.Float(1)}},
			Variables:  []script.VariableSpec{{Name: "temperature", Type: script.TypeFloat}},
		}, nil)
		s.Emit(script.ParametersChanged{Changes: []script.Change{
			{Name: "lr", Old: script.Float(0.1), New: script.Float(0.3), Status: script.Applied, Step: -1},
		}})
		s.Emit(script.Stepped{Step: 5})
		s.Emit(script.Samples{Samples: []script.Sample{{Name: "loss", Step: 5, Value: script.Float(1)}}})
		<-ctx.Done()
		return &sdk.Exit{Code: 143}
	}
	run := sdktest.Start(t, w, sdktest.Options{Name: "py", Parameters: parameters})
	run.WaitSample("loss", func(script.Value) bool { return true })
	return run
}

func TestWrapperReportsForItsScript(t *testing.T) {
	run := started(t, &wrapper{}, map[string]any{"lr": 1, "other": "kept"})
	running := run.WaitFor("the script's process", func(e script.Event) bool {
		s, ok := e.Body.(script.StateChanged)
		return ok && s.PID == 4711
	}).Body.(script.StateChanged)
	if running.State != script.Running {
		t.Errorf("state %+v", running)
	}
	changed := run.WaitFor("a change", func(e script.Event) bool {
		_, ok := e.Body.(script.ParametersChanged)
		return ok
	}).Body.(script.ParametersChanged)
	if changed.Revision != 1 || changed.Author != "script:py" {
		t.Errorf("change %+v", changed)
	}
	described := run.WaitFor("a description", func(e script.Event) bool {
		_, ok := e.Body.(script.Described)
		return ok
	}).Body.(script.Described)
	if diff := cmp.Diff(map[string]script.Value{"lr": script.Float(1)}, described.Values); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	run.Stop()
	if end := run.Wait(script.Stopped); *end.ExitCode != 143 {
		t.Errorf("exit code %d", *end.ExitCode)
	}
}

func TestWrapperDecidesWhatHappened(t *testing.T) {
	asked := make(chan script.Batch, 3)
	w := &wrapper{set: func(b script.Batch) (script.BatchReply, error) {
		asked <- b
		switch v, _ := b.Values["lr"].Float(); v {
		case 0.5:
			return script.BatchReply{Revision: 99, Outcomes: []script.Outcome{
				{Name: "lr", Status: script.Applied, Value: script.Float(0.4), Step: 12},
			}}, nil
		case 0.6:
			return script.BatchReply{Outcomes: []script.Outcome{{Name: "lr", Status: script.Rejected, Reason: "the script says no"}}}, nil
		}
		return script.BatchReply{}, errors.New("the script is gone")
	}}
	run := started(t, w, nil)
	reply := run.Set(map[string]any{"lr": 0.5})
	want := script.BatchReply{Revision: 2, Outcomes: []script.Outcome{
		{Name: "lr", Status: script.Applied, Old: script.Float(0.3), Value: script.Float(0.4), Step: 12},
	}}
	if diff := cmp.Diff(want, reply); diff != "" {
		t.Errorf("reply (-want +got):\n%s", diff)
	}
	if reply := run.Set(map[string]any{"lr": 0.6}); statuses(reply) != "lr=rejected" || reply.Revision != 2 {
		t.Errorf("reply %+v", reply)
	}
	_, err := run.Client.SetParameters(t.Context(), script.Batch{ID: "b", Values: map[string]script.Value{"lr": script.Float(0.7)}})
	if script.CodeOf(err) != script.CodeInternal {
		t.Errorf("the wrapper's error arrives as %v", err)
	}
	if reply := run.Set(map[string]any{"lr": 2}); statuses(reply) != "lr=rejected" || len(asked) != 3 {
		t.Errorf("a value out of range gives %+v and %d questions to the script", reply, len(asked))
	}
}

func TestWrapperSetsVariables(t *testing.T) {
	w := &wrapper{variables: func(b script.Batch) (script.BatchReply, error) {
		return script.BatchReply{Outcomes: []script.Outcome{{Name: "temperature", Status: script.Applied, Value: b.Values["temperature"]}}}, nil
	}}
	run := started(t, w, nil)
	reply := run.SetVariables(map[string]any{"temperature": 2})
	if statuses(reply) != "temperature=applied" || reply.Revision != 1 || !reply.Outcomes[0].Value.Equal(script.Float(2)) {
		t.Errorf("reply %+v", reply)
	}
}

func TestWrapperPauses(t *testing.T) {
	w := &wrapper{paused: make(chan bool, 1)}
	run := started(t, w, nil)
	run.Pause()
	if !<-w.paused {
		t.Error("it was resumed")
	}
	run.Wait(script.Paused)
	run.Resume()
	if <-w.paused {
		t.Error("it was paused")
	}
}

// A host that comes back finds every event once.
func TestHostComesBack(t *testing.T) {
	next := make(chan struct{})
	s := &fake{run: func(_ context.Context, s *sdk.Session) error {
		for i := range 3000 {
			if i == 1500 {
				<-next
			}
			s.Set("x", i)
			s.Result("last", i)
		}
		return nil
	}}
	run := sdktest.Start(t, s, sdktest.Options{Detached: true})
	ctx, cancel := context.WithCancel(t.Context())
	gone := run.Attach(ctx, 0)
	run.WaitSample("x", func(v script.Value) bool { n, _ := v.Int(); return n == 1400 })
	cancel()
	<-gone
	close(next)
	<-run.Plugin.Done()
	events := run.Events()
	<-run.Attach(t.Context(), events[len(events)-1].Seq)
	run.Wait(script.Finished)
	checkNumbers(t, run.Events())
	if n := len(run.Samples("x")); n != 3000 {
		t.Errorf("%d samples, want 3000", n)
	}
}
