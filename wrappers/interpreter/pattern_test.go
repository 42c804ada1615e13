package interpreter

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/shared/script"
)

func TestParseOutput(t *testing.T) {
	for text, want := range map[string]script.Value{
		"3": script.Int(3), " -7 ": script.Int(-7), "0.5": script.Float(0.5), "1e-3": script.Float(0.001),
		"nan": script.Float(math.NaN()), "NaN": script.Float(math.NaN()), "inf": script.Float(math.Inf(1)),
		"-Infinity": script.Float(math.Inf(-1)), "1e400": script.Float(math.Inf(1)),
		"99999999999999999999": script.Float(1e20), "True": script.Bool(true), "false": script.Bool(false),
		"0x10": script.String("0x10"), "1_000": script.String("1_000"), "adam": script.String("adam"),
		"": script.String(""), "a\xff": script.String("a\uFFFD"),
	} {
		if got := parseOutput(text); !got.Equal(want) {
			t.Errorf("parseOutput(%q) = %s (%s), want %s", text, got, got.Kind(), want)
		}
	}
}

func TestPatterns(t *testing.T) {
	p, err := newPatterns([]script.LaunchVariable{
		{Name: "loss", Pattern: `loss[=:] *(\S+)`},
		{Name: "word", Pattern: `done`},
		{Name: "sampled"},
	})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1, 0)
	got := p.samples([]byte("epoch 1 loss: 0.25"), -1, now)
	got = append(got, p.samples([]byte("loss=nan done"), -1, now)...)
	got = append(got, p.samples([]byte("loss=1"), 40, now)...)
	got = append(got, p.samples([]byte("nothing"), 41, now)...)
	want := []script.Sample{
		{Name: "loss", Step: 1, Time: now, Value: script.Float(0.25)},
		{Name: "loss", Step: 2, Time: now, Value: script.Float(math.NaN())},
		{Name: "word", Step: 1, Time: now, Value: script.String("done")},
		{Name: "loss", Step: 40, Time: now, Value: script.Int(1)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := newPatterns([]script.LaunchVariable{{Name: "x", Pattern: "("}}); err == nil {
		t.Error("an invalid pattern went through")
	}
}
