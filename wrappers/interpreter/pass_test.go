package interpreter

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/shared/script"
)

func TestPassArgs(t *testing.T) {
	two := script.List(script.Int(1), script.String("b c"))
	tests := []struct {
		flag  string
		value script.Value
		want  []string
	}{
		{"--lr", script.Float(0.1), []string{"--lr", "0.1"}},
		{"--lr=", script.Float(1), []string{"--lr=1.0"}},
		{"-n", script.Int(-3), []string{"-n", "-3"}},
		{"--name", script.String(""), []string{"--name", ""}},
		{"--fast", script.Bool(true), []string{"--fast"}},
		{"--fast", script.Bool(false), nil},
		{"--fast=", script.Bool(false), []string{"--fast=false"}},
		{"--xs", two, []string{"--xs", "1", "b c"}},
		{"--xs=", two, []string{"--xs=1", "--xs=b c"}},
		{"--xs", script.List(), nil},
		{"--m", script.Map(map[string]script.Value{"a": script.Int(1)}), []string{"--m", `{"a":1}`}},
		{"--null", script.Null(), nil},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, passArgs(tt.flag, tt.value)); diff != "" {
			t.Errorf("%s %s: %s", tt.flag, tt.value, diff)
		}
	}
}

func TestPassed(t *testing.T) {
	parameters := []script.LaunchParameter{
		{Spec: script.ParameterSpec{Name: "a"}, Pass: "--a"},
		{Spec: script.ParameterSpec{Name: "b"}, Env: "B"},
		{Spec: script.ParameterSpec{Name: "c"}, File: "c.json"},
		{Spec: script.ParameterSpec{Name: "d"}, Pass: "--d"},
		{Spec: script.ParameterSpec{Name: "e"}, Env: "E"},
	}
	values := map[string]script.Value{"a": script.Int(1), "b": script.Bool(true), "c": script.Int(3), "e": script.List(script.Int(1))}
	line, err := passed(nil, parameters, values)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"--a", "1"}, line.After); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"B=true", "E=[1]"}, line.Env); diff != "" {
		t.Error(diff)
	}
	values["a"] = script.String("x\x00y")
	if _, err := passed(nil, parameters, values); script.CodeOf(err) != script.CodeRejected {
		t.Errorf("a NUL character: %v", err)
	}
}
