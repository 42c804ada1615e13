package wire

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// source makes data of the vocabulary out of a fuzzer's bytes. At their end it
// makes zeros.
type source struct{ data []byte }

func (s *source) byte() byte {
	if len(s.data) == 0 {
		return 0
	}
	b := s.data[0]
	s.data = s.data[1:]
	return b
}

func (s *source) bool() bool   { return s.byte()&1 == 1 }
func (s *source) n(n int) int  { return int(s.byte()) % n }
func (s *source) int64() int64 { return int64(s.uint64()) }

func (s *source) uint64() uint64 {
	var b [8]byte
	s.data = s.data[copy(b[:], s.data):]
	return binary.LittleEndian.Uint64(b[:])
}

func (s *source) float() float64 {
	f := math.Float64frombits(s.uint64())
	if math.IsNaN(f) {
		return math.NaN() // its payload is not kept
	}
	return f
}

func (s *source) text() string {
	n := min(s.n(20), len(s.data))
	t := string(s.data[:n])
	s.data = s.data[n:]
	return valid(t)
}

func (s *source) time() time.Time {
	if s.n(4) == 0 {
		return time.Time{}
	}
	if n := s.int64(); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}

func (s *source) duration() time.Duration { return time.Duration(s.int64()) }
func (s *source) int32() int              { return int(int32(s.uint64())) }

func slice[T any](s *source, f func() T) []T {
	var out []T
	for range s.n(4) {
		out = append(out, f())
	}
	return out
}

func (s *source) texts() []string { return slice(s, s.text) }

func (s *source) value(depth int) script.Value {
	kinds := 8
	if depth > 4 {
		kinds = 6
	}
	switch s.n(kinds) {
	case 1:
		return script.Bool(s.bool())
	case 2:
		return script.Int(s.int64())
	case 3:
		return script.Float(s.float())
	case 4:
		return script.String(s.text())
	case 5:
		return script.Bytes([]byte(s.text()))
	case 6:
		return script.List(slice(s, func() script.Value { return s.value(depth + 1) })...)
	case 7:
		table := map[string]script.Value{}
		for range s.n(4) {
			table[s.text()] = s.value(depth + 1)
		}
		return script.Map(table)
	}
	return script.Null()
}

func (s *source) any() script.Value { return s.value(0) }

func (s *source) values() map[string]script.Value {
	var out map[string]script.Value
	for range s.n(4) {
		if out == nil {
			out = map[string]script.Value{}
		}
		out[s.text()] = s.any()
	}
	return out
}

func (s *source) parameter() script.ParameterSpec {
	return script.ParameterSpec{
		Name: s.text(), Type: script.Type(s.text()), Default: s.any(), Doc: s.text(), Unit: s.text(), Group: s.text(),
		Required: s.bool(), Sensitive: s.bool(), Min: s.any(), Max: s.any(), ExclusiveMin: s.bool(), ExclusiveMax: s.bool(),
		Step: s.any(), Scale: script.Scale(s.text()), Choices: slice(s, s.any), Pattern: s.text(), MinLength: s.int64(),
		MaxLength: s.int64(), Mutability: script.Mutability(s.text()), Deprecated: s.text(),
		Origin: script.Origin{File: s.text(), Line: s.int32(), Style: s.text()}, Confidence: script.Confidence(s.text()),
	}
}

func (s *source) description() script.Description {
	d := script.Description{
		Name: s.text(), Doc: s.text(), Parameters: slice(s, s.parameter),
		Variables: slice(s, func() script.VariableSpec {
			return script.VariableSpec{
				Name: s.text(), Type: script.Type(s.text()), Unit: s.text(), Doc: s.text(), ReadOnly: s.bool(),
				Delivery: script.Delivery(s.text()), MaxRate: s.float(),
			}
		}),
		Results: slice(s, func() script.ResultSpec {
			return script.ResultSpec{Name: s.text(), Type: script.Type(s.text()), Unit: s.text(), Doc: s.text()}
		}),
		Topics: slice(s, func() script.TopicSpec {
			return script.TopicSpec{Name: s.text(), Doc: s.text(), Answers: s.bool()}
		}),
		Capabilities: s.texts(), MayOverlap: s.bool(),
	}
	if s.bool() {
		d.State = &script.StateSchema{Name: s.text(), Version: s.int64(), CanRestoreFrom: slice(s, s.int64)}
	}
	return d
}

func (s *source) change() script.Change {
	return script.Change{Name: s.text(), Old: s.any(), New: s.any(), Status: script.OutcomeStatus(s.text()), Step: s.int64()}
}

func (s *source) sample() script.Sample {
	return script.Sample{Name: s.text(), Step: s.int64(), Time: s.time(), Value: s.any()}
}

func (s *source) body() script.Body {
	switch s.n(20) {
	case 1:
		return script.LogLine{Stream: s.text(), Level: s.text(), Text: s.text(), Partial: s.bool()}
	case 2:
		return script.Stepped{Step: s.int64()}
	case 3:
		return script.Progress{Done: s.float(), Total: s.float(), Rate: s.float(), ETA: s.float()}
	case 4:
		return script.ResultSet{Name: s.text(), Value: s.any()}
	case 5:
		b := script.StateChanged{State: script.State(s.text()), Reason: s.text(), PID: s.int32(), PluginPID: s.int32()}
		if s.bool() {
			code := s.int32()
			b.ExitCode = &code
		}
		return b
	case 6:
		return script.ParametersChanged{Revision: s.uint64(), Author: s.text(), Batch: s.text(), Changes: slice(s, s.change)}
	case 7:
		return script.ParametersObserved{Name: s.text(), Value: s.any(), Step: s.int64(), Overwritten: s.bool()}
	case 8:
		return script.Described{Description: s.description(), Values: s.values()}
	case 9:
		return script.CheckpointMade{Path: s.text(), SHA256: s.text(), Step: s.int64()}
	case 10:
		return script.Heartbeat{}
	case 11:
		return script.Gap{From: s.uint64(), To: s.uint64(), Dropped: s.uint64(), Reason: s.text()}
	case 12:
		return script.Notified{Event: s.text(), Data: s.any()}
	case 13:
		return script.Warned{Text: s.text()}
	case 14:
		return script.RunStarted{
			Parameters: s.values(), Revision: s.uint64(), Binary: s.text(), Plugin: s.text(), Command: s.texts(), Attempt: s.int32(),
		}
	case 15:
		return script.OwnerChanged{Name: s.text(), Owner: s.text()}
	case 16:
		return script.MessageRouted{
			ID: s.text(), Kind: script.MessageKind(s.text()), Source: s.text(), Target: s.text(), Topic: s.text(),
			Took: s.duration(), Code: script.Code(s.text()), Problem: s.text(), Count: s.uint64(),
		}
	case 17:
		return script.RouteFired{Route: s.text(), Target: s.text(), Value: s.any(), Problem: s.text()}
	case 18:
		b := script.Recorded{Record: s.values()}
		for range s.n(3) {
			if b.Texts == nil {
				b.Texts = map[string]string{}
			}
			b.Texts[s.text()] = s.text()
		}
		return b
	case 19:
		return script.ArtifactWritten{Path: s.text(), Size: s.int64(), SHA256: s.text(), Kind: s.text(), Found: s.text()}
	}
	return script.Samples{Samples: slice(s, s.sample)}
}

func (s *source) event() script.Event {
	return script.Event{Seq: s.uint64(), Time: s.time(), Script: s.text(), Run: s.text(), Body: s.body()}
}

func (s *source) err() *script.Error {
	if s.bool() {
		return nil
	}
	e := &script.Error{Code: script.Code(s.text()), Message: s.text(), Hint: s.text(), At: s.text()}
	if e.Code == "" {
		e.Code = script.CodeInternal
	}
	return e
}

func (s *source) frame() Frame {
	f := Frame{Epoch: s.uint64()}
	switch s.n(5) {
	case 0:
		f.Body = Call{ID: s.text(), Kind: script.MessageKind(s.text()), To: s.text(), Topic: s.text(), Data: s.any(), Timeout: s.duration()}
	case 1:
		f.Body = Deliver{
			ID: s.text(), Kind: script.MessageKind(s.text()), Source: s.text(), Topic: s.text(), Data: s.any(),
			Time: s.time(), Timeout: s.duration(),
		}
	case 2:
		f.Body = Reply{ID: s.text(), Value: s.any(), Recipients: s.texts(), Err: s.err()}
	case 3:
		f.Body = Cancel{ID: s.text()}
	case 4:
		f.Body = Peers{Names: s.texts()}
	}
	return f
}

func (s *source) batch() script.Batch {
	b := script.Batch{ID: s.text(), Values: s.values(), Author: s.text(), Take: s.bool()}
	if s.bool() {
		r := s.uint64()
		b.IfRevision = &r
	}
	if s.bool() {
		at := s.int64()
		b.AtStep = &at
	}
	return b
}

func (s *source) batchReply() script.BatchReply {
	return script.BatchReply{Revision: s.uint64(), Outcomes: slice(s, func() script.Outcome {
		return script.Outcome{
			Name: s.text(), Status: script.OutcomeStatus(s.text()), Old: s.any(), Value: s.any(), Step: s.int64(), Reason: s.text(),
		}
	})}
}

func (s *source) start() StartRequest {
	r := StartRequest{
		Run: s.text(), Script: s.text(), Parameters: s.values(), Revision: s.uint64(), FirstSeq: s.uint64(), RunDir: s.text(),
		ProcessDir: s.text(), Paused: s.bool(),
	}
	if s.bool() {
		c := Checkpoint{Schema: s.text(), Version: s.int64(), Path: s.text(), SHA256: s.text(), Step: s.int64()}
		c.Waiting = slice(s, func() Waiting {
			return Waiting{Name: s.text(), Value: s.any(), Step: s.int64(), Author: s.text()}
		})
		if data := s.text(); data != "" {
			c.Data = []byte(data)
		}
		r.Checkpoint = &c
	}
	return r
}

func (s *source) identity() Identity {
	return Identity{
		Nonce: s.text(), PID: s.int32(), Started: s.time(), SHA256: s.text(), API: s.int32(), Capabilities: s.texts(),
		Run: s.text(), State: script.State(s.text()), LastSeq: s.uint64(), ScriptPID: s.int32(),
	}
}
