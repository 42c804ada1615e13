package export

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"

	v1 "github.com/mlhost/mlhost/host/api/v1"
)

// JSON writes runs whole: {"runs":[…]}, each as `runs show` has it, with all of
// its samples and "texts" by name.
func (e *Exporter) JSON(ctx context.Context, w io.Writer, ids []string) error {
	runs, err := e.runs(ctx, ids)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 1<<16)
	j := jsonWriter{w: out}
	j.text(`{"runs":[`)
	for i := range runs {
		if i > 0 {
			j.text(",")
		}
		j.text("\n")
		e.jsonRun(ctx, &j, &runs[i])
	}
	j.text("\n]}\n")
	if j.err == nil {
		j.err = out.Flush()
	}
	return j.err
}

func (e *Exporter) jsonRun(ctx context.Context, j *jsonWriter, run *v1.RunDetail) {
	texts, err := e.texts(ctx, run)
	if err != nil {
		j.fail(err)
		return
	}
	run.Samples = nil // they follow
	whole := j.encode(run)
	j.bytes(bytes.TrimSuffix(whole, []byte("}")))
	j.text(`,"texts":`)
	j.bytes(j.encode(texts))
	j.text(`,"samples":{`)
	for i, series := range run.Series {
		if i > 0 {
			j.text(",")
		}
		j.text("\n ")
		j.bytes(j.encode(series.Name))
		j.text(":[")
		first := true
		err := e.eachPoint(ctx, run.ID, series.Name, func(p v1.Point) error {
			if !first {
				j.text(",")
			}
			first = false
			j.bytes(j.encode(p))
			return j.err
		})
		if err != nil {
			j.fail(err)
			return
		}
		j.text("]")
	}
	j.text("}}")
}

// jsonWriter writes until the first error, which it keeps.
type jsonWriter struct {
	w   io.Writer
	err error
}

func (j *jsonWriter) fail(err error) {
	if j.err == nil {
		j.err = err
	}
}

func (j *jsonWriter) text(s string) { j.bytes([]byte(s)) }

func (j *jsonWriter) bytes(data []byte) {
	if j.err == nil {
		_, j.err = j.w.Write(data)
	}
}

func (j *jsonWriter) encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		j.fail(err)
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
