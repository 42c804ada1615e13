package interpreter

import (
	"slices"
	"strings"
	"testing"

	"github.com/mlhost/mlhost/shared/script"
)

// found is a discovered parameter.
func found(name string, t script.Type, style string) script.LaunchParameter {
	return script.LaunchParameter{
		Spec:       script.ParameterSpec{Name: name, Type: t, Mutability: script.Restart, Confidence: script.Sure, Origin: script.Origin{File: "/x/train.py", Line: 4, Style: style}},
		Discovered: true, Dest: name, Argument: &script.Argument{Form: script.ArgValue, Flag: "--" + name},
	}
}

// What was found and not given is neither passed nor told as a value; what the
// script's parser lacks is taken back, and what only it has is told once.
func TestCatalogueAtARun(t *testing.T) {
	bash := needs(t, "bash")
	h := newHost(t)
	h.values["lr"] = script.Float(-1e-5)
	j := launch(t, h, bash, `
read -r start <&3
echo "$start"
echo "args $*"
cat >&3 <<END
{"op":"parameter","name":"lr","type":"float","default":0.1,"value":-1e-05,"mutability":"restart","style":"argparse"}
{"op":"parameter","name":"extra","type":"int","default":1,"mutability":"restart","style":"argparse"}
{"op":"parameter","name":"other","type":"int","default":1,"mutability":"restart","style":"argparse"}
{"op":"parameter","name":"optimizer.lr","type":"float","default":0.1,"mutability":"live","style":"torch"}
{"op":"parameter","name":"xgboost.gamma","type":"float","default":0,"mutability":"live","style":"xgboost"}
{"op":"forget","names":["gone","never"],"reason":"the script's parser does not have it"}
{"op":"step","step":1}
END
read -r line <fifo`, func(l *script.Launch) {
		l.Protocol = "lines"
		gone := found("gone", script.TypeInt, "argparse")
		l.Parameters = []script.LaunchParameter{found("lr", script.TypeFloat, "argparse"), found("size", script.TypeInt, "argparse"), gone}
		l.Parameters[0].Set = true
		makeFifo(t, l)
	})
	h.waitLine("stdout", "args --lr=-1e-05")
	wait(h, func(s script.Stepped) bool { return s.Step == 1 })
	described := wait(h, func(d script.Described) bool { _, ok := d.Values["lr"]; return ok })
	i := slices.IndexFunc(described.Description.Parameters, func(p script.ParameterSpec) bool { return p.Name == "lr" })
	if p := described.Description.Parameters[i]; p.Origin.Line != 4 {
		t.Errorf("the origin of a parameter that was found: %+v", p.Origin)
	}
	warned := h.warnings()
	for _, want := range []string{"had not found: extra, other", "had found gone, but the script's parser does not have it"} {
		if strings.Count(warned, want) != 1 {
			t.Errorf("%q is not told once: %s", want, warned)
		}
	}
	if strings.Contains(warned, "optimizer.lr") || strings.Contains(warned, "xgboost") {
		t.Errorf("what a library offers is told as the parser's: %s", warned)
	}
	if start := h.lines("stdout")[0]; strings.Contains(start, `"catalogue"`) || strings.Contains(start, `"size"`) {
		t.Errorf("the start line of a script that is not Python's: %s", start)
	}

	reply, err := j.setParameters(t.Context(), script.Batch{Values: map[string]script.Value{"size": script.Int(3)}})
	if err != nil || len(reply.Outcomes) != 1 || reply.Outcomes[0].Status != script.NeedsRestart {
		t.Errorf("a set of what the script has not taken over: %+v %v", reply, err)
	}
	reply, err = j.setParameters(t.Context(), script.Batch{Values: map[string]script.Value{"extra": script.Int(3)}})
	if err != nil || !reply.Rejected() || !strings.Contains(reply.Outcomes[0].Reason, "by which argument") {
		t.Errorf("a set of what no argument is known for: %+v %v", reply, err)
	}
	writeFifo(t, j)
	if code, err := j.wait(t); code != 0 || err != nil {
		t.Error(code, err)
	}
}

func TestCatalogueLine(t *testing.T) {
	l := script.Launch{Profile: profilePython, Parameters: []script.LaunchParameter{found("lr", script.TypeFloat, "argparse"), found("n", script.TypeInt, "argparse"), set("own", script.Int(1))}}
	l.Parameters[0].Set = true
	h := newHost(t)
	h.values["lr"] = script.Float(1)
	got := newRun(l, h, false).catalogue()
	want := []catalogued{
		{Name: "lr", Dest: "lr", Type: script.TypeFloat, Style: "argparse", File: "/x/train.py", Line: 4, Mutability: script.Restart, Set: true},
		{Name: "n", Dest: "n", Type: script.TypeInt, Style: "argparse", File: "/x/train.py", Line: 4, Mutability: script.Restart},
	}
	if !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestValidateRefusesWhatCannotBePassed(t *testing.T) {
	nested := found("epochs", script.TypeInt, "argparse")
	nested.Argument, nested.Refused, nested.Spec.Default = nil, "it belongs to a subcommand", script.Int(1)
	w := New(script.Launch{Parameters: []script.LaunchParameter{nested}})
	if err := w.Validate(map[string]script.Value{"epochs": script.Int(1)}); err != nil {
		t.Errorf("the script's own default: %v", err)
	}
	if err := w.Validate(map[string]script.Value{"epochs": script.Int(2)}); err == nil || !strings.Contains(err.Error(), "belongs to a subcommand") {
		t.Errorf("another value: %v", err)
	}
}
