package registry

import (
	"math"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

func spec(name string, t script.Type, def script.Value, change ...func(*script.ParameterSpec)) script.ParameterSpec {
	p := script.ParameterSpec{Name: name, Type: t, Default: def}
	for _, c := range change {
		c(&p)
	}
	return p
}

func mutability(m script.Mutability) func(*script.ParameterSpec) {
	return func(p *script.ParameterSpec) { p.Mutability = m }
}

var description = script.Description{
	Name: "trainer",
	Parameters: []script.ParameterSpec{
		spec("lr", script.TypeFloat, script.Float(0.1), func(p *script.ParameterSpec) { p.Min, p.Max = script.Float(0), script.Float(1) }),
		spec("batch", script.TypeInt, script.Int(32), mutability(script.Restart)),
		spec("seed", script.TypeInt, script.Int(1), mutability(script.Fixed)),
		spec("decay", script.TypeFloat, script.Float(0), mutability(script.Boundary)),
		spec("mode", script.TypeString, script.String("fast"), func(p *script.ParameterSpec) {
			p.Choices, p.Deprecated = []script.Value{script.String("fast"), script.String("exact")}, "use speed"
		}),
	},
	Variables: []script.VariableSpec{
		{Name: "loss", Type: script.TypeFloat, ReadOnly: true}, {Name: "temperature", Type: script.TypeFloat},
	},
}

var start = time.Unix(1000, 0)

func event(run string, body script.Body) script.Event {
	return script.Event{Script: "trainer", Run: run, Time: start, Body: body}
}

// running returns a registry in which trainer runs.
func running(t *testing.T) *Registry {
	t.Helper()
	r := New()
	r.now = func() time.Time { return start.Add(90 * time.Second) }
	r.Define("trainer", Info{Managed: true, Plugin: "interpreter", Description: &description, Values: map[string]script.Value{"lr": script.Float(0.5)}})
	r.Define("evaluator", Info{Managed: true})
	r.Apply(
		event("r1", script.StateChanged{State: script.Starting}),
		event("r1", script.RunStarted{Parameters: map[string]script.Value{"lr": script.Float(0.5)}, Revision: 3, Binary: "abc", Attempt: 2}),
		event("r1", script.StateChanged{State: script.Running, PID: 7, PluginPID: 8}),
	)
	return r
}

func get(t *testing.T, r *Registry) Script {
	t.Helper()
	s, ok := r.Script("trainer")
	if !ok {
		t.Fatal("trainer is unknown")
	}
	return s
}

func value(t *testing.T, r *Registry, name string) script.Value {
	t.Helper()
	s := get(t, r)
	p, ok := s.Parameter(name)
	if !ok {
		t.Fatalf("there is no %s", name)
	}
	return p.Value
}

func TestLifeOfARun(t *testing.T) {
	r := running(t)
	r.Apply(
		event("r1", script.Stepped{Step: 4}),
		event("r1", script.Progress{Done: 4, Total: 10}),
		event("r1", script.Samples{Samples: []script.Sample{
			{Name: "loss", Step: 5, Time: start, Value: script.Float(math.NaN())}, {Name: "new", Step: 5, Time: start, Value: script.Int(1)},
		}}),
		event("r1", script.ResultSet{Name: "acc", Value: script.Float(0.5)}),
		event("r1", script.ResultSet{Name: "acc", Value: script.Float(0.6)}),
		event("r0", script.ResultSet{Name: "late", Value: script.Float(1)}),
		event("r0", script.StateChanged{State: script.Failed}),
	)
	s := get(t, r)
	if s.State != script.Running || s.Run != "r1" || s.PID != 7 || s.PluginPID != 8 || s.Restarts != 2 || s.Step != 5 ||
		s.SHA256 != "abc" || s.Plugin != "interpreter" || s.Uptime != 90 || s.Progress.Total != 10 || s.Revision != 3 {
		t.Errorf("script is %+v", s)
	}
	if len(s.Results) != 1 || !s.Results[0].Value.Equal(script.Float(0.6)) {
		t.Errorf("results are %+v", s.Results)
	}
	if v, ok := s.Variable("new"); !ok || !v.ReadOnly || v.Type != script.TypeInt {
		t.Errorf("new is %+v", v)
	}
	if v, step, ok := r.VariableValue("trainer", "loss"); !ok || step != 5 || !v.Equal(script.Float(math.NaN())) {
		t.Errorf("loss is %v at %d, %v", v, step, ok)
	}
	if _, _, ok := r.VariableValue("trainer", "temperature"); ok {
		t.Error("temperature has a value")
	}
	code := 0
	end := event("r1", script.StateChanged{State: script.Finished, ExitCode: &code})
	end.Time = start.Add(30 * time.Second)
	r.Apply(end, event("r1", script.ResultSet{Name: "last", Value: script.Int(1)}))
	s = get(t, r)
	if s.State != script.Finished || s.PID != 0 || s.Uptime != 30 || s.ExitCode == nil || len(s.Results) != 2 {
		t.Errorf("script is %+v", s)
	}
	r.Apply(event("r2", script.StateChanged{State: script.Starting}), event("r2", script.RunStarted{Revision: 4}))
	s = get(t, r)
	if s.Run != "r2" || !s.Finished.IsZero() || s.ExitCode != nil || len(s.Results) != 0 || s.Step != -1 || s.Progress != nil {
		t.Errorf("script is %+v", s)
	}
	if v, _ := s.Variable("loss"); !v.Value.IsNull() {
		t.Errorf("loss is %+v", v)
	}
	if _, ok := s.Variable("new"); ok {
		t.Error("an undeclared variable outlasted its run")
	}
}

func TestRevisions(t *testing.T) {
	r := running(t)
	change := func(revision uint64, name string, v script.Value, status script.OutcomeStatus) script.Event {
		return event("r1", script.ParametersChanged{Revision: revision, Changes: []script.Change{{Name: name, New: v, Status: status}}})
	}
	r.Apply(change(5, "lr", script.Float(0.3), script.Applied), change(4, "lr", script.Float(0.2), script.Applied))
	if v := value(t, r, "lr"); !v.Equal(script.Float(0.3)) {
		t.Errorf("lr is %v", v)
	}
	r.Apply(change(5, "batch", script.Int(64), script.NeedsRestart))
	s := get(t, r)
	if p, _ := s.Parameter("batch"); !p.Value.Equal(script.Int(32)) || p.Next == nil || !p.Next.Equal(script.Int(64)) {
		t.Errorf("batch is %+v", p)
	}
	r.Apply(event("r1", script.ParametersObserved{Name: "lr", Value: script.Float(0.25), Overwritten: true}))
	if v := value(t, r, "lr"); !v.Equal(script.Float(0.25)) {
		t.Errorf("lr is %v", v)
	}
	r.Apply(event("r1", script.StateChanged{State: script.Stopped}), change(6, "lr", script.Float(0.9), script.NeedsRestart))
	if v := value(t, r, "lr"); !v.Equal(script.Float(0.9)) || get(t, r).Revision != 6 {
		t.Errorf("lr is %v", v)
	}
}

// What the script told before a set may come in after it.
func TestLateDescriptionUndoesNoSet(t *testing.T) {
	r := running(t)
	late := event("r1", script.Described{Description: description, Values: map[string]script.Value{"lr": script.Float(0.5)}})
	r.Apply(event("r1", script.ParametersChanged{Revision: 5, Changes: []script.Change{{Name: "lr", New: script.Float(0.3), Status: script.Applied}}}), late)
	if v := value(t, r, "lr"); !v.Equal(script.Float(0.3)) {
		t.Errorf("lr is %v", v)
	}
	r.Apply(event("r1", script.StateChanged{State: script.Stopped}), event("r2", script.RunStarted{Revision: 5}))
	r.Apply(event("r2", script.Described{Description: description, Values: map[string]script.Value{"lr": script.Float(0.4)}}))
	if v := value(t, r, "lr"); !v.Equal(script.Float(0.4)) {
		t.Errorf("in the next run lr is %v", v)
	}
}

func TestDescriptions(t *testing.T) {
	r := running(t)
	r.Define("trainer", Info{Managed: true, Specs: []script.ParameterSpec{
		{Name: "lr", Max: script.Float(0.6)}, {Name: "waiting", Type: script.TypeInt, Default: script.Int(3)},
	}})
	grown := description
	grown.Parameters = append(grown.Parameters[:2:2], spec("extra", script.TypeAny, script.Null()))
	r.Apply(event("r1", script.Described{Description: grown, Values: map[string]script.Value{"extra": script.Int(9)}}))
	s := get(t, r)
	var names []string
	for _, p := range s.Parameters {
		names = append(names, p.Spec.Name)
	}
	if got := strings.Join(names, " "); got != "lr batch extra waiting" {
		t.Errorf("parameters are %s", got)
	}
	if p, _ := s.Parameter("lr"); !p.Spec.Max.Equal(script.Float(0.6)) || !p.Spec.Min.Equal(script.Float(0)) || !p.Value.Equal(script.Float(0.5)) {
		t.Errorf("lr is %+v", p)
	}
	if p, _ := s.Parameter("extra"); !p.Value.Equal(script.Int(9)) {
		t.Errorf("extra is %+v", p)
	}
	if p, _ := s.Parameter("waiting"); !p.Value.Equal(script.Int(3)) {
		t.Errorf("waiting is %+v", p)
	}
}

func TestCheckBatch(t *testing.T) {
	float, integer, text := script.Float, script.Int, script.String
	step, revision := int64(9), uint64(2)
	for name, c := range map[string]struct {
		batch    script.Batch
		outcomes string
		code     script.Code
		says     string
	}{
		"applied":       {script.Batch{Values: map[string]script.Value{"lr": integer(1)}}, "lr=applied", "", ""},
		"restart":       {script.Batch{Values: map[string]script.Value{"batch": integer(8)}}, "batch=needs_restart", "", ""},
		"at step":       {script.Batch{Values: map[string]script.Value{"lr": float(1)}, AtStep: &step}, "lr=pending", "", ""},
		"fixed":         {script.Batch{Values: map[string]script.Value{"seed": integer(2)}}, "seed=rejected", script.CodeRejected, "fixed while the run lasts"},
		"range":         {script.Batch{Values: map[string]script.Value{"lr": float(2)}}, "lr=rejected", script.CodeRejected, "above the maximum"},
		"type":          {script.Batch{Values: map[string]script.Value{"batch": text("x")}}, "batch=rejected", script.CodeRejected, "wants an int"},
		"nan":           {script.Batch{Values: map[string]script.Value{"lr": float(math.NaN())}}, "lr=rejected", script.CodeRejected, "finite"},
		"choice":        {script.Batch{Values: map[string]script.Value{"mode": text("fats")}}, "mode=rejected", script.CodeRejected, `did you mean "fast"?`},
		"unknown":       {script.Batch{Values: map[string]script.Value{"bach": integer(1)}}, "bach=rejected", script.CodeNotFound, `did you mean "batch"?`},
		"all problems":  {script.Batch{Values: map[string]script.Value{"lr": float(2), "seed": integer(2), "batch": integer(2)}}, "batch=needs_restart lr=rejected seed=rejected", script.CodeRejected, "fixed while the run lasts"},
		"revision":      {script.Batch{Values: map[string]script.Value{"lr": float(1)}, IfRevision: &revision}, "lr=applied", script.CodeConflict, "the revision is 3, not 2"},
		"nothing":       {script.Batch{}, "", script.CodeUsage, "no parameter"},
		"owned":         {script.Batch{Values: map[string]script.Value{"decay": float(1)}, Author: "user:ann"}, "decay=rejected", script.CodeConflict, "--take"},
		"taken":         {script.Batch{Values: map[string]script.Value{"decay": float(1)}, Author: "user:ann", Take: true}, "decay=pending", "", ""},
		"by the owner":  {script.Batch{Values: map[string]script.Value{"decay": float(1)}, Author: "route:plateau"}, "decay=pending", "", ""},
		"by itself":     {script.Batch{Values: map[string]script.Value{"decay": float(1)}, Author: "script:trainer"}, "decay=pending", "", ""},
		"other route":   {script.Batch{Values: map[string]script.Value{"decay": float(1)}, Author: "route:other"}, "decay=rejected", script.CodeConflict, "owned by route:plateau"},
		"route, nobody": {script.Batch{Values: map[string]script.Value{"lr": float(1)}, Author: "route:other"}, "lr=rejected", script.CodeConflict, "does not own it"},
	} {
		t.Run(name, func(t *testing.T) {
			r := running(t)
			r.Apply(event("", script.OwnerChanged{Name: "decay", Owner: "route:plateau"}))
			outcomes, err := r.CheckBatch("trainer", c.batch)
			var got []string
			for _, o := range outcomes {
				got = append(got, o.Name+"="+string(o.Status))
				if (o.Status == script.Rejected || o.Status == script.NeedsRestart) != (o.Reason != "") && o.Name != "mode" {
					t.Errorf("outcome is %+v", o)
				}
			}
			if strings.Join(got, " ") != c.outcomes {
				t.Errorf("outcomes are %v", got)
			}
			if script.CodeOf(err) != c.code || (err != nil && !strings.Contains(err.Error(), c.says)) {
				t.Errorf("error is %v", err)
			}
		})
	}
	r := running(t)
	if _, err := r.CheckBatch("trianer", script.Batch{}); script.CodeOf(err) != script.CodeNotFound || !strings.Contains(err.Error(), `"trainer"`) {
		t.Errorf("unknown script: %v", err)
	}
	outcomes, err := r.CheckBatch("trainer", script.Batch{Values: map[string]script.Value{"lr": integer(1), "mode": text("exact")}})
	if err != nil || !outcomes[0].Value.Equal(float(1)) || !outcomes[0].Old.Equal(float(0.5)) || !strings.Contains(outcomes[1].Reason, "deprecated") {
		t.Errorf("outcomes are %+v, %v", outcomes, err)
	}
	r.Apply(event("r1", script.StateChanged{State: script.Stopped}))
	outcomes, err = r.CheckBatch("trainer", script.Batch{Values: map[string]script.Value{"lr": float(1), "seed": integer(4)}})
	if err != nil || outcomes[0].Status != script.NeedsRestart || outcomes[1].Status != script.NeedsRestart {
		t.Errorf("outcomes of one that does not run are %+v, %v", outcomes, err)
	}
	if outcomes[0].Reason != "trainer does not run now (stopped)" {
		t.Errorf("the reason is %q", outcomes[0].Reason)
	}
}

func TestCheckVariables(t *testing.T) {
	r := running(t)
	for name, c := range map[string]struct {
		variable string
		value    script.Value
		code     script.Code
	}{
		"good":      {"temperature", script.Int(3), ""},
		"read-only": {"loss", script.Float(1), script.CodeRejected},
		"type":      {"temperature", script.String("x"), script.CodeRejected},
		"unknown":   {"temprature", script.Float(1), script.CodeNotFound},
	} {
		outcomes, err := r.CheckVariables("trainer", script.Batch{Values: map[string]script.Value{c.variable: c.value}})
		if script.CodeOf(err) != c.code || len(outcomes) != 1 || (outcomes[0].Status == script.Rejected) != (c.code != "") {
			t.Errorf("%s: %+v, %v", name, outcomes, err)
		}
	}
	r.Apply(event("r1", script.StateChanged{State: script.Stopped}))
	if _, err := r.CheckVariables("trainer", script.Batch{Values: map[string]script.Value{"temperature": script.Float(1)}}); script.CodeOf(err) != script.CodeUnavailable {
		t.Errorf("one that does not run: %v", err)
	}
}

func TestRestore(t *testing.T) {
	r := running(t)
	r.Apply(event("r1", script.ResultSet{Name: "acc", Value: script.Float(0.5)}),
		event("r1", script.Samples{Samples: []script.Sample{{Name: "loss", Step: 5, Time: start, Value: script.Float(1)}}}),
		event("", script.OwnerChanged{Name: "lr", Owner: "user:ann"}))
	before := get(t, r)
	again := New()
	again.now = r.now
	again.Define("trainer", Info{Managed: true, Plugin: "interpreter"})
	again.Restore(before)
	after := get(t, again)
	if after.State != before.State || after.Run != before.Run || after.Revision != before.Revision || len(after.Parameters) != len(before.Parameters) ||
		len(after.Variables) != 2 || len(after.Results) != 1 || after.Owners["lr"] != "user:ann" || after.Uptime != before.Uptime || after.Step != 5 {
		t.Errorf("restored is %+v", after)
	}
	if v := value(t, again, "lr"); !v.Equal(script.Float(0.5)) {
		t.Errorf("lr is %v", v)
	}
}

// A change that waits for a step is not in use before that is told; one that
// names a step that has come is.
func TestPending(t *testing.T) {
	change := func(revision uint64, step int64, v float64) script.Event {
		return event("r1", script.ParametersChanged{Revision: revision, Author: "user:ann", Changes: []script.Change{
			{Name: "lr", New: script.Float(v), Status: script.Pending, Step: step}}})
	}
	r := running(t)
	was := value(t, r, "lr")
	check := func(what string, want, next script.Value) {
		t.Helper()
		p, _ := r.Parameter("trainer", "lr")
		got := script.Null()
		if p.Next != nil {
			got = *p.Next
		}
		if !p.Value.Equal(want) || !got.Equal(next) {
			t.Errorf("%s: lr is %v, and %v next; want %v and %v", what, p.Value, got, want, next)
		}
	}
	r.Apply(event("r1", script.Stepped{Step: 5}), change(8, -1, 0.2))
	check("for the next step", was, script.Float(0.2))
	r.Apply(change(9, 9, 0.3))
	check("for a later step", was, script.Float(0.3))
	r.Apply(event("r1", script.ParametersObserved{Name: "lr", Value: script.Float(0.3), Step: 9}))
	check("at that step", script.Float(0.3), script.Null())
	r.Apply(change(10, 5, 0.4))
	check("for a step that has come", script.Float(0.4), script.Null())
}

func TestUnmanaged(t *testing.T) {
	r := New()
	r.Apply(event("", script.Described{Description: description}), event("", script.StateChanged{State: script.Running}))
	s := get(t, r)
	if s.Managed || s.State != script.Running || len(s.Parameters) != 5 {
		t.Errorf("script is %+v", s)
	}
	if names := r.Names(); len(names) != 1 || len(r.Snapshot()) != 1 {
		t.Errorf("names are %v", names)
	}
	r.Remove("trainer")
	if _, ok := r.State("trainer"); ok {
		t.Error("trainer is still known")
	}
}

func TestManyAtOnce(t *testing.T) {
	r := running(t)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 200 {
				name := "v" + strconv.Itoa(w)
				r.Apply(event("r1", script.Samples{Samples: []script.Sample{{Name: name, Step: int64(i), Time: start, Value: script.Int(int64(i))}}}))
			}
		})
		wg.Go(func() {
			for range 200 {
				for _, s := range r.Snapshot() {
					_ = len(s.Variables)
				}
				if _, err := r.CheckBatch("trainer", script.Batch{Values: map[string]script.Value{"lr": script.Float(0.1)}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if v, _, _ := r.VariableValue("trainer", "v3"); !v.Equal(script.Int(199)) {
		t.Errorf("v3 is %v", v)
	}
}

func TestSamplesDoNotAllocate(t *testing.T) {
	r := running(t)
	e := event("r1", script.Samples{Samples: []script.Sample{{Name: "loss", Step: 1, Time: start, Value: script.Float(1)}}})
	events := []script.Event{e}
	if n := testing.AllocsPerRun(100, func() { r.Apply(events...) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
