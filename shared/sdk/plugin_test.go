package sdk_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk"
	"github.com/mlhost/mlhost/shared/sdk/sdktest"
	"github.com/mlhost/mlhost/shared/wire"
)

func TestRunToItsEnd(t *testing.T) {
	run := sdktest.Start(t, &trainer{}, sdktest.Options{Parameters: map[string]any{"steps": 600}})
	end := run.Wait(script.Finished)
	if end.ExitCode == nil || *end.ExitCode != 0 {
		t.Errorf("exit code %v, want 0", end.ExitCode)
	}
	losses := run.Samples("loss")
	if len(losses) != 600 {
		t.Fatalf("%d samples of loss, want 600", len(losses))
	}
	for i, s := range losses {
		if s.Step != int64(i) || !s.Value.Equal(script.Float(1/float64(i+1))) {
			t.Fatalf("sample %d is %v at step %d", i, s.Value, s.Step)
		}
	}
	if got := run.Result("accuracy"); !got.Equal(script.Float(0.97)) {
		t.Errorf("accuracy is %v", got)
	}
	checkNumbers(t, run.Events())
	exit, err := wire.ReadExit(run.RunDir())
	if err != nil {
		t.Fatal(err)
	}
	events := run.Events()
	if exit.State != script.Finished || exit.Run != "testrun" || *exit.ExitCode != 0 || exit.LastSeq != events[len(events)-1].Seq {
		t.Errorf("exit record %+v", exit)
	}
}

// checkNumbers checks that the numbers have neither gap nor double.
func checkNumbers(t *testing.T, events []script.Event) {
	t.Helper()
	for i, e := range events {
		if e.Seq != uint64(i+1) {
			t.Fatalf("event %d (%s) has number %d", i, script.KindOf(e.Body), e.Seq)
		}
	}
}

func TestEndsOfRuns(t *testing.T) {
	tests := map[string]struct {
		run    func(ctx context.Context, s *sdk.Session) error
		state  script.State
		reason string
		code   int
	}{
		"error":     {func(context.Context, *sdk.Session) error { return errors.New("no data") }, script.Failed, "no data", 1},
		"panic":     {func(context.Context, *sdk.Session) error { panic("index out of range") }, script.Failed, "panicked: index out of range", 1},
		"exit code": {func(context.Context, *sdk.Session) error { return &sdk.Exit{Code: 139} }, script.Failed, "exit code 139", 139},
		"exit zero": {func(context.Context, *sdk.Session) error { return &sdk.Exit{} }, script.Finished, "", 0},
		"fail": {func(ctx context.Context, s *sdk.Session) error {
			s.Fail("value does not fit")
			return ctx.Err()
		}, script.Failed, "value does not fit", 1},
		"typo": {func(_ context.Context, s *sdk.Session) error {
			s.Float("lrr")
			return nil
		}, script.Failed, `panicked: there is no parameter "lrr" (did you mean "lr"?)`, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := script.Description{Parameters: []script.ParameterSpec{{Name: "lr", Type: script.TypeFloat}}}
			run := sdktest.Start(t, &fake{description: d, run: test.run}, sdktest.Options{})
			end := run.Wait(test.state)
			if end.Reason != test.reason || *end.ExitCode != test.code {
				t.Errorf("reason %q code %d, want %q and %d", end.Reason, *end.ExitCode, test.reason, test.code)
			}
		})
	}
}

func TestStop(t *testing.T) {
	run := sdktest.Start(t, &trainer{}, sdktest.Options{})
	run.WaitSample("loss", func(script.Value) bool { return true })
	run.Stop()
	if end := run.Wait(script.Stopped); end.Reason != "stopped by the test" {
		t.Errorf("reason %q", end.Reason)
	}
	id, err := run.Client.Identify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if id.State != script.Stopped || id.Run != "testrun" || id.SHA256 == "" || id.Nonce == "" {
		t.Errorf("identity %+v", id)
	}
	if _, err := run.Client.SetParameters(t.Context(), script.Batch{}); script.CodeOf(err) != script.CodeUnavailable {
		t.Errorf("a set after the end gives %v", err)
	}
}

func TestPause(t *testing.T) {
	run := sdktest.Start(t, &trainer{}, sdktest.Options{})
	run.Pause()
	run.Wait(script.Paused)
	reply := run.Set(map[string]any{"momentum": 0.5})
	if o := reply.Outcomes[0]; o.Status != script.Pending {
		t.Errorf("outcome %+v, want pending", o)
	}
	before, _ := run.Client.Identify(t.Context())
	if before.State != script.Paused {
		t.Errorf("state %s", before.State)
	}
	run.Resume()
	seen := run.WaitFor("momentum in use", func(e script.Event) bool {
		_, ok := e.Body.(script.ParametersObserved)
		return ok
	})
	if o := seen.Body.(script.ParametersObserved); o.Name != "momentum" || !o.Value.Equal(script.Float(0.5)) || o.Overwritten {
		t.Errorf("observed %+v", o)
	}
}

func TestPauseOfAScriptThatTakesNoStep(t *testing.T) {
	run := sdktest.Start(t, &fake{}, sdktest.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	paused := make(chan error, 1)
	go func() { paused <- run.Client.Pause(ctx) }()
	cancel()
	if err := <-paused; !errors.Is(err, context.Canceled) {
		t.Errorf("pause gives %v", err)
	}
	run.Stop()
	run.Wait(script.Stopped)
}

func TestBadStarts(t *testing.T) {
	tests := map[string]struct {
		parameters map[string]any
		code       script.Code
		text       string
	}{
		"unknown":       {map[string]any{"learning": 1}, script.CodeNotFound, `there is no parameter "learning"`},
		"typo":          {map[string]any{"stps": 1}, script.CodeNotFound, `did you mean "steps"?`},
		"type":          {map[string]any{"steps": "many"}, script.CodeRejected, `parameter steps: wants an int, got the string "many"`},
		"range":         {map[string]any{"lr": 2}, script.CodeRejected, "above the maximum"},
		"two that bite": {map[string]any{"lr": 0.9, "momentum": 0.9}, script.CodeRejected, "together exceed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			run := sdktest.Start(t, &trainer{}, sdktest.Options{Parameters: test.parameters, Unstarted: true})
			err := run.TryBegin()
			if script.CodeOf(err) != test.code || !strings.Contains(err.Error(), test.text) {
				t.Errorf("start gives %v", err)
			}
		})
	}
}

func TestHeartbeat(t *testing.T) {
	run := sdktest.Start(t, &fake{}, sdktest.Options{})
	run.Wait(script.Running)
	if run.Heartbeats() == 0 {
		t.Error("the first heartbeat did not come at once")
	}
}
