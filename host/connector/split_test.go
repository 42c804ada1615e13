package connector

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// cut returns all objects of the text, and how it ended.
func cut(r io.Reader) (objects []string, err error) {
	s := splitter{r: bufio.NewReader(r)}
	for {
		object, err := s.next()
		if err != nil {
			return objects, err
		}
		objects = append(objects, string(object))
	}
}

func TestSplitter(t *testing.T) {
	deep := strings.Repeat(`{"a":`, maxNesting+1)
	long := `{"a":"` + strings.Repeat("x", MaxObject)
	for name, c := range map[string]struct {
		text string
		want []string
		err  error
	}{
		"nothing":         {"", nil, io.EOF},
		"white space":     {" \r\n\t", nil, io.EOF},
		"one":             {`{"a":1}`, []string{`{"a":1}`}, io.EOF},
		"no separator":    {`{"a":1}{"b":[{}]}`, []string{`{"a":1}`, `{"b":[{}]}`}, io.EOF},
		"lines":           {"{}\n{}\r\n {}", []string{"{}", "{}", "{}"}, io.EOF},
		"braces in texts": {`{"a":"}{\"}\\"}{}`, []string{`{"a":"}{\"}\\"}`, "{}"}, io.EOF},
		"cut off":         {`{}{"a":`, []string{"{}"}, io.ErrUnexpectedEOF},
		"a list":          {`[1]`, nil, errNoObject},
		"garbage":         {"{}x", []string{"{}"}, errNoObject},
		"too deep":        {deep, nil, errTooDeep},
		"too long":        {long, nil, errTooLong},
		"not valid":       {`{]}{}`, []string{"{]}", "{}"}, io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(c.text), iotest.OneByteReader(strings.NewReader(c.text))} {
				got, err := cut(r)
				if diff := cmp.Diff(c.want, got); diff != "" || !errors.Is(err, c.err) {
					t.Errorf("error %v, want %v\n%s", err, c.err, diff)
				}
			}
		})
	}
}

// Valid objects come out as they went in, whatever is between them.
func FuzzSplitter(f *testing.F) {
	f.Add(`{"a":"}"}`, `{"b":[1,{}]}`, "\n")
	f.Add(`{}`, `{"\\":"\""}`, "")
	f.Fuzz(func(t *testing.T, first, second, between string) {
		_, _ = cut(strings.NewReader(first + between + second)) // never panics, always ends
		for _, text := range []string{first, second} {
			if !json.Valid([]byte(text)) || !strings.HasPrefix(text, "{") || strings.Count(text, "{")+strings.Count(text, "[") > maxNesting {
				return
			}
		}
		if strings.Trim(between, " \t\r\n") != "" || len(first) > MaxObject || len(second) > MaxObject {
			return
		}
		got, err := cut(strings.NewReader(first + between + second))
		if !errors.Is(err, io.EOF) || len(got) != 2 || got[0] != strings.TrimRight(first, " \t\r\n") || got[1] != strings.TrimRight(second, " \t\r\n") {
			t.Errorf("got %q, %v", got, err)
		}
	})
}
