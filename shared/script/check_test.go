package script

import (
	"math"
	"strings"
	"testing"
)

func TestConvert(t *testing.T) {
	deep := Int(1)
	for range 70 {
		deep = List(deep)
	}
	tests := []struct {
		t    Type
		v    Value
		want Value // null: refused
		text string
	}{
		{TypeFloat, Int(1), Float(1), ""},
		{TypeFloat, Float(0.5), Float(0.5), ""},
		{TypeFloat, Float(math.NaN()), Null(), "NaN is not a finite number"},
		{TypeFloat, Float(math.Inf(-1)), Null(), "-Infinity is not a finite number"},
		{TypeFloat, String("NaN"), Null(), "NaN is not a finite number"},
		{TypeFloat, String("1"), Null(), `wants a float, got the string "1"`},
		{TypeFloat, Null(), Null(), "wants a float, got null"},
		{TypeInt, Float(3), Int(3), ""},
		{TypeInt, Float(3.5), Null(), "wants an int, got a float (3.5)"},
		{TypeInt, Float(1e19), Null(), "wants an int, got a float (1e+19)"},
		{TypeInt, Bool(true), Null(), "wants an int, got a bool (true)"},
		{TypeBool, Int(1), Null(), "wants a bool, got an int (1)"},
		{TypeBool, Bool(false), Bool(false), ""},
		{TypeString, String("é"), String("é"), ""},
		{TypeString, String("\xff"), Null(), `"\xff" is not valid UTF-8`},
		{TypeString, Bytes([]byte("x")), Null(), "wants a string, got a bytes"},
		{TypeString, String(strings.Repeat("x", 10<<20)), Null(), "10485760 bytes are more than the 1048576 that a string may have"},
		{TypeString, String(strings.Repeat("x", MaxTextLength)), String(strings.Repeat("x", MaxTextLength)), ""},
		{TypeList, List(Int(1)), List(Int(1)), ""},
		{TypeList, Map(nil), Null(), "wants a list, got a map"},
		{TypeList, List(Float(math.NaN())), Null(), "NaN is not a finite number"},
		{TypeMap, Map(map[string]Value{"a": Float(math.Inf(1))}), Null(), "Infinity is not a finite number"},
		{TypeMap, Map(map[string]Value{"\xff": Int(1)}), Null(), "is not valid UTF-8"},
		{TypeAny, deep, Null(), "nested deeper than 64"},
		{TypeAny, String(strings.Repeat("x", 10<<20)), Null(), "are more than"},
		{TypeAny, Int(1), Int(1), ""},
		{"", Int(1), Int(1), ""},
	}
	for _, test := range tests {
		got, err := test.t.Convert(test.v)
		if test.text == "" {
			if err != nil || !got.Equal(test.want) {
				t.Errorf("%s of %.40s gives %.40s, %v", test.t, test.v, got, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), test.text) || len(err.Error()) > 200 {
			t.Errorf("%s of %.40s gives %.40s and %.200v, want %q", test.t, test.v, got, err, test.text)
		}
	}
	if got, err := TypeAny.Convert(Null()); err != nil || !got.IsNull() {
		t.Errorf("any of null gives %s, %v", got, err)
	}
}

func TestCheck(t *testing.T) {
	ranged := ParameterSpec{Type: TypeFloat, Min: Float(0), Max: Float(1)}
	open := ParameterSpec{Type: TypeFloat, Min: Float(0), Max: Float(1), ExclusiveMin: true, ExclusiveMax: true}
	tenth := ParameterSpec{Type: TypeFloat, Min: Float(0), Max: Float(1), Step: Float(0.1)}
	third := ParameterSpec{Type: TypeFloat, Min: Float(0), Max: Float(1), Step: Float(0.3)}
	fine := ParameterSpec{Type: TypeFloat, Min: Float(1e-6), Step: Float(1e-6)}
	evens := ParameterSpec{Type: TypeInt, Step: Int(2)}
	fromOne := ParameterSpec{Type: TypeInt, Min: Int(1), Max: Int(10), Step: Int(4)}
	wide := ParameterSpec{Type: TypeInt, Min: Int(math.MinInt64), Max: Int(math.MaxInt64), Step: Int(5)}
	half := ParameterSpec{Type: TypeInt, Min: Float(0.5)}
	choice := ParameterSpec{Type: TypeString, Choices: []Value{String("adam"), String("sgd")}}
	number := ParameterSpec{Type: TypeFloat, Choices: []Value{Int(1), Int(2)}}
	word := ParameterSpec{Type: TypeString, Pattern: "[a-z]+", MinLength: 2, MaxLength: 4}
	broken := ParameterSpec{Type: TypeString, Pattern: "("}
	tests := []struct {
		name string
		spec ParameterSpec
		v    Value
		want string // part of the reason; "": accepted
	}{
		{"inside", ranged, Float(0.5), ""},
		{"least", ranged, Float(0), ""},
		{"greatest", ranged, Int(1), ""},
		{"below", ranged, Float(-1e-300), "-1e-300 is below the minimum 0.0"},
		{"above", ranged, Float(1.0000000000000002), "is above the maximum 1.0"},
		{"NaN", ranged, Float(math.NaN()), "NaN is not a finite number"},
		{"infinite", ranged, Float(math.Inf(1)), "Infinity is not a finite number"},
		{"least, excluded", open, Int(0), "0.0 is below the minimum 0.0, which is excluded"},
		{"greatest, excluded", open, Float(1), "1.0 is above the maximum 1.0, which is excluded"},
		{"0.3 of tenths", tenth, Float(0.1 + 0.2), ""},
		{"0.7 of tenths", tenth, Float(0.7), ""},
		{"0.25 of tenths", tenth, Float(0.25), "0.25 is off step: 0.0 plus a multiple of 0.1 is needed"},
		{"maximum off step", third, Float(1), ""},
		{"beside the maximum", third, Float(0.99), "off step"},
		{"far on step", fine, Float(123.456789), ""},
		{"far off step", fine, Float(123.4567894), "off step"},
		{"even", evens, Int(-4), ""},
		{"odd", evens, Int(-3), "off step"},
		{"from one", fromOne, Int(9), ""},
		{"off from one", fromOne, Int(8), "1 plus a multiple of 4 is needed"},
		{"maximum from one", fromOne, Int(10), ""},
		{"wide, least", wide, Int(math.MinInt64), ""},
		{"wide, on step", wide, Int(math.MaxInt64 - 5), ""}, // 2^64 - 6 from the least, a multiple of 5
		{"wide, off step", wide, Int(math.MaxInt64 - 4), "off step"},
		{"fraction as bound", half, Int(0), "0 is below the minimum 0.5"},
		{"past 64 bits", evens, Float(18446744073709551616), "wants an int"},
		{"chosen", choice, String("sgd"), ""},
		{"not chosen", choice, String("adan"), `not one of adam, sgd; did you mean "adam"?`},
		{"int for a float choice", number, Int(2), ""},
		{"no choice", number, Float(1.5), "not one of 1, 2"},
		{"word", word, String("abc"), ""},
		{"too short", word, String("a"), "1 bytes are fewer than the minimum length 2"},
		{"too long", word, String("abcde"), "5 bytes are more than the maximum length 4"},
		{"no match", word, String("ab1"), `"ab1" does not match the pattern [a-z]+`},
		{"line behind", word, String("ab\n"), "does not match"},
		{"broken pattern", broken, String("ab"), "the parameter's own pattern is invalid"},
		{"wrong type", word, Int(1), "wants a string, got an int (1)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.spec.Check(test.v)
			switch {
			case test.want == "" && err != nil:
				t.Errorf("%s is refused: %v", test.v, err)
			case test.want == "" && TypeOf(got) != test.spec.Type:
				t.Errorf("%s becomes a %s", test.v, got.Kind())
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("%s gives %v, want %q", test.v, err, test.want)
			}
		})
	}
}

func TestManyChoicesAreClipped(t *testing.T) {
	spec := ParameterSpec{Type: TypeString}
	for range 1000 {
		spec.Choices = append(spec.Choices, String(strings.Repeat("é", 1000)))
	}
	_, err := spec.Check(String("x"))
	if err == nil || len(err.Error()) > 1000 || !strings.Contains(err.Error(), "(1000 in all)") {
		t.Errorf("%.1100v", err)
	}
}

func TestSuggest(t *testing.T) {
	names := []string{"learning_rate", "batch_size", "lr", "epochs", "momentum"}
	for name, want := range map[string]string{
		"learning_rte": "learning_rate", "laerning_rate": "learning_rate", "Learning_Rate": "learning_rate", "LR": "lr", "rl": "lr",
		"batchsize": "batch_size", "batch": "batch_size", "epoch": "epochs", "epochs_": "epochs", "e": "epochs",
		"dropout": "", "": "", "x": "", "learning_rate": "", strings.Repeat("a", 1000): "",
	} {
		if got := Suggest(name, names); got != want {
			t.Errorf("for %.20q: %q, want %q", name, got, want)
		}
	}
	if got := Suggest("lr", nil); got != "" {
		t.Errorf("without candidates: %q", got)
	}
}
