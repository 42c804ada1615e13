package interpreter

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/shared/script"
)

// samplesOf returns the values of a variable, in order.
func (h *host) samplesOf(name string) []float64 {
	var values []float64
	for _, b := range of[script.Samples](h) {
		for _, s := range b.Samples {
			if s.Name == name {
				f, _ := s.Value.Float()
				values = append(values, f)
			}
		}
	}
	return values
}

func TestOutputIsRead(t *testing.T) {
	h := newHost(t)
	j := launch(t, h, "/bin/sh", `
echo "Epoch 1/2"
echo "loss: 0.5 time: 3s"
printf '\r 10/100 [=>..] - acc: 0.25\r100/100 [====] - acc: 0.75\n'
echo "Epoch 2/2"
echo "val loss: 0.25" >&2
echo "100/100 [=====] - acc: 1.0"
`, nil)
	if _, err := j.wait(t); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]float64{"loss": {0.5}, "time": {3}, "acc": {0.25, 0.75, 1}, "val_loss": {0.25}, "epoch": {1, 2}} {
		if diff := cmp.Diff(want, h.samplesOf(name)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	progress := of[script.Progress](h)
	if len(progress) == 0 {
		t.Fatal("no progress")
	}
	if p := progress[len(progress)-1]; p.Done != 2 || p.Total != 2 {
		t.Errorf("the last progress is %+v", p)
	}
	steps := of[script.Stepped](h)
	if len(steps) == 0 || steps[len(steps)-1].Step != 200 {
		t.Errorf("the steps are %v", steps)
	}
	for _, v := range h.known.Variables {
		if v.Name == "time" && v.Unit != "s" {
			t.Errorf("the unit of time is %q", v.Unit)
		}
	}
}

// What the script, a library or a pattern reports is not read from the output
// too, and goes before what was sampled.
func TestNothingIsReportedTwice(t *testing.T) {
	h := newHost(t)
	j := launch(t, h, "/bin/sh", `
read -r start <&3
say() { printf '%s\n' "$1" >&3; }
say '{"op":"variable","name":"loss","source":"sampled","value":9}'
say '{"op":"samples","samples":[["loss",1,null,9]]}'
say '{"op":"variable","name":"Loss","source":"library","value":1}'
say '{"op":"samples","samples":[["Loss",1,null,1],["acc",1,null,0.5]]}'
say '{"op":"progress","done":7,"total":8}'
say '{"op":"samples","samples":[["loss",2,null,9],["lr",2,null,0.9]]}'
say '{"op":"log","text":"sent"}'
read -r go <fifo
echo "loss: 5 acc: 0.9 lr: 0.1 f1: 0.2 10/20"
echo "step 1/100"
`, func(l *script.Launch) {
		withLines(l)
		makeFifo(t, l)
		l.Variables = []script.LaunchVariable{{Name: "lr", Pattern: `lr: (\S+)`}}
	})
	wait(h, func(l script.LogLine) bool { return l.Text == "sent" })
	writeFifo(t, j)
	if _, err := j.wait(t); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]float64{"loss": {9}, "Loss": {1}, "acc": {0.5}, "lr": {0.1}, "f1": {0.2}} {
		if diff := cmp.Diff(want, h.samplesOf(name)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if diff := cmp.Diff([]script.Progress{{Done: 7, Total: 8}}, of[script.Progress](h)); diff != "" {
		t.Error(diff)
	}
}
