package script

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// maxDepth bounds the nesting of a value read from JSON.
const maxDepth = 1000

// MarshalJSON writes v as JSON. NaN and infinities become the strings "NaN",
// "Infinity" and "-Infinity"; bytes become base64 in a string; map keys are
// sorted. Floats always carry a point or an exponent, so that their kind
// survives a round trip.
func (v Value) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	v.appendJSON(&b)
	return b.Bytes(), nil
}

func (v Value) appendJSON(b *bytes.Buffer) {
	switch v.kind {
	case KindFloat:
		f := math.Float64frombits(v.num)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			b.WriteString(strconv.Quote(formatFloat(f)))
			return
		}
		b.WriteString(formatFloat(f))
	case KindString:
		appendJSONString(b, v.text)
	case KindBytes:
		b.WriteByte('"')
		b.WriteString(base64.StdEncoding.EncodeToString([]byte(v.text)))
		b.WriteByte('"')
	case KindList:
		b.WriteByte('[')
		for i, e := range v.list {
			if i > 0 {
				b.WriteByte(',')
			}
			e.appendJSON(b)
		}
		b.WriteByte(']')
	case KindMap:
		b.WriteByte('{')
		for i, key := range slices.Sorted(maps.Keys(v.table)) {
			if i > 0 {
				b.WriteByte(',')
			}
			appendJSONString(b, key)
			b.WriteByte(':')
			v.table[key].appendJSON(b)
		}
		b.WriteByte('}')
	default:
		b.WriteString(v.String())
	}
}

func appendJSONString(b *bytes.Buffer, s string) {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s)       // a string cannot fail
	b.Truncate(b.Len() - 1) // Encode ends with a newline
}

// UnmarshalJSON reads any JSON datum: numbers without point and exponent are
// ints and must fit into 64 signed bits, other numbers are floats and must be
// finite. Strings stay strings, "NaN" included: only a Type says that a float
// was meant (see Type.Parse).
func (v *Value) UnmarshalJSON(data []byte) error {
	if got, ok, err := parseScalar(data); ok {
		if err == nil {
			*v = got
		}
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	got, err := decodeJSON(dec, 0)
	if err != nil {
		return err
	}
	*v = got
	return nil
}

// ParseJSON reads exactly one JSON datum.
func ParseJSON(data []byte) (Value, error) {
	if v, ok, err := parseScalar(data); ok {
		return v, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	v, err := decodeJSON(dec, 0)
	if err != nil {
		return Null(), err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Null(), errors.New("parse JSON: there is more after the first value")
	}
	return v, nil
}

// parseScalar reads a datum that is no list and no map, without the cost of a
// decoder. Whatever else data is, ok is false.
func parseScalar(data []byte) (v Value, ok bool, err error) {
	data = bytes.Trim(data, " \t\r\n")
	if len(data) == 0 || data[0] == '[' || data[0] == '{' || !json.Valid(data) {
		return Null(), false, nil
	}
	switch data[0] {
	case 'n':
	case 't', 'f':
		v = Bool(data[0] == 't')
	case '"':
		var s string
		err = json.Unmarshal(data, &s)
		v = String(s)
	default:
		v, err = parseNumber(string(data))
	}
	return v, true, err
}

func decodeJSON(dec *json.Decoder, depth int) (Value, error) {
	if depth > maxDepth {
		return Null(), fmt.Errorf("parse JSON: nested deeper than %d", maxDepth)
	}
	tok, err := dec.Token()
	if err != nil {
		return Null(), fmt.Errorf("parse JSON: %w", err)
	}
	switch tok := tok.(type) {
	case nil:
		return Null(), nil
	case bool:
		return Bool(tok), nil
	case string:
		return String(tok), nil
	case json.Number:
		return parseNumber(tok.String())
	case json.Delim:
		if tok == '[' {
			return decodeJSONList(dec, depth)
		}
		return decodeJSONMap(dec, depth)
	}
	return Null(), fmt.Errorf("parse JSON: unexpected %v", tok)
}

func decodeJSONList(dec *json.Decoder, depth int) (Value, error) {
	list := []Value{}
	for dec.More() {
		v, err := decodeJSON(dec, depth+1)
		if err != nil {
			return Null(), err
		}
		list = append(list, v)
	}
	if _, err := dec.Token(); err != nil {
		return Null(), fmt.Errorf("parse JSON: %w", err)
	}
	return List(list...), nil
}

func decodeJSONMap(dec *json.Decoder, depth int) (Value, error) {
	table := map[string]Value{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return Null(), fmt.Errorf("parse JSON: %w", err)
		}
		name, ok := key.(string)
		if !ok {
			return Null(), fmt.Errorf("parse JSON: key %v is no string", key)
		}
		v, err := decodeJSON(dec, depth+1)
		if err != nil {
			return Null(), err
		}
		table[name] = v
	}
	if _, err := dec.Token(); err != nil {
		return Null(), fmt.Errorf("parse JSON: %w", err)
	}
	return Map(table), nil
}

// parseNumber reads a JSON number as an int where it is written as one.
func parseNumber(s string) (Value, error) {
	isInt := true
	for _, c := range s {
		if c == '.' || c == 'e' || c == 'E' {
			isInt = false
		}
	}
	if isInt {
		i, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return Null(), fmt.Errorf("integer %s does not fit into 64 bits", clip(s, 40))
		}
		return Int(i), nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) {
		return Null(), fmt.Errorf("number %s is out of the range of a 64-bit float", clip(s, 40))
	}
	return Float(f), nil
}

// clip shortens s to at most n bytes for a message, and not inside of a rune.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
