package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/mlhost/mlhost/host/api"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/pages"
)

// schema is what the page reads of a JSON schema.
type schema struct {
	Ref         string `json:"$ref"`
	Type        any    // a name, or a list of names
	Description string
	Items       *schema
	Properties  map[string]*schema
	Required    []string
	Values      any   `json:"additionalProperties"` // a schema, or a bool
	Enum        []any `json:"enum"`
	AnyOf       []*schema
	Examples    []any
}

type content map[string]struct{ Schema *schema }

// The page is what the OpenAPI document says.
func TestReference(t *testing.T) {
	status, _, served := newWeb(t, api.TCPOptions{}).ask(t, "GET", "/api/openapi.json", "", bearer(token))
	if status != 200 {
		t.Fatal(status)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			Summary    string
			Parameters []struct {
				Name, In, Description string
				Required              bool
				Schema                *schema
			}
			RequestBody struct{ Content content }
			Responses   map[string]struct{ Content content }
		}
		Components struct{ Schemas map[string]*schema }
	}
	if err := json.Unmarshal(served, &doc); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("# HTTP reference\n\nEvery route with what it takes and answers. This page is made from `/api/openapi.json`, the document that a host serves; " +
		"[http.md](../http.md) explains tokens, errors, the stream of events and the metrics. `*` marks what is required.\n")
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(doc.Paths[path])) {
			op := doc.Paths[path][method]
			fmt.Fprintf(&b, "\n## `%s %s`\n\n%s.\n", strings.ToUpper(method), path, op.Summary)
			var takes []string
			for _, p := range op.Parameters {
				if p.Description == "" {
					t.Errorf("%s %s: %s has no meaning: give it a doc tag", method, path, p.Name)
				}
				takes = append(takes, fmt.Sprintf("| `%s`%s | %s | %s | %s |\n", p.Name, star(p.Required), p.In, p.Schema.kind(), pages.Cell(p.Description)))
			}
			if len(takes) > 0 {
				b.WriteString("\n| parameter | in | type | |\n|---|---|---|---|\n" + strings.Join(takes, ""))
			}
			var says []string
			if body := op.RequestBody.Content.kind(); body != "" {
				says = append(says, "It takes "+body+".")
			}
			for _, code := range slices.Sorted(maps.Keys(op.Responses)) {
				if answer := op.Responses[code].Content.kind(); answer != "" && strings.HasPrefix(code, "2") {
					says = append(says, "It answers "+answer+".")
				}
			}
			if len(says) > 0 {
				fmt.Fprintf(&b, "\n%s\n", strings.Join(says, " "))
			}
		}
	}
	b.WriteString("\n## Events\n\nWhat the `data` of an [Event](#event) is, by its kind; of a heartbeat it is empty. [http.md](../http.md#events) tells of the stream.\n\n| kind | data |\n|---|---|\n")
	data := v1.EventData()
	for _, kind := range slices.Sorted(maps.Keys(data)) {
		name := reflect.TypeOf(data[kind]).Name()
		fmt.Fprintf(&b, "| `%s` | [%s](#%s) |\n", kind, name, strings.ToLower(name))
	}
	b.WriteString("\n## Objects\n")
	for _, name := range slices.Sorted(maps.Keys(doc.Components.Schemas)) {
		s := doc.Components.Schemas[name]
		fmt.Fprintf(&b, "\n### %s\n", name)
		if s.Description != "" {
			fmt.Fprintf(&b, "\n%s\n", s.Description)
		}
		if len(s.Properties) == 0 {
			fmt.Fprintf(&b, "\n%s\n", s.kind())
			continue
		}
		b.WriteString("\n| key | type | |\n|---|---|---|\n")
		for _, key := range slices.Sorted(maps.Keys(s.Properties)) {
			if key == "$schema" {
				continue
			}
			p := s.Properties[key]
			if p.Description == "" {
				t.Errorf("%s.%s has no meaning: give its field a doc tag", name, key)
			}
			fmt.Fprintf(&b, "| `%s`%s | %s | %s |\n", key, star(slices.Contains(s.Required, key)), p.kind(), pages.Cell(p.meaning()))
		}
	}
	pages.Current(t, "http.md", b.String())
}

func star(required bool) string {
	if required {
		return " *"
	}
	return ""
}

// meaning tells what a value says, with an example where there is one.
func (s *schema) meaning() string {
	if len(s.Examples) == 0 {
		return s.Description
	}
	example, err := json.Marshal(s.Examples[0])
	if err != nil {
		panic(err) // it was read from JSON
	}
	return fmt.Sprintf("%s (e.g. `%s`)", s.Description, strings.Trim(string(example), `"`))
}

// kind tells what a body is.
func (c content) kind() string {
	if json, ok := c["application/json"]; ok {
		return json.Schema.kind()
	}
	var kinds []string
	for _, media := range slices.Sorted(maps.Keys(c)) {
		kinds = append(kinds, "`"+media+"`")
	}
	return strings.Join(kinds, ", ")
}

// kind tells a schema's type in words.
func (s *schema) kind() string {
	if s == nil {
		return "any JSON"
	}
	if s.Ref != "" {
		name := s.Ref[strings.LastIndex(s.Ref, "/")+1:]
		return "[" + name + "](#" + strings.ToLower(name) + ")"
	}
	if len(s.Enum) > 0 {
		var words []string
		for _, e := range s.Enum {
			words = append(words, fmt.Sprintf("`%v`", e))
		}
		return strings.Join(words, ", ")
	}
	if len(s.AnyOf) > 0 {
		var kinds []string
		for _, one := range s.AnyOf {
			kinds = append(kinds, one.kind())
		}
		return strings.Join(kinds, " or ")
	}
	var names []string
	switch t := s.Type.(type) {
	case string:
		names = []string{t}
	case []any:
		for _, name := range t {
			names = append(names, fmt.Sprint(name))
		}
	}
	for i, name := range names {
		switch name {
		case "array":
			names[i] = "list of " + s.Items.kind()
		case "object":
			values, ok := s.Values.(map[string]any)
			if ok {
				data, err := json.Marshal(values)
				var inner schema
				if err == nil && json.Unmarshal(data, &inner) == nil {
					names[i] = "map of " + inner.kind()
				}
			}
		}
	}
	if len(names) == 0 {
		return "any JSON"
	}
	if strings.HasPrefix(names[0], "list") || strings.HasPrefix(names[0], "map") {
		names = names[:1] // one that is null has nothing in it
	}
	return strings.Join(names, " or ")
}
