package interpreter

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// badLines counts lines of a script that are not what they should be. People
// are told of the first.
type badLines struct{ count int }

func (b *badLines) add(s session, line []byte, err error) {
	b.count++
	if b.count == 1 {
		s.Emit(script.Warned{Text: fmt.Sprintf("the script sent a line that is not understood, and is ignored like others after it: %v: %.120q", err, line)})
	}
}

// listen takes the script's lines until it closes its end, or until the run
// is over.
func (r *run) listen() {
	err := r.conn.read(r.takeLine, func() {
		r.bad.add(r.session, nil, fmt.Errorf("it has more than %d bytes", maxLine))
	}, r.declare)
	r.warn(err)
	if r.bad.count > 1 {
		r.session.Emit(script.LogLine{Stream: "log", Level: "warn", Text: fmt.Sprintf("%d lines of the script were not understood", r.bad.count)})
	}
	if !r.conn.ending.begun() { // it was the script that closed it
		r.readers.Go(r.warnOfLoss)
	}
	r.conn.close()
	r.calls.close()
}

// warnOfLoss tells people that a script which lives on listens no more.
func (r *run) warnOfLoss() {
	if !r.exitsWithin(lostTime) && !r.bare.Load() && !r.ended.Load() {
		r.session.Emit(script.Warned{Text: "live control is lost: the script has closed its end of the line protocol and runs on; from now on only its output is read"})
	}
}

// lostTime is how long a script that has closed its end of the line protocol
// may take to end without people being told.
const lostTime = time.Second

// takeLine does what one line of the script says. It never waits for the host
// or the script.
func (r *run) takeLine(line []byte) {
	if len(line) == 0 {
		return
	}
	r.greeted.Store(true)
	decoded, err := decodeLine(line)
	if err != nil {
		r.bad.add(r.session, line, err)
		return
	}
	switch l := decoded.(type) {
	case parameterLine:
		r.addParameter(l)
		return
	case variableLine:
		r.addVariable(l.spec, l.source)
		return
	case topicsLine:
		r.addTopics(l)
		return
	}
	r.declare() // what was declared is known before it is used
	switch l := decoded.(type) {
	case helloLine:
		r.declarations.Doc = l.Doc
		r.holds.Store(l.Holds)
		r.releases.Store(l.Releases)
		r.recorder.greeted(l)
	case filesLine:
		r.recorder.opened(l.Paths)
	case samplesLine:
		r.takeSamples(l, line)
	case stepLine:
		r.session.Emit(script.Stepped{Step: l.Step})
		r.reach(l.Step)
	case progressLine:
		r.tellsProgress.Store(true)
		r.session.Emit(script.Progress{Done: l.Done, Total: l.Total, Rate: l.Rate, ETA: l.ETA})
	case resultLine:
		r.session.Emit(script.ResultSet{Name: l.Name, Value: l.Value})
	case logLine:
		r.takeLog(l)
	case changedLine:
		r.inTurn(func() { r.reportChanges(l.changes) })
	case observedLine:
		r.inTurn(func() { r.session.Emit(l.ParametersObserved) })
	case warningLine:
		r.session.Emit(script.Warned{Text: clipText(l.Text)})
	case forgetLine:
		r.forget(l)
	case endLine:
		r.ended.Store(true)
	case failLine:
		r.takeFailure(l)
	case doneLine:
		r.answered(l.id, l)
	case replyLine:
		r.answered(l.id, l)
	case requestLine:
		r.takeRequest(l)
	}
}

func (r *run) answered(id string, answer any) {
	if got := r.calls.take(id); got != nil {
		got(answer)
	}
}

// takeSamples reports samples, and the step that the last of them tells.
func (r *run) takeSamples(l samplesLine, line []byte) {
	if l.err != nil {
		r.bad.add(r.session, line, l.err)
	}
	if len(l.samples) == 0 {
		return
	}
	now, step := time.Now(), int64(-1)
	r.mu.Lock()
	kept := l.samples[:0]
	for _, s := range l.samples {
		if s.Time.IsZero() {
			s.Time = now
		}
		if r.variables[s.Name].Type != script.TypeString {
			s.Value = floatOf(s.Value)
		}
		if s.Step >= 0 {
			step = s.Step
		}
		if r.claims.counts(s.Name) {
			kept = append(kept, s)
		}
	}
	r.mu.Unlock()
	if len(kept) > 0 {
		r.session.Emit(script.Samples{Samples: kept})
	}
	if step >= 0 && step != r.step.Load() {
		r.reach(step)
	}
}

// levels are the names that logging libraries give to the four levels.
var levels = map[string]string{
	"debug": "debug", "trace": "debug", "notset": "debug", "info": "info", "": "info", "notice": "info",
	"warn": "warn", "warning": "warn", "error": "error", "err": "error", "critical": "error", "fatal": "error",
}

// takeLog reports what the script logs, line by line.
func (r *run) takeLog(l logLine) {
	level, ok := levels[strings.ToLower(l.Level)]
	if !ok {
		level = "info"
	}
	s := splitter{now: time.Now, piece: func(text string, partial bool) {
		r.session.Emit(script.LogLine{Stream: "log", Level: level, Text: text, Partial: partial})
	}}
	s.write([]byte(strings.TrimSuffix(l.Text, "\n")))
	s.end()
}

// takeFailure ends the run because the script refused a configured value.
func (r *run) takeFailure(l failLine) {
	e := &script.Error{Code: script.CodeRejected, Message: l.Reason}
	if e.Message == "" {
		e.Message = "the script gave no reason"
	}
	if p := r.configured(l.Parameter); p != nil {
		e.At = p.At
	}
	r.fail(e)
}

// configured returns what the launch says of a parameter, nil for nothing.
func (r *run) configured(name string) *script.LaunchParameter {
	i := slices.IndexFunc(r.launch.Parameters, func(p script.LaunchParameter) bool { return p.Spec.Name == name })
	if i < 0 || name == "" {
		return nil
	}
	return &r.launch.Parameters[i]
}

func clipText(text string) string {
	if len(text) > script.MaxLogText {
		text = strings.ToValidUTF8(text[:script.MaxLogText], "")
	}
	return text
}

// startLine is the first line that the script gets.
func (r *run) startLine() any {
	return struct {
		Op         string                  `json:"op"`
		Version    int                     `json:"version"`
		Run        string                  `json:"run"`
		Script     string                  `json:"script"`
		Parameters map[string]script.Value `json:"parameters"`
		Revision   uint64                  `json:"revision"`
		Catalogue  []catalogued            `json:"catalogue,omitempty"`
		Variables  []string                `json:"variables,omitempty"`
	}{"start", 1, r.session.Run(), r.session.Script(), r.values, r.session.Revision(), r.catalogue(), r.named()}
}

// named returns the variables that the configuration names and says no pattern for.
func (r *run) named() []string {
	var names []string
	for _, v := range r.launch.Variables {
		if v.Pattern == "" {
			names = append(names, v.Name)
		}
	}
	return names
}
