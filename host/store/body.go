package store

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/mlhost/mlhost/shared/script"
)

// encodeBody returns the JSON that is kept of an event's body. Descriptions
// are kept apart, whole; here stands what they name.
func encodeBody(body script.Body) (string, error) {
	var written any = body
	switch b := body.(type) {
	case script.Described:
		written = script.Described{Description: outline(b.Description), Values: b.Values}
	case script.Recorded: // kept apart, whole; here stand its keys
		keys := make(map[string]script.Value, len(b.Record))
		for key := range b.Record {
			keys[key] = script.Null()
		}
		written = script.Recorded{Record: keys}
	case script.ParametersChanged:
		written = changedBody(b)
	case script.ParametersObserved:
		written = observedText{Name: b.Name, Value: encodeValue(b.Value), Step: b.Step, Overwritten: b.Overwritten}
	}
	b, err := json.Marshal(written)
	if err != nil {
		return "", fmt.Errorf("write event %s: %w", script.KindOf(body), err)
	}
	return string(b), nil
}

func outline(d script.Description) script.Description {
	d.Parameters = append([]script.ParameterSpec(nil), d.Parameters...)
	for i, p := range d.Parameters {
		d.Parameters[i] = script.ParameterSpec{Name: p.Name, Type: p.Type}
	}
	d.Variables = finiteRates(d.Variables)
	return d
}

func finiteRates(specs []script.VariableSpec) []script.VariableSpec {
	out := append([]script.VariableSpec(nil), specs...)
	for i := range out {
		if r := out[i].MaxRate; math.IsNaN(r) || math.IsInf(r, 0) {
			out[i].MaxRate = 0
		}
	}
	return out
}

// decodeBody reads what encodeBody returned.
func decodeBody(kind, text string) (script.Body, error) {
	read, ok := bodies[kind]
	if !ok {
		return nil, fmt.Errorf("read event: unknown kind %q", kind)
	}
	body, err := read([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("read event %s: %w", kind, err)
	}
	return body, nil
}

// bodies reads each kind of body that is kept.
var bodies = map[string]func([]byte) (script.Body, error){
	"state":      readBody[script.StateChanged],
	"run":        readBody[script.RunStarted],
	"binary":     readBody[script.BinaryChanged],
	"described":  readBody[script.Described],
	"result":     readBody[script.ResultSet],
	"parameters": readChanged,
	"observed":   readObserved,
	"owner":      readBody[script.OwnerChanged],
	"recorded":   readBody[script.Recorded],
	"artifact":   readBody[script.ArtifactWritten],
	"checkpoint": readBody[script.CheckpointMade],
	"gap":        readBody[script.Gap],
	"message":    readBody[script.MessageRouted],
	"route":      readBody[script.RouteFired],
	"notified":   readBody[script.Notified],
	"warning":    readBody[script.Warned],
}

func readBody[T script.Body](data []byte) (script.Body, error) {
	var body T
	err := json.Unmarshal(data, &body)
	return body, err
}

// encodeDescription keeps a description whole, but for rates that are no
// numbers.
func encodeDescription(d script.Description) (string, error) {
	d.Variables = finiteRates(d.Variables)
	b, err := json.Marshal(d)
	return string(b), err
}

// decodeDescription reads it back, and makes floats again of the numbers
// that JSON could only write as strings.
func decodeDescription(text string) (script.Description, error) {
	var d script.Description
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return d, fmt.Errorf("read description: %w", err)
	}
	for i := range d.Parameters {
		p := &d.Parameters[i]
		if p.Type == script.TypeInt || p.Type == script.TypeFloat {
			for _, v := range []*script.Value{&p.Default, &p.Min, &p.Max, &p.Step} {
				*v = refloat(*v)
			}
			for j := range p.Choices {
				p.Choices[j] = refloat(p.Choices[j])
			}
		}
	}
	return d, nil
}

func refloat(v script.Value) script.Value {
	if s, ok := v.Text(); ok {
		if f, ok := nonFinite(s); ok {
			return script.Float(f)
		}
	}
	return v
}
