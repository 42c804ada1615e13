package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/host/api"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

const typesPath = "../web/src/api/v1.ts"

// nullable are the members that hold an object or null, which the document
// cannot say.
var nullable = []string{"OverviewScript.progress", "Script.progress"}

// tsSchema is what the tests read of one.
type tsSchema struct {
	Ref        string               `json:"$ref"`
	Type       any                  `json:"type"`
	Properties map[string]*tsSchema `json:"properties"`
	Required   []string             `json:"required"`
	Items      *tsSchema            `json:"items"`
	Additional any                  `json:"additionalProperties"`
}

// typescript returns the type of s.
func (s *tsSchema) typescript() string {
	if s.Ref != "" {
		return s.Ref[strings.LastIndex(s.Ref, "/")+1:]
	}
	var out []string
	kinds, many := s.Type.([]any)
	if !many {
		kinds = []any{s.Type}
	}
	if slices.Contains(kinds, any("array")) { // lists are never null
		return s.Items.typescript() + "[]"
	}
	for _, kind := range kinds {
		switch kind {
		case "integer", "number":
			out = append(out, "number")
		case "object":
			out = append(out, s.record())
		case nil: // any
			out = append(out, "Value")
		default: // string, boolean, null
			out = append(out, fmt.Sprint(kind))
		}
	}
	return strings.Join(out, " | ")
}

// record is the type of an object that is a map.
func (s *tsSchema) record() string {
	of := "Value"
	if m, ok := s.Additional.(map[string]any); ok {
		var item tsSchema
		data, err := json.Marshal(m)
		if err == nil && json.Unmarshal(data, &item) == nil {
			of = item.typescript()
		}
	}
	return "Record<string, " + of + ">"
}

// eventData are the types of the events' data, which no operation names.
var eventData = []reflect.Type{
	reflect.TypeFor[v1.Event](), reflect.TypeFor[v1.StateData](), reflect.TypeFor[v1.RunData](), reflect.TypeFor[v1.DescribedData](),
	reflect.TypeFor[v1.SamplesData](), reflect.TypeFor[v1.BinaryData](), reflect.TypeFor[v1.StepData](), reflect.TypeFor[v1.ResultData](),
	reflect.TypeFor[v1.LogData](), reflect.TypeFor[v1.Log](), reflect.TypeFor[v1.ParametersData](), reflect.TypeFor[v1.ObservedData](),
	reflect.TypeFor[v1.OwnerData](), reflect.TypeFor[v1.CheckpointData](), reflect.TypeFor[v1.RecordedData](), reflect.TypeFor[v1.GapData](),
	reflect.TypeFor[v1.MessageData](), reflect.TypeFor[v1.RouteData](), reflect.TypeFor[v1.NotifiedData](), reflect.TypeFor[v1.WarningData](),
	reflect.TypeFor[v1.Problem](),
}

func eventSchemas(t *testing.T) map[string]*tsSchema {
	t.Helper()
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	registry.RegisterTypeAlias(reflect.TypeFor[script.Value](), reflect.TypeFor[any]())
	registry.RegisterTypeAlias(reflect.TypeFor[json.RawMessage](), reflect.TypeFor[any]())
	for _, kind := range eventData {
		registry.Schema(kind, true, "")
	}
	data, err := json.Marshal(registry)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]*tsSchema
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// The dashboard's types are those of the API's document and of the events;
// UPDATE=1 writes them.
func TestDashboardTypesAreCurrent(t *testing.T) {
	w := newWeb(t, api.TCPOptions{})
	_, _, data := w.ask(t, "GET", "/api/openapi.json", "", bearer(token))
	var doc struct {
		Components struct{ Schemas map[string]*tsSchema }
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	all := eventSchemas(t)
	maps.Copy(all, doc.Components.Schemas)
	var b strings.Builder
	b.WriteString("// Code generated from the API's document by TestDashboardTypesAreCurrent. DO NOT EDIT.\n\n" +
		"/** Whatever a script's value can be; NaN and infinities are strings. */\n" +
		"export type Value = null | boolean | number | string | Value[] | { [key: string]: Value };\n")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s := all[name]
		if s.Type != "object" {
			continue
		}
		fmt.Fprintf(&b, "\nexport interface %s {\n", name)
		for _, key := range slices.Sorted(maps.Keys(s.Properties)) {
			optional := "?"
			if slices.Contains(s.Required, key) {
				optional = ""
			}
			kind := s.Properties[key].typescript()
			if slices.Contains(nullable, name+"."+key) {
				kind += " | null"
			}
			fmt.Fprintf(&b, "  %s%s: %s;\n", key, optional, kind)
		}
		b.WriteString("}\n")
	}
	old, err := os.ReadFile(typesPath)
	if err == nil && string(old) == b.String() {
		return
	}
	if os.Getenv("UPDATE") == "" {
		t.Fatalf("%s is not current; UPDATE=1 go test ./host/api -run TestDashboardTypes writes it:\n%s", typesPath, gocmp.Diff(string(old), b.String()))
	}
	if err := os.WriteFile(typesPath, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
