package wire

import (
	"strings"
	"time"

	pb "github.com/mlhost/mlhost/shared/proto/mlhost/plugin/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// The conversions in this file and its sisters are pure and total: whatever
// comes in, something valid comes out. Text that is no UTF-8, which protobuf
// refuses, gets U+FFFD for its bad bytes.

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func validAll(in []string) []string {
	return mapSlice(in, valid)
}

// mapSlice converts each element; no elements give nil.
func mapSlice[A, B any](in []A, f func(A) B) []B {
	if len(in) == 0 {
		return nil
	}
	out := make([]B, len(in))
	for i, a := range in {
		out[i] = f(a)
	}
	return out
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n)
}

func valueToProto(v script.Value) *pb.Value {
	switch v.Kind() {
	case script.KindBool:
		b, _ := v.Bool()
		return &pb.Value{Kind: &pb.Value_Bool{Bool: b}}
	case script.KindInt:
		i, _ := v.Int()
		return &pb.Value{Kind: &pb.Value_Int{Int: i}}
	case script.KindFloat:
		f, _ := v.Float()
		return &pb.Value{Kind: &pb.Value_Float{Float: f}}
	case script.KindString:
		s, _ := v.Text()
		return &pb.Value{Kind: &pb.Value_String_{String_: valid(s)}}
	case script.KindBytes:
		b, _ := v.Bytes()
		return &pb.Value{Kind: &pb.Value_Bytes{Bytes: b}}
	case script.KindList:
		list, _ := v.List()
		return &pb.Value{Kind: &pb.Value_List{List: &pb.ValueList{Values: mapSlice(list, valueToProto)}}}
	case script.KindMap:
		table, _ := v.Map()
		return &pb.Value{Kind: &pb.Value_Map{Map: &pb.ValueMap{Values: valuesToProto(table)}}}
	}
	return &pb.Value{Kind: &pb.Value_Null{Null: true}}
}

func valueFromProto(v *pb.Value) script.Value {
	switch k := v.GetKind().(type) {
	case *pb.Value_Bool:
		return script.Bool(k.Bool)
	case *pb.Value_Int:
		return script.Int(k.Int)
	case *pb.Value_Float:
		return script.Float(k.Float)
	case *pb.Value_String_:
		return script.String(k.String_)
	case *pb.Value_Bytes:
		return script.Bytes(k.Bytes)
	case *pb.Value_List:
		return script.List(mapSlice(k.List.GetValues(), valueFromProto)...)
	case *pb.Value_Map:
		return script.Map(valuesFromProto(k.Map.GetValues()))
	}
	return script.Null()
}

func valuesToProto(in map[string]script.Value) map[string]*pb.Value {
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]*pb.Value, len(in))
	for name, v := range in {
		out[valid(name)] = valueToProto(v)
	}
	return out
}

func valuesFromProto(in map[string]*pb.Value) map[string]script.Value {
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]script.Value, len(in))
	for name, v := range in {
		out[name] = valueFromProto(v)
	}
	return out
}

func batchToProto(b script.Batch) *pb.Batch {
	return &pb.Batch{
		Id: valid(b.ID), Values: valuesToProto(b.Values), IfRevision: b.IfRevision,
		Author: valid(b.Author), Take: b.Take, AtStep: b.AtStep, Release: validAll(b.Release),
	}
}

func batchFromProto(b *pb.Batch) script.Batch {
	if b == nil {
		return script.Batch{}
	}
	return script.Batch{
		ID: b.GetId(), Values: valuesFromProto(b.GetValues()), IfRevision: b.IfRevision,
		Author: b.GetAuthor(), Take: b.GetTake(), AtStep: b.AtStep, Release: b.GetRelease(),
	}
}

func batchReplyToProto(r script.BatchReply) *pb.BatchReply {
	return &pb.BatchReply{Revision: r.Revision, Outcomes: mapSlice(r.Outcomes, outcomeToProto)}
}

func batchReplyFromProto(r *pb.BatchReply) script.BatchReply {
	return script.BatchReply{Revision: r.GetRevision(), Outcomes: mapSlice(r.GetOutcomes(), outcomeFromProto)}
}

func outcomeToProto(o script.Outcome) *pb.Outcome {
	return &pb.Outcome{
		Name: valid(o.Name), Status: valid(string(o.Status)), Old: valueToProto(o.Old),
		Value: valueToProto(o.Value), Step: o.Step, Reason: valid(o.Reason),
	}
}

func outcomeFromProto(o *pb.Outcome) script.Outcome {
	return script.Outcome{
		Name: o.GetName(), Status: script.OutcomeStatus(o.GetStatus()), Old: valueFromProto(o.GetOld()),
		Value: valueFromProto(o.GetValue()), Step: o.GetStep(), Reason: o.GetReason(),
	}
}

func diagnosticToProto(d Diagnostic) *pb.Diagnostic {
	return &pb.Diagnostic{
		Severity: valid(d.Severity), Summary: valid(d.Summary), Detail: valid(d.Detail), Path: validAll(d.Path),
	}
}

func diagnosticFromProto(d *pb.Diagnostic) Diagnostic {
	return Diagnostic{Severity: d.GetSeverity(), Summary: d.GetSummary(), Detail: d.GetDetail(), Path: d.GetPath()}
}

func identityToProto(i Identity) *pb.IdentifyResponse {
	return &pb.IdentifyResponse{
		Nonce: valid(i.Nonce), Pid: int64(i.PID), StartedUnixNanos: nanos(i.Started), Sha256: valid(i.SHA256),
		Api: int32(i.API), Capabilities: validAll(i.Capabilities), Run: valid(i.Run), State: valid(string(i.State)),
		LastSeq: i.LastSeq, ScriptPid: int64(i.ScriptPID),
	}
}

func identityFromProto(i *pb.IdentifyResponse) Identity {
	return Identity{
		Nonce: i.GetNonce(), PID: int(i.GetPid()), Started: fromNanos(i.GetStartedUnixNanos()), SHA256: i.GetSha256(),
		API: int(i.GetApi()), Capabilities: i.GetCapabilities(), Run: i.GetRun(), State: script.State(i.GetState()),
		LastSeq: i.GetLastSeq(), ScriptPID: int(i.GetScriptPid()),
	}
}

func startToProto(r StartRequest) *pb.StartRequest {
	out := &pb.StartRequest{
		Run: valid(r.Run), Script: valid(r.Script), Parameters: valuesToProto(r.Parameters), Revision: r.Revision,
		FirstSeq: r.FirstSeq, RunDir: valid(r.RunDir), ProcessDir: valid(r.ProcessDir), Paused: r.Paused,
	}
	if r.Checkpoint != nil {
		out.Checkpoint = checkpointToProto(*r.Checkpoint)
	}
	return out
}

func startFromProto(r *pb.StartRequest) StartRequest {
	out := StartRequest{
		Run: r.GetRun(), Script: r.GetScript(), Parameters: valuesFromProto(r.GetParameters()), Revision: r.GetRevision(),
		FirstSeq: r.GetFirstSeq(), RunDir: r.GetRunDir(), ProcessDir: r.GetProcessDir(), Paused: r.GetPaused(),
	}
	if r.GetCheckpoint() != nil {
		c := checkpointFromProto(r.GetCheckpoint())
		out.Checkpoint = &c
	}
	return out
}

func checkpointToProto(c Checkpoint) *pb.CheckpointInfo {
	return &pb.CheckpointInfo{
		Schema: valid(c.Schema), Version: c.Version, Data: c.Data, Path: valid(c.Path), Sha256: valid(c.SHA256),
		Step: c.Step, Waiting: mapSlice(c.Waiting, func(w Waiting) *pb.WaitingChange {
			return &pb.WaitingChange{Name: valid(w.Name), Value: valueToProto(w.Value), Step: w.Step, Author: valid(w.Author)}
		}),
	}
}

func checkpointFromProto(c *pb.CheckpointInfo) Checkpoint {
	return Checkpoint{
		Schema: c.GetSchema(), Version: c.GetVersion(), Data: c.GetData(), Path: c.GetPath(), SHA256: c.GetSha256(),
		Step: c.GetStep(), Waiting: mapSlice(c.GetWaiting(), func(w *pb.WaitingChange) Waiting {
			return Waiting{Name: w.GetName(), Value: valueFromProto(w.GetValue()), Step: w.GetStep(), Author: w.GetAuthor()}
		}),
	}
}
