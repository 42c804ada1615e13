package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/mlhost/mlhost/shared/script"
)

// strictFormats are the formats of bodies: JSON, in which a key that nobody
// reads is a mistake, as the OpenAPI document says.
func strictFormats() map[string]huma.Format {
	strict := huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: readBody}
	return map[string]huma.Format{"application/json": strict, "json": strict}
}

// readBody decodes the body of a request; its errors name the JSON and not our
// types.
func readBody(data []byte, v any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(v)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return misfit(wrong)
	}
	if err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			return errors.New("the body has something behind its JSON")
		}
		return nil
	}
	if key, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return unknownKey(strings.Trim(key, `"`), v)
	}
	return err
}

func misfit(wrong *json.UnmarshalTypeError) error {
	if wrong.Field == "" {
		return fmt.Errorf("the body wants an object, got a JSON %s", wrong.Value)
	}
	return fmt.Errorf("%s in the body wants %s, got a JSON %s", wrong.Field, jsonKind(wrong.Type), wrong.Value)
}

// jsonKind names in JSON's words what is decoded into a type.
func jsonKind(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "an object"
	case reflect.Float32, reflect.Float64:
		return "a number"
	}
	return "an integer"
}

func unknownKey(key string, v any) error {
	known := map[string]bool{}
	t := reflect.TypeOf(v)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Struct {
		for _, f := range reflect.VisibleFields(t) {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
				known[name] = true
			}
		}
	}
	names := slices.Sorted(maps.Keys(known))
	if best := script.Suggest(key, names); best != "" {
		return fmt.Errorf("the body has an unknown key %q; did you mean %q?", key, best)
	}
	return fmt.Errorf("the body has an unknown key %q; the keys are %s", key, strings.Join(names, ", "))
}
