package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/shared/script"
)

func TestParsePairs(t *testing.T) {
	got, err := parsePairs([]string{"lr=0.01", "expr=a=b", "empty=", "model.lr=1"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"lr": "0.01", "expr": "a=b", "empty": "", "model.lr": "1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range [][]string{{"lr"}, {"=1"}, {"lr=1", "lr=2"}, {""}} {
		if _, err := parsePairs(bad); script.CodeOf(err) != script.CodeUsage {
			t.Errorf("parsePairs(%q): %v, want a usage error", bad, err)
		}
	}
}

func TestParseData(t *testing.T) {
	for text, want := range map[string]script.Value{
		`{"a": [1, 2.5]}`: script.Map(map[string]script.Value{"a": script.List(script.Int(1), script.Float(2.5))}),
		`hello`:           script.String("hello"),
		`"hello"`:         script.String("hello"),
		`1`:               script.Int(1),
		`nan`:             script.String("nan"),
		`null`:            script.Null(),
	} {
		got, err := parseData([]string{"s", "topic", text}, 2)
		if err != nil || !got.Equal(want) {
			t.Errorf("parseData(%s) = %v, %v, want %v", text, got, err, want)
		}
	}
	if got, err := parseData([]string{"s", "topic"}, 2); err != nil || !got.IsNull() {
		t.Errorf("no data: %v, %v", got, err)
	}
	for text, code := range map[string]script.Code{
		`{"a": `: script.CodeUsage, `[1, 2`: script.CodeUsage, `1e400`: script.CodeRejected, `9223372036854775808`: script.CodeRejected,
	} {
		if _, err := parseData([]string{"s", "topic", text}, 2); script.CodeOf(err) != code {
			t.Errorf("parseData(%s): %v, want code %s", text, err, code)
		}
	}
}

func TestDuration(t *testing.T) {
	for seconds, want := range map[float64]string{0: "0.0s", 3.21: "3.2s", 59.9: "59s", 61: "1m01s", 7384: "2h03m", 437000: "5d01h", -1: "0.0s"} {
		if got := duration(seconds); got != want {
			t.Errorf("duration(%v) = %s, want %s", seconds, got, want)
		}
	}
}
