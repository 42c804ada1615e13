package interpreter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// maxLine bounds one line of the line protocol.
const maxLine = 16 << 20

// The lines that a script sends, decoded. Unknown keys are ignored everywhere.
type (
	helloLine struct {
		Language, Interpreter, Name, Doc string
		Holds                            bool // it keeps sets for a step by itself
		Releases                         bool // it can give parameters back to where their values came from
		Executable, Prefix               string
		Path                             []string // on which the interpreter looks for packages
	}
	// filesLine names files that the script opened for writing.
	filesLine     struct{ Paths []string }
	parameterLine struct {
		spec  script.ParameterSpec
		value *script.Value // in use now; nil: the line does not say
		// foreign: a library was told of it; it gives way to any other declaration.
		foreign bool
	}
	variableLine struct {
		spec   script.VariableSpec
		source rank
	}
	topicsLine struct {
		Answers []string
	}
	samplesLine struct {
		samples []script.Sample // a zero Time is now
		err     error           // of the first sample that is none
	}
	stepLine     struct{ Step int64 }
	progressLine struct{ Done, Total, Rate, ETA float64 }
	resultLine   struct {
		Name  string
		Value script.Value
	}
	logLine     struct{ Level, Text string }
	changedLine struct{ changes []script.Change }
	// observedLine tells what became of a change.
	observedLine struct{ script.ParametersObserved }
	warningLine  struct{ Text string }
	failLine     struct{ Reason, Parameter string }
	// doneLine answers set, set_variables, pause, resume and stop.
	doneLine struct {
		id       string
		outcomes []script.Outcome
		err      *script.Error
	}
	// replyLine answers message.
	replyLine struct {
		id    string
		value script.Value
		err   *script.Error
	}
	// requestLine is an ask, tell, broadcast, connector or notify.
	requestLine struct {
		op      string
		id      json.RawMessage // given back as it came
		To      string
		Topic   string
		Data    script.Value // of notify and connector too
		Event   string
		timeout time.Duration // 0: not given
	}
)

// endLine tells that the script comes to its end by itself.
type endLine struct{}

// decodeLine reads one line of a script. A line with an op that it does not
// know gives nil and no error: it may be of a later version.
func decodeLine(line []byte) (any, error) {
	if samples, ok := decodeSamples(line); ok {
		return samplesLine{samples: samples}, nil
	}
	var head struct {
		Op *string         `json:"op"`
		ID json.RawMessage `json:"id"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, fmt.Errorf("not a JSON object with an op: %w", err)
	}
	if head.Op == nil {
		return nil, errors.New(`there is no "op"`)
	}
	switch op := *head.Op; op {
	case "hello":
		return decode[helloLine](line)
	case "parameter":
		return decodeParameter(line)
	case "variable":
		return decodeVariable(line)
	case "files":
		return decode[filesLine](line)
	case "topics":
		return decode[topicsLine](line)
	case "samples":
		return decodeSamplesSlowly(line)
	case "step":
		return decodeStep(line)
	case "progress":
		return decodeProgress(line)
	case "result":
		return decodeResult(line)
	case "log":
		return decode[logLine](line)
	case "changed":
		return decodeChanged(line)
	case "observed":
		return decodeObserved(line)
	case "warning":
		return decode[warningLine](line)
	case "end":
		return endLine{}, nil
	case "forget":
		return decode[forgetLine](line)
	case "fail":
		return decode[failLine](line)
	case "done":
		return decodeDone(head.ID, line)
	case "reply":
		return decodeReply(head.ID, line)
	case "ask", "tell", "broadcast", "connector", "notify":
		return decodeRequest(op, head.ID, line)
	}
	return nil, nil
}

func decode[T any](line []byte) (any, error) {
	var t T
	if err := json.Unmarshal(line, &t); err != nil {
		return nil, err
	}
	return t, nil
}

func decodeStep(line []byte) (any, error) {
	var l struct{ Step script.Value }
	if err := json.Unmarshal(line, &l); err != nil {
		return nil, err
	}
	step, err := stepOf(l.Step)
	if err != nil || l.Step.IsNull() {
		return nil, errors.Join(errors.New("a step line needs an integer step"), err)
	}
	return stepLine{step}, nil
}

func decodeProgress(line []byte) (any, error) {
	var l struct{ Done, Total, Rate, ETA number }
	if err := json.Unmarshal(line, &l); err != nil {
		return nil, err
	}
	return progressLine{float64(l.Done), float64(l.Total), float64(l.Rate), float64(l.ETA)}, nil
}

func decodeResult(line []byte) (any, error) {
	var l resultLine
	if err := json.Unmarshal(line, &l); err != nil {
		return nil, err
	}
	if l.Name == "" {
		return nil, errors.New("a result needs a name")
	}
	l.Value = floatOf(l.Value)
	return l, nil
}

// outcomeJSON is one outcome, or one change, as it stands on a line.
type outcomeJSON struct {
	Name   string
	Status script.OutcomeStatus
	Old    script.Value
	Value  script.Value
	Step   script.Value
	Reason string
}

func decodeChanged(line []byte) (any, error) {
	var l struct{ Changes []outcomeJSON }
	if err := json.Unmarshal(line, &l); err != nil {
		return nil, err
	}
	var changed changedLine
	for _, c := range l.Changes {
		step, err := stepOf(c.Step)
		if err != nil {
			return nil, err
		}
		if c.Name == "" {
			return nil, errors.New("a change needs a name")
		}
		changed.changes = append(changed.changes, script.Change{Name: c.Name, Old: c.Old, New: c.Value, Status: script.Applied, Step: step})
	}
	return changed, nil
}

func decodeObserved(line []byte) (any, error) {
	var l struct {
		Name        string
		Value, Step script.Value
		Overwritten bool
	}
	if err := json.Unmarshal(line, &l); err != nil {
		return nil, err
	}
	step, err := stepOf(l.Step)
	if err != nil {
		return nil, err
	}
	if l.Name == "" {
		return nil, errors.New("an observed line needs a name")
	}
	return observedLine{script.ParametersObserved{Name: l.Name, Value: l.Value, Step: step, Overwritten: l.Overwritten}}, nil
}

func decodeDone(id json.RawMessage, line []byte) (any, error) {
	var l struct {
		Outcomes []outcomeJSON
		Error    *script.Error
	}
	if err := json.Unmarshal(line, &l); err != nil {
		return nil, err
	}
	done := doneLine{id: idText(id), err: knownError(l.Error)}
	for _, o := range l.Outcomes {
		step, err := stepOf(o.Step)
		if err != nil {
			return nil, err
		}
		switch o.Status {
		case script.Applied, script.Pending, script.NeedsRestart, script.Rejected, script.Released:
		default:
			return nil, fmt.Errorf("outcome of %q: there is no status %q", o.Name, o.Status)
		}
		done.outcomes = append(done.outcomes, script.Outcome{Name: o.Name, Status: o.Status, Old: o.Old, Value: o.Value, Step: step, Reason: o.Reason})
	}
	return done, nil
}

func decodeReply(id json.RawMessage, line []byte) (any, error) {
	var l struct {
		Value script.Value
		Error *script.Error
	}
	if err := json.Unmarshal(line, &l); err != nil {
		return nil, err
	}
	return replyLine{id: idText(id), value: l.Value, err: knownError(l.Error)}, nil
}

// knownError gives an error without a code the one of a failed handler.
func knownError(e *script.Error) *script.Error {
	if e != nil && e.Code == "" {
		e.Code = script.CodeHandlerFailed
	}
	return e
}

func decodeRequest(op string, id json.RawMessage, line []byte) (any, error) {
	var l struct {
		To, Topic, Event string
		Data, Message    script.Value
		Timeout          number
	}
	if err := json.Unmarshal(line, &l); err != nil {
		return nil, err
	}
	if op != "notify" && len(id) == 0 {
		return nil, fmt.Errorf("%s needs an id", op)
	}
	r := requestLine{op: op, id: bytes.Clone(id), To: l.To, Topic: l.Topic, Data: l.Data, Event: l.Event}
	if op == "connector" {
		r.Data = l.Message
	}
	if s := float64(l.Timeout); s > 0 { // NaN is not
		r.timeout = time.Duration(min(s, 1e9) * float64(time.Second))
	}
	return r, nil
}

// idText is the text of an id that may be a string or a number.
func idText(id json.RawMessage) string {
	if s, err := strconv.Unquote(string(id)); err == nil {
		return s
	}
	return string(id)
}
