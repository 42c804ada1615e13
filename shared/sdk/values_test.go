package sdk_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk"
	"github.com/mlhost/mlhost/shared/sdk/sdktest"
)

// statuses renders a reply as NAME=STATUS, in order.
func statuses(r script.BatchReply) string {
	var parts []string
	for _, o := range r.Outcomes {
		parts = append(parts, o.Name+"="+string(o.Status))
	}
	return strings.Join(parts, " ")
}

func TestSetParameters(t *testing.T) {
	tests := map[string]struct {
		values   map[string]any
		statuses string
		revision uint64
		reason   string
	}{
		"live":        {map[string]any{"lr": 0.2}, "lr=applied", 8, ""},
		"restart":     {map[string]any{"workers": 2}, "workers=needs_restart", 7, ""},
		"mixed":       {map[string]any{"lr": 0.2, "workers": 2, "momentum": 0.1}, "lr=applied momentum=pending workers=needs_restart", 8, ""},
		"fixed":       {map[string]any{"data": "wine"}, "data=rejected", 7, "fixed while the run lasts"},
		"one bad":     {map[string]any{"lr": 0.2, "steps": 1.5}, "lr=rejected steps=rejected", 7, "nothing was set, because steps was rejected"},
		"unknown":     {map[string]any{"momentun": 1}, "momentun=rejected", 7, `there is no parameter "momentun" (did you mean "momentum"?)`},
		"validator":   {map[string]any{"lr": 1, "momentum": 0.9}, "lr=rejected momentum=rejected", 7, "lr and momentum together exceed 1.5"},
		"int is fine": {map[string]any{"lr": 0}, "lr=applied", 8, ""},
		"nothing":     {map[string]any{}, "", 7, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			run := sdktest.Start(t, &trainer{}, sdktest.Options{Revision: 7})
			reply := run.Set(test.values)
			if got := statuses(reply); got != test.statuses || reply.Revision != test.revision {
				t.Errorf("got %q at revision %d, want %q at %d", got, reply.Revision, test.statuses, test.revision)
			}
			if test.reason != "" && reply.Outcomes[0].Reason != test.reason {
				t.Errorf("reason %q, want %q", reply.Outcomes[0].Reason, test.reason)
			}
		})
	}
}

func TestRevisionAndBatchID(t *testing.T) {
	run := sdktest.Start(t, &trainer{}, sdktest.Options{})
	zero, one := uint64(0), uint64(1)
	first := script.Batch{ID: "b1", Values: map[string]script.Value{"lr": script.Float(0.3)}, IfRevision: &zero}
	reply, err := run.Client.SetParameters(t.Context(), first)
	if err != nil || reply.Revision != 1 {
		t.Fatalf("reply %+v, %v", reply, err)
	}
	again, err := run.Client.SetParameters(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(reply, again); diff != "" {
		t.Errorf("the same batch has another reply the second time:\n%s", diff)
	}
	second := script.Batch{ID: "b2", Values: map[string]script.Value{"lr": script.Float(0.4)}, IfRevision: &zero}
	if _, err := run.Client.SetParameters(t.Context(), second); script.CodeOf(err) != script.CodeConflict {
		t.Errorf("a set on an old revision gives %v", err)
	}
	second.IfRevision = &one
	if reply, err := run.Client.SetParameters(t.Context(), second); err != nil || reply.Revision != 2 {
		t.Errorf("the same batch on the right revision gives %+v, %v", reply, err)
	}
}

func TestCallbacks(t *testing.T) {
	var mu sync.Mutex
	var calls []string
	note := func(name string) func(old, new script.Value) {
		return func(old, new script.Value) {
			mu.Lock()
			defer mu.Unlock()
			calls = append(calls, name+" "+old.String()+"→"+new.String())
		}
	}
	s := &fake{description: (&trainer{}).Describe(), run: func(ctx context.Context, s *sdk.Session) error {
		s.OnChange("lr", func(_, new script.Value) {
			if f, _ := new.Float(); f > 0.25 {
				if err := s.SetParameter("lr", 0.25); err != nil {
					t.Error(err)
				}
				if s.Float("lr") != 0.25 {
					t.Errorf("lr is %v at once, want 0.25", s.Float("lr"))
				}
			}
		})
		s.OnChange("lr", note("lr"))
		s.OnChange("steps", func(_, _ script.Value) { panic("no") })
		s.OnChange("steps", note("steps"))
		s.Set("loss", 1)
		<-ctx.Done()
		return ctx.Err()
	}}
	run := sdktest.Start(t, s, sdktest.Options{Name: "tr"})
	run.WaitSample("loss", func(script.Value) bool { return true })
	reply := run.Set(map[string]any{"lr": 0.5, "steps": 3})
	if statuses(reply) != "lr=applied steps=applied" || reply.Revision != 1 {
		t.Errorf("reply %+v", reply)
	}
	own := run.WaitFor("the script's own change", func(e script.Event) bool {
		_, ok := e.Body.(script.ParametersChanged)
		return ok
	}).Body.(script.ParametersChanged)
	want := script.ParametersChanged{Revision: 2, Author: "script:tr", Changes: []script.Change{
		{Name: "lr", Old: script.Float(0.5), New: script.Float(0.25), Status: script.Applied},
	}}
	if diff := cmp.Diff(want, own); diff != "" {
		t.Errorf("change (-want +got):\n%s", diff)
	}
	warning := run.WaitFor("a warning", func(e script.Event) bool {
		_, ok := e.Body.(script.Warned)
		return ok
	}).Body.(script.Warned)
	if warning.Text != "a callback of steps panicked: no" {
		t.Errorf("warning %q", warning.Text)
	}
	run.Stop()
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff([]string{"lr 0.1→0.5", "steps 0→3", "lr 0.5→0.25"}, calls); diff != "" {
		t.Errorf("callbacks (-want +got):\n%s", diff)
	}
}

func TestCallbacksThatNeverEnd(t *testing.T) {
	refused := make(chan error, 1)
	s := &fake{description: (&trainer{}).Describe(), run: func(ctx context.Context, s *sdk.Session) error {
		s.OnChange("steps", func(_, new script.Value) {
			n, _ := new.Int()
			if err := s.SetParameter("steps", n+1); err != nil {
				refused <- err
			}
		})
		s.Set("loss", 1)
		<-ctx.Done()
		return ctx.Err()
	}}
	run := sdktest.Start(t, s, sdktest.Options{})
	run.WaitSample("loss", func(script.Value) bool { return true })
	run.Set(map[string]any{"steps": 1})
	if err := <-refused; script.CodeOf(err) != script.CodeRejected {
		t.Errorf("the last set gives %v", err)
	}
}

func TestOwnChangesOfParameters(t *testing.T) {
	problems := make(chan error, 3)
	s := &fake{description: (&trainer{}).Describe(), run: func(_ context.Context, s *sdk.Session) error {
		problems <- s.SetParameter("lr", 5)
		problems <- s.SetParameter("lrr", 0.5)
		problems <- s.SetParameters(map[string]any{"lr": 0.5, "data": "wine"})
		return nil
	}}
	run := sdktest.Start(t, s, sdktest.Options{})
	run.Wait(script.Finished)
	if err := <-problems; script.CodeOf(err) != script.CodeRejected {
		t.Errorf("a value out of range gives %v", err)
	}
	if err := <-problems; script.CodeOf(err) != script.CodeNotFound {
		t.Errorf("an unknown name gives %v", err)
	}
	if err := <-problems; err != nil {
		t.Error(err)
	}
}

func TestAtStep(t *testing.T) {
	steps := make(chan struct{})
	seen := make(chan float64, 10)
	s := &fake{description: (&trainer{}).Describe(), run: func(ctx context.Context, s *sdk.Session) error {
		for range steps {
			seen <- s.Float("lr")
			if err := s.Step(ctx); err != nil {
				return err
			}
		}
		return nil
	}}
	run := sdktest.Start(t, s, sdktest.Options{})
	at := int64(2)
	reply, err := run.Client.SetParameters(t.Context(), script.Batch{Values: map[string]script.Value{"lr": script.Float(0.7)}, AtStep: &at})
	if err != nil || statuses(reply) != "lr=pending" || reply.Outcomes[0].Step != 2 {
		t.Fatalf("reply %+v, %v", reply, err)
	}
	for i := range 4 {
		steps <- struct{}{}
		want := 0.1
		if i >= 2 {
			want = 0.7
		}
		if got := <-seen; got != want {
			t.Errorf("lr at step %d is %v, want %v", i, got, want)
		}
	}
	close(steps)
	run.Wait(script.Finished)
}

func TestStepThatDoesNotCome(t *testing.T) {
	steps := make(chan struct{})
	s := &fake{description: (&trainer{}).Describe(), run: func(ctx context.Context, s *sdk.Session) error {
		<-steps
		s.Emit(script.ParametersObserved{Name: "lr", Value: script.Float(0.1), Step: 0}) // still the one before
		return s.Step(ctx)
	}}
	run := sdktest.Start(t, s, sdktest.Options{})
	at := int64(60)
	if _, err := run.Client.SetParameters(t.Context(), script.Batch{Author: "user:me", Values: map[string]script.Value{"lr": script.Float(0.7)}, AtStep: &at}); err != nil {
		t.Fatal(err)
	}
	close(steps)
	run.Wait(script.Finished)
	var changed []script.ParametersChanged
	for _, e := range run.Events() {
		if c, ok := e.Body.(script.ParametersChanged); ok {
			changed = append(changed, c)
		}
	}
	want := script.ParametersChanged{Revision: 1, Author: "user:me", Changes: []script.Change{
		{Name: "lr", Old: script.Float(0.1), New: script.Float(0.7), Status: script.NeedsRestart, Step: -1},
	}}
	if len(changed) != 1 || !cmp.Equal(changed[0], want) {
		t.Errorf("got %+v, want %+v", changed, want)
	}
}

func TestSetVariables(t *testing.T) {
	run := sdktest.Start(t, &trainer{}, sdktest.Options{})
	if got := run.SetVariables(map[string]any{"temperature": 2}); statuses(got) != "temperature=applied" || !got.Outcomes[0].Value.Equal(script.Float(2)) {
		t.Errorf("reply %+v", got)
	}
	run.WaitSample("temperature", func(v script.Value) bool { return v.Equal(script.Float(2)) })
	if got := run.SetVariables(map[string]any{"loss": 2, "temperature": 3}); statuses(got) != "loss=rejected temperature=rejected" {
		t.Errorf("reply %+v", got)
	}
	if got := run.SetVariables(map[string]any{"temp": 2}); statuses(got) != "temp=rejected" {
		t.Errorf("reply %+v", got)
	}
	if got := run.SetVariables(map[string]any{"temperature": "hot"}); statuses(got) != "temperature=rejected" {
		t.Errorf("reply %+v", got)
	}
}

func TestUndeclaredVariableIsDeclared(t *testing.T) {
	s := &fake{run: func(_ context.Context, s *sdk.Session) error {
		s.Set("grad_norm", 1.5)
		s.Set("bad", make(chan int))
		s.Set("bad", make(chan int))
		return nil
	}}
	run := sdktest.Start(t, s, sdktest.Options{})
	run.Wait(script.Finished)
	d := run.WaitFor("the description", func(e script.Event) bool {
		_, ok := e.Body.(script.Described)
		return ok
	}).Body.(script.Described)
	if v := d.Description.Variables; len(v) != 1 || v[0].Name != "grad_norm" || v[0].Type != script.TypeFloat {
		t.Errorf("variables %+v", v)
	}
	warnings := 0
	for _, e := range run.Events() {
		if _, ok := e.Body.(script.Warned); ok {
			warnings++
		}
	}
	if warnings != 1 {
		t.Errorf("%d warnings, want 1", warnings)
	}
}

func TestValidate(t *testing.T) {
	run := sdktest.Start(t, &trainer{}, sdktest.Options{})
	for name, test := range map[string]struct {
		values map[string]script.Value
		want   string
	}{
		"fine":      {nil, ""},
		"bad type":  {map[string]script.Value{"lr": script.Bool(true)}, "parameter lr: wants a float, got a bool (true)"},
		"bad pair":  {map[string]script.Value{"lr": script.Float(1)}, "lr and momentum together exceed 1.5"},
		"not there": {map[string]script.Value{"l": script.Float(1)}, `there is no parameter "l"`},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := run.Client.Validate(t.Context(), test.values)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, d := range found {
				got += d.Summary
			}
			if got != test.want {
				t.Errorf("diagnostics %q, want %q", got, test.want)
			}
		})
	}
}

func TestValidatorThatPanics(t *testing.T) {
	s := &fake{description: (&trainer{}).Describe()}
	run := sdktest.Start(t, s, sdktest.Options{})
	s2 := run.Set(map[string]any{"lr": 0.2})
	if s2.Rejected() {
		t.Fatalf("reply %+v", s2)
	}
	bad := &fake{description: s.description}
	broken := false
	bad.validate = func(map[string]script.Value) error {
		if broken {
			panic("oh")
		}
		broken = true
		return nil
	}
	run = sdktest.Start(t, bad, sdktest.Options{})
	reply := run.Set(map[string]any{"lr": 0.2})
	if !reply.Rejected() || !strings.Contains(reply.Outcomes[0].Reason, "panicked: oh") {
		t.Errorf("reply %+v", reply)
	}
}
