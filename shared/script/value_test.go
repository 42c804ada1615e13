package script

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func TestJSONForms(t *testing.T) {
	tests := map[string]Value{
		`null`:                        Null(),
		`true`:                        Bool(true),
		`-7`:                          Int(-7),
		`9223372036854775807`:         Int(math.MaxInt64),
		`-9223372036854775808`:        Int(math.MinInt64),
		`1.0`:                         Float(1),
		`0.1`:                         Float(0.1),
		`-0.0`:                        Float(math.Copysign(0, -1)),
		`1e+300`:                      Float(1e300),
		`5e-324`:                      Float(5e-324),
		`123456789012345.0`:           Float(123456789012345),
		`1e+15`:                       Float(1e15),
		`"a \"b\" <c> \u2028 é"`:      String("a \"b\" <c> \u2028 é"),
		`"NaN"`:                       String("NaN"),
		`[]`:                          List(),
		`[1,[2.5,null]]`:              List(Int(1), List(Float(2.5), Null())),
		`{}`:                          Map(nil),
		`{"a":1,"b":{"c":[]},"z":""}`: Map(map[string]Value{"z": String(""), "a": Int(1), "b": Map(map[string]Value{"c": List()})}),
	}
	for text, v := range tests {
		data, err := v.MarshalJSON()
		if err != nil || string(data) != text {
			t.Errorf("%s is written as %s, %v", text, data, err)
		}
		got, err := ParseJSON([]byte(text))
		if err != nil || !got.Equal(v) {
			t.Errorf("%s is read as %s, %v", text, got, err)
		}
	}
}

func TestNumbersThatJSONLacks(t *testing.T) {
	for text, f := range map[string]float64{"NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1)} {
		data, err := json.Marshal(List(Float(f)))
		if err != nil || string(data) != `["`+text+`"]` {
			t.Errorf("%v is written as %s, %v", f, data, err)
		}
		if Float(f).String() != text {
			t.Errorf("%v is shown as %s", f, Float(f))
		}
	}
	if data, err := json.Marshal(Bytes([]byte{0, 255})); err != nil || string(data) != `"AP8="` {
		t.Errorf("bytes are written as %s, %v", data, err)
	}
}

func TestBadJSON(t *testing.T) {
	for text, want := range map[string]string{
		``:                              "EOF",
		`1 2`:                           "there is more after the first value",
		`[1,]`:                          "parse JSON",
		`{"a" 1}`:                       "parse JSON",
		`[`:                             "parse JSON",
		`nan`:                           "parse JSON",
		`1e400`:                         "out of the range of a 64-bit float",
		`-1e400`:                        "out of the range of a 64-bit float",
		`9223372036854775808`:           "does not fit into 64 bits",
		strings.Repeat("1", 400):        "does not fit into 64 bits",
		strings.Repeat("[", 100_000):    "nested deeper than 1000",
		strings.Repeat(`{"a":`, 10_000): "nested deeper than 1000",
	} {
		_, err := ParseJSON([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q gives %v, want %q", text, err, want)
		}
		if err != nil && len(err.Error()) > 200 {
			t.Errorf("%.20q gives an error of %d bytes", text, len(err.Error()))
		}
	}
}

func TestTinyNumbersAreZero(t *testing.T) {
	if v, err := ParseJSON([]byte("1e-400")); err != nil || !v.Equal(Float(0)) {
		t.Errorf("1e-400 is %v, %v", v, err)
	}
}

func TestEqualAndSame(t *testing.T) {
	nan := Float(math.NaN())
	tests := []struct {
		a, b        Value
		equal, same bool
	}{
		{nan, nan, true, true},
		{Int(1), Float(1), false, true},
		{Int(1), Int(1), true, true},
		{Float(0), Float(math.Copysign(0, -1)), true, true},
		{String("a"), Bytes([]byte("a")), false, false},
		{Null(), Bool(false), false, false},
		{Bool(true), Int(1), false, false},
		{List(nan), List(nan), true, true},
		{List(Int(1)), List(Int(2)), false, false},
		{List(Int(1)), List(Float(1)), false, true},
		{Map(map[string]Value{"a": Int(1)}), Map(map[string]Value{"b": Int(1)}), false, false},
		{Map(map[string]Value{"a": Int(1)}), Map(map[string]Value{"a": Float(1)}), false, true},
		{Map(nil), Map(map[string]Value{}), true, true},
		{Int(1<<53 + 1), Float(1 << 53), false, false},
		{Int(math.MaxInt64), Float(1 << 63), false, false},
	}
	for _, test := range tests {
		if got := test.a.Equal(test.b); got != test.equal {
			t.Errorf("%s equal to %s: %v", test.a, test.b, got)
		}
		if got := test.a.Same(test.b); got != test.same {
			t.Errorf("%s same as %s: %v", test.a, test.b, got)
		}
		if test.a.Equal(test.b) != test.b.Equal(test.a) || test.a.Same(test.b) != test.b.Same(test.a) {
			t.Errorf("%s and %s compare otherwise the other way round", test.a, test.b)
		}
	}
}

func TestInt(t *testing.T) {
	for _, test := range []struct {
		v    Value
		want int64
		ok   bool
	}{
		{Int(5), 5, true}, {Float(5), 5, true}, {Float(5.5), 0, false}, {Float(math.NaN()), 0, false},
		{Float(1e300), 0, false}, {Float(1 << 63), 0, false}, {Float(-(1 << 63)), math.MinInt64, true},
		{String("5"), 0, false}, {Bool(true), 0, false}, {Null(), 0, false},
	} {
		if got, ok := test.v.Int(); got != test.want || ok != test.ok {
			t.Errorf("%s is %d, %v", test.v, got, ok)
		}
	}
}

type named string

func TestOf(t *testing.T) {
	eight, nothing := int8(8), (*int)(nil)
	tests := map[string]struct {
		x    any
		want Value
	}{
		"nil": {nil, Null()}, "bool": {true, Bool(true)}, "int32": {int32(-1), Int(-1)}, "uint8": {uint8(200), Int(200)},
		"float32": {float32(0.5), Float(0.5)}, "named": {named("x"), String("x")}, "bytes": {[]byte("x"), Bytes([]byte("x"))},
		"strings": {[]string{"a"}, List(String("a"))}, "array": {[2]int{1, 2}, List(Int(1), Int(2))}, "empty": {[]int{}, List()},
		"map": {map[string]any{"a": []any{1, "b", nil}}, Map(map[string]Value{"a": List(Int(1), String("b"), Null())})},
		"key": {map[named]int{"a": 1}, Map(map[string]Value{"a": Int(1)})}, "pointer": {&eight, Int(8)}, "nil pointer": {nothing, Null()},
		"value": {List(Int(1)), List(Int(1))}, "values": {[]Value{Int(1)}, List(Int(1))}, "table": {map[string]Value{"a": Int(1)}, Map(map[string]Value{"a": Int(1)})},
		"number": {json.Number("12"), Int(12)}, "real number": {json.Number("1.5"), Float(1.5)},
	}
	for name, test := range tests {
		if got, err := Of(test.x); err != nil || !got.Equal(test.want) {
			t.Errorf("%s is %s (%s), %v", name, got, got.Kind(), err)
		}
	}
	loop := map[string]any{}
	loop["loop"] = loop
	for name, x := range map[string]any{
		"uint64": uint64(math.MaxUint64), "struct": struct{}{}, "chan": make(chan int), "int keys": map[int]int{1: 1},
		"func inside": []any{func() {}}, "endless": loop, "bad number": json.Number("1e400"),
	} {
		if got, err := Of(x); err == nil {
			t.Errorf("%s is %s", name, got)
		}
	}
}

func TestValuesAreCopies(t *testing.T) {
	data := []byte("abc")
	v := Bytes(data)
	data[0] = 'x'
	got, _ := v.Bytes()
	got[1] = 'y'
	if again, _ := v.Bytes(); string(again) != "abc" {
		t.Errorf("the bytes have changed to %s", again)
	}
	numbers := []float64{1}
	v, err := Of(numbers)
	numbers[0] = 2
	if err != nil || !v.Equal(List(Float(1))) {
		t.Errorf("the list has changed to %s, %v", v, err)
	}
}

func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`null`, `[1,2.5,"x",{"a":[true,false]}]`, `1e400`, `"\ud800"`, `{"a":1,"a":2}`, "\"\xff\"", `-0`, `-0.0`, `1E5`, `[[[[]]]]`, `9223372036854775808`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := ParseJSON(data)
		if err != nil {
			return
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("%q cannot be written: %v", data, err)
		}
		again, err := ParseJSON(text)
		if err != nil || !again.Equal(v) {
			t.Fatalf("%q is written as %q and read as %s, %v", data, text, again, err)
		}
		var other Value
		if err := json.Unmarshal(text, &other); err != nil || !other.Equal(v) {
			t.Fatalf("%q is unmarshalled as %s, %v", text, other, err)
		}
	})
}
