package interpreter

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/shared/script"
)

var exported = cmp.AllowUnexported(
	parameterLine{}, variableLine{}, samplesLine{}, changedLine{}, doneLine{}, replyLine{}, requestLine{},
)

func TestDecodeLine(t *testing.T) {
	five := script.Int(5)
	for line, want := range map[string]any{
		`{"op":"hello","version":1,"language":"r","doc":"fits"}`:  helloLine{Language: "r", Doc: "fits"},
		`{"op":"step","step":3.0,"more":[{}]}`:                    stepLine{3},
		`{"op":"progress","done":"NaN","total":null}`:             nil, // compared below
		`{"op":"result","name":"a","value":"-Infinity"}`:          resultLine{"a", floatOf(script.String("-Infinity"))},
		`{"op":"observed","name":"p","value":5,"step":3}`:         observedLine{script.ParametersObserved{Name: "p", Value: five, Step: 3}},
		`{"op":"observed","name":"p","overwritten":true}`:         observedLine{script.ParametersObserved{Name: "p", Step: -1, Overwritten: true}},
		`{"op":"fail","reason":"no","parameter":"p"}`:             failLine{"no", "p"},
		`{"op":"topics","answers":["a"]}`:                         topicsLine{[]string{"a"}},
		`{"op":"done","id":7}`:                                    doneLine{id: "7"},
		`{"op":"done","id":"7","error":{"message":"x"}}`:          doneLine{id: "7", err: &script.Error{Code: script.CodeHandlerFailed, Message: "x"}},
		`{"op":"reply","id":"q","value":{"a":5}}`:                 replyLine{id: "q", value: script.Map(map[string]script.Value{"a": five})},
		`{"op":"reply","id":"q","error":{"code":"not_found"}}`:    replyLine{id: "q", err: &script.Error{Code: script.CodeNotFound}},
		`{"op":"ask","id":"q","to":"b","topic":"t","timeout":.5}`: nil,
		`{"op":"tell","id":1,"to":"b","topic":"t","data":5}`:      requestLine{op: "tell", id: []byte("1"), To: "b", Topic: "t", Data: five},
		`{"op":"notify","event":"e","data":5}`:                    requestLine{op: "notify", Event: "e", Data: five},
		`{"op":"connector","id":"c","message":{"a":5}}`:           requestLine{op: "connector", id: []byte(`"c"`), Data: script.Map(map[string]script.Value{"a": five})},
		`{"op":"of a later version"}`:                             nil,
		`{"op":"variable","name":"v","value":"NaN"}`:              variableLine{spec: script.VariableSpec{Name: "v", Type: script.TypeFloat}, source: fromScript},
		`{"op":"samples","samples":[["a",null,null,[1,"\u00e9"]]]}`: samplesLine{samples: []script.Sample{
			{Name: "a", Step: -1, Value: script.List(script.Int(1), script.String("é"))}}},
		`{"op": "samples", "samples": [["a", 2, 1.5, "NaN"], ["b", null, 3, -1e-3]]} `: samplesLine{samples: []script.Sample{
			{Name: "a", Step: 2, Time: time.Unix(1, 5e8), Value: script.String("NaN")},
			{Name: "b", Step: -1, Time: time.Unix(3, 0), Value: script.Float(-0.001)}}},
	} {
		got, err := decodeLine([]byte(line))
		if want == nil {
			continue
		}
		if diff := cmp.Diff(want, got, exported); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", line, err, diff)
		}
	}
	if got, err := decodeLine([]byte(`{"op":"ask","id":"q","to":"b","topic":"t","timeout":0.5}`)); err != nil || got.(requestLine).timeout != time.Second/2 {
		t.Error(got, err)
	}
}

func TestDecodeLineRefuses(t *testing.T) {
	for _, line := range []string{
		``, `x`, `[]`, `"x"`, `{}`, `{"op":null}`, `{"op":1}`, `{"op":"step"}`, `{"op":"step","step":1.5}`, `{"op":"step","step":"1"}`,
		`{"op":"result","value":1}`, `{"op":"result","name":"a","value":99999999999999999999}`, `{"op":"progress","done":"much"}`,
		`{"op":"parameter"}`, `{"op":"parameter","name":"p","type":"tensor"}`, `{"op":"parameter","name":"p","min":"low"}`,
		`{"op":"parameter","name":"p","mutability":"never"}`, `{"op":"parameter","name":"p","scale":"cubic"}`, `{"op":"parameter","name":7}`,
		`{"op":"variable"}`, `{"op":"variable","name":"v","delivery":"some"}`, `{"op":"topics","answers":"all"}`,
		`{"op":"done","id":1,"outcomes":[{"name":"a","status":"maybe"}]}`, `{"op":"changed","changes":[{"value":1}]}`, `{"op":"observed"}`, `{"op":"observed","name":"p","step":"x"}`,
		`{"op":"ask","to":"b"}`, `{"op":"log","text":5}`, `{"op":"samples","samples":5}`, `{"op":"step","step":1}{"op":"step","step":2}`,
	} {
		if got, err := decodeLine([]byte(line)); err == nil {
			t.Errorf("%s is read as %+v", line, got)
		}
	}
	got, err := decodeLine([]byte(`{"op":"samples","samples":[["a",1,2],["b",1,2,3],["",1,2,3],["c","x",2,3],["d",1,1e300,3]]}`))
	if s, ok := got.(samplesLine); err != nil || !ok || len(s.samples) != 1 || s.err == nil {
		t.Error(got, err)
	}
}

func TestReadLines(t *testing.T) {
	in := "one\n\n" + strings.Repeat("x", 100) + "\n" + strings.Repeat("y", 101) + "\ntwo\nlast"
	want := []string{"one", "", strings.Repeat("x", 100), "two", "last"}
	readers := map[string]func() error{}
	for _, name := range []string{"whole", "one byte"} {
		var got []string
		tooLong := 0
		from := iotest.OneByteReader(strings.NewReader(in))
		if name == "whole" {
			from = strings.NewReader(in)
		}
		readers[name] = func() error {
			err := readLines(from, 100, func(l []byte) { got = append(got, string(l)) }, func() { tooLong++ }, func() {})
			if diff := cmp.Diff(want, got); diff != "" || tooLong != 1 {
				return fmt.Errorf("%d too long, %s", tooLong, diff)
			}
			return err
		}
	}
	for name, read := range readers {
		if err := read(); err != nil {
			t.Error(name, err)
		}
	}
	broken := errors.New("broken")
	if err := readLines(iotest.ErrReader(broken), 100, nil, nil, func() {}); !errors.Is(err, broken) {
		t.Error(err)
	}
	long := bytes.Repeat([]byte("z"), 200<<10) // longer than the reader's buffer, shorter than the limit
	n := 0
	if err := readLines(bytes.NewReader(append(long, "\nend\n"...)), maxLine, func(l []byte) { n += len(l) }, nil, func() {}); err != nil || n != len(long)+3 {
		t.Error(n, err)
	}
	var sizes []int
	mixed := append(bytes.Repeat([]byte("short\n"), 1000), "\n"...) // the reader grows in the middle, and loses nothing
	for _, size := range []int{shortLine - 1, shortLine, 3, shortLine + 1, 5, longLine, 7, 3 * longLine, 9} {
		mixed = append(append(mixed, bytes.Repeat([]byte("x"), size)...), '\n')
	}
	calm := 0
	if err := readLines(bytes.NewReader(mixed), maxLine, func(l []byte) { sizes = append(sizes, len(l)) }, nil, func() { calm++ }); err != nil || calm < 1 {
		t.Error(calm, err)
	}
	if got := sizes[1001:]; len(sizes) != 1010 || !slices.Equal(got, []int{shortLine - 1, shortLine, 3, shortLine + 1, 5, longLine, 7, 3 * longLine, 9}) {
		t.Error(len(sizes), got)
	}
}

// FuzzLine: no line harms the decoder, and its quick way for samples says the
// same as the long way.
func FuzzLine(f *testing.F) {
	for _, seed := range []string{
		`{"op":"samples","samples":[["a",1,2.5,0.1],["b",null,null,"NaN"]]}`, `{"op": "samples", "samples": [["é", -0, 1e5, true]]}`,
		`{"op":"parameter","name":"p","type":"float","default":1,"choices":[1,2],"min":0,"max":"x"}`,
		`{"op":"done","id":"1","outcomes":[{"name":"a","status":"applied","value":1,"step":null}]}`,
		`{"op":"ask","id":{"a":1},"to":"b","topic":"t","data":[[[]]],"timeout":"NaN"}`, `{"op":"changed","changes":[{"name":"a","value":1e400}]}`,
		`{"op":"progress","done":"Infinity"}`, `{"op":"samples","samples":[["a",1,2,01]]}`, `{"op":"samples","samples":[["a",1,2,1e5.]]}`,
		`{"op":"samples","samples":[["a\u0000",1,2,-]]}`, `{"op":"samples","samples":[]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		got, err := decodeLine(line)
		if err != nil && got != nil {
			t.Fatal("a value and an error")
		}
		quick, ok := decodeSamples(line)
		if !ok {
			return
		}
		long, err := decodeSamplesSlowly(line)
		if err != nil {
			t.Fatalf("only the quick way reads %q: %v", line, err)
		}
		slow := long.(samplesLine)
		if slow.err != nil || !cmp.Equal(quick, slow.samples) {
			t.Fatalf("%q: quick %+v, long %+v", line, quick, slow)
		}
	})
}

func BenchmarkSamples(b *testing.B) {
	var line strings.Builder
	line.WriteString(`{"op": "samples", "samples": [`)
	for i := range 256 {
		if i > 0 {
			line.WriteString(", ")
		}
		fmt.Fprintf(&line, `["train/loss", %d, 1700000000.123456, 0.%d]`, i, 1000+i)
	}
	line.WriteString("]}")
	data := []byte(line.String())
	for b.Loop() {
		if _, ok := decodeSamples(data); !ok {
			b.Fatal("the long way")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/256, "ns/sample")
}
