package store

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/mlhost/mlhost/shared/script"
)

var values = []script.Value{
	script.Null(), script.Bool(true), script.Int(math.MinInt64), script.Float(1), script.Float(math.NaN()),
	script.Float(math.Inf(1)), script.Float(math.Inf(-1)), script.Float(math.SmallestNonzeroFloat64),
	script.String(""), script.String("NaN"), script.String("!x"), script.String("<&>\u2028"), script.Bytes([]byte{0, 1, 255}),
	script.List(), script.List(script.Float(math.NaN()), script.Int(1)),
	script.Map(map[string]script.Value{"$float": script.String("NaN"), "$bytes": script.Bytes(nil), "$": script.Float(math.Inf(1))}),
	script.Map(map[string]script.Value{"$float": script.String("NaN")}),
	script.List(script.Map(map[string]script.Value{"$bytes": script.String("AA==")}), script.Float(math.NaN())),
}

func TestValuesAreKeptExactly(t *testing.T) {
	for _, v := range values {
		got, err := decodeValue(encodeValue(v))
		if err != nil || !got.Equal(v) {
			t.Errorf("%s: kept as %s, read as %s, %v", v, encodeValue(v), got, err)
		}
	}
	deep := script.Int(1)
	for range 5000 {
		deep = script.List(deep)
	}
	if got, err := decodeValue(encodeValue(deep)); err != nil || got.Kind() != script.KindString {
		t.Errorf("a deep list is read as %s, %v", got.Kind(), err)
	}
}

func FuzzDecodeValue(f *testing.F) {
	for _, v := range values {
		f.Add(encodeValue(v))
	}
	f.Add("![1,{\"$float\":3}]")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := decodeValue(text)
		if err != nil {
			return
		}
		again, err := decodeValue(encodeValue(v))
		if err != nil {
			t.Fatalf("%q was read as %s, which cannot be kept: %v", text, v, err)
		}
		if !again.Equal(v) && depth(v, 0) <= maxDepth && utf8.ValidString(text) {
			t.Errorf("%q was read as %s, kept as %s, read as %s", text, v, encodeValue(v), again)
		}
	})
}

func FuzzDecodeBody(f *testing.F) {
	for kind := range bodies {
		f.Add(kind, "{}")
	}
	f.Add("described", `{"Description":{"Parameters":[{"Name":"a","Type":"float","Max":"NaN"}]}}`)
	f.Fuzz(func(t *testing.T, kind, text string) {
		body, err := decodeBody(kind, text)
		if err != nil {
			return
		}
		if _, err := encodeBody(body); err != nil {
			t.Errorf("%s %q was read and cannot be kept: %v", kind, text, err)
		}
		if strings.HasPrefix(text, "{") {
			_, _ = decodeDescription(text) // must not panic
		}
	})
}

func TestTimes(t *testing.T) {
	now := time.Now().UTC().Round(0)
	if got := fromNanos(nanos(now)); !got.Equal(now) {
		t.Errorf("%v is read as %v", now, got)
	}
	if got := fromNanos(nanos(time.Time{})); !got.IsZero() {
		t.Errorf("the zero time is read as %v", got)
	}
	if got := fromNanos(nanos(now.AddDate(5000, 0, 0))); got.Year() != maxYear+1 {
		t.Errorf("a far time is read as %v", got)
	}
}
