package wire

import (
	"time"

	pb "github.com/mlhost/mlhost/shared/proto/mlhost/plugin/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// eventToProto converts an event; its ID, which is the host's own, stays behind.
func eventToProto(e script.Event) *pb.Event {
	out := &pb.Event{Seq: e.Seq, TimeUnixNanos: nanos(e.Time), Script: valid(e.Script), Run: valid(e.Run)}
	switch b := e.Body.(type) {
	case script.Samples:
		out.Body = &pb.Event_Samples{Samples: samplesToProto(b.Samples)}
	case script.LogLine:
		out.Body = &pb.Event_Log{Log: &pb.LogLine{
			Stream: valid(b.Stream), Level: valid(b.Level), Text: valid(b.Text), Partial: b.Partial,
		}}
	case script.Stepped:
		out.Body = &pb.Event_Stepped{Stepped: &pb.Stepped{Step: b.Step}}
	case script.Progress:
		out.Body = &pb.Event_Progress{Progress: &pb.Progress{Done: b.Done, Total: b.Total, Rate: b.Rate, Eta: b.ETA}}
	case script.ResultSet:
		out.Body = &pb.Event_Result{Result: &pb.ResultSet{Name: valid(b.Name), Value: valueToProto(b.Value)}}
	case script.StateChanged:
		out.Body = &pb.Event_State{State: stateToProto(b)}
	case script.ParametersChanged:
		out.Body = &pb.Event_Parameters{Parameters: &pb.ParametersChanged{
			Revision: b.Revision, Author: valid(b.Author), Batch: valid(b.Batch), Changes: mapSlice(b.Changes, changeToProto),
		}}
	case script.ParametersObserved:
		out.Body = &pb.Event_Observed{Observed: &pb.ParametersObserved{
			Name: valid(b.Name), Value: valueToProto(b.Value), Step: b.Step, Overwritten: b.Overwritten,
		}}
	case script.Described:
		out.Body = &pb.Event_Described{Described: &pb.Described{
			Description: descriptionToProto(b.Description), Values: valuesToProto(b.Values),
		}}
	case script.CheckpointMade:
		out.Body = &pb.Event_Checkpoint{Checkpoint: &pb.CheckpointMade{
			Path: valid(b.Path), Sha256: valid(b.SHA256), Step: b.Step,
		}}
	case script.Recorded:
		out.Body = &pb.Event_Recorded{Recorded: &pb.Recorded{Record: valuesToProto(b.Record), Texts: validTexts(b.Texts)}}
	case script.ArtifactWritten:
		out.Body = &pb.Event_Artifact{Artifact: &pb.ArtifactWritten{
			Path: valid(b.Path), Size: b.Size, Sha256: valid(b.SHA256), Kind: valid(b.Kind), Found: valid(b.Found),
		}}
	case script.Heartbeat:
		out.Body = &pb.Event_Heartbeat{Heartbeat: &pb.Heartbeat{}}
	case script.Gap:
		out.Body = &pb.Event_Gap{Gap: &pb.Gap{From: b.From, To: b.To, Dropped: b.Dropped, Reason: valid(b.Reason)}}
	case script.Notified:
		out.Body = &pb.Event_Notified{Notified: &pb.Notified{Event: valid(b.Event), Data: valueToProto(b.Data)}}
	case script.Warned:
		out.Body = &pb.Event_Warned{Warned: &pb.Warned{Text: valid(b.Text)}}
	default:
		hostBodyToProto(out, e.Body)
	}
	return out
}

// hostBodyToProto converts the bodies that hosts make.
func hostBodyToProto(out *pb.Event, body script.Body) {
	switch b := body.(type) {
	case script.RunStarted:
		out.Body = &pb.Event_Started{Started: &pb.RunStarted{
			Parameters: valuesToProto(b.Parameters), Revision: b.Revision, Binary: valid(b.Binary),
			Plugin: valid(b.Plugin), Command: validAll(b.Command), Attempt: int64(b.Attempt),
		}}
	case script.OwnerChanged:
		out.Body = &pb.Event_Owner{Owner: &pb.OwnerChanged{Name: valid(b.Name), Owner: valid(b.Owner)}}
	case script.MessageRouted:
		out.Body = &pb.Event_Routed{Routed: &pb.MessageRouted{
			Count: b.Count,
			Id:    valid(b.ID), Kind: valid(string(b.Kind)), Source: valid(b.Source), Target: valid(b.Target),
			Topic: valid(b.Topic), TookNanos: int64(b.Took), Code: valid(string(b.Code)), Problem: valid(b.Problem),
		}}
	case script.RouteFired:
		out.Body = &pb.Event_Fired{Fired: &pb.RouteFired{
			Route: valid(b.Route), Target: valid(b.Target), Value: valueToProto(b.Value), Problem: valid(b.Problem),
		}}
	}
}

// eventFromProto is the reverse of eventToProto. Its body is nil for a kind of
// event that this version does not know.
func eventFromProto(e *pb.Event) script.Event {
	return script.Event{
		Seq: e.GetSeq(), Time: fromNanos(e.GetTimeUnixNanos()), Script: e.GetScript(), Run: e.GetRun(),
		Body: bodyFromProto(e),
	}
}

func bodyFromProto(e *pb.Event) script.Body {
	switch b := e.GetBody().(type) {
	case *pb.Event_Samples:
		return script.Samples{Samples: samplesFromProto(b.Samples)}
	case *pb.Event_Log:
		l := b.Log
		return script.LogLine{Stream: l.GetStream(), Level: l.GetLevel(), Text: l.GetText(), Partial: l.GetPartial()}
	case *pb.Event_Stepped:
		return script.Stepped{Step: b.Stepped.GetStep()}
	case *pb.Event_Progress:
		p := b.Progress
		return script.Progress{Done: p.GetDone(), Total: p.GetTotal(), Rate: p.GetRate(), ETA: p.GetEta()}
	case *pb.Event_Result:
		return script.ResultSet{Name: b.Result.GetName(), Value: valueFromProto(b.Result.GetValue())}
	case *pb.Event_State:
		return stateFromProto(b.State)
	case *pb.Event_Parameters:
		p := b.Parameters
		return script.ParametersChanged{
			Revision: p.GetRevision(), Author: p.GetAuthor(), Batch: p.GetBatch(), Changes: mapSlice(p.GetChanges(), changeFromProto),
		}
	case *pb.Event_Observed:
		o := b.Observed
		return script.ParametersObserved{
			Name: o.GetName(), Value: valueFromProto(o.GetValue()), Step: o.GetStep(), Overwritten: o.GetOverwritten(),
		}
	case *pb.Event_Described:
		return script.Described{
			Description: descriptionFromProto(b.Described.GetDescription()), Values: valuesFromProto(b.Described.GetValues()),
		}
	case *pb.Event_Checkpoint:
		c := b.Checkpoint
		return script.CheckpointMade{Path: c.GetPath(), SHA256: c.GetSha256(), Step: c.GetStep()}
	case *pb.Event_Recorded:
		return script.Recorded{Record: valuesFromProto(b.Recorded.GetRecord()), Texts: b.Recorded.GetTexts()}
	case *pb.Event_Artifact:
		a := b.Artifact
		return script.ArtifactWritten{
			Path: a.GetPath(), Size: a.GetSize(), SHA256: a.GetSha256(), Kind: a.GetKind(), Found: a.GetFound(),
		}
	case *pb.Event_Heartbeat:
		return script.Heartbeat{}
	case *pb.Event_Gap:
		g := b.Gap
		return script.Gap{From: g.GetFrom(), To: g.GetTo(), Dropped: g.GetDropped(), Reason: g.GetReason()}
	case *pb.Event_Notified:
		return script.Notified{Event: b.Notified.GetEvent(), Data: valueFromProto(b.Notified.GetData())}
	case *pb.Event_Warned:
		return script.Warned{Text: b.Warned.GetText()}
	}
	return hostBodyFromProto(e)
}

func hostBodyFromProto(e *pb.Event) script.Body {
	switch b := e.GetBody().(type) {
	case *pb.Event_Started:
		s := b.Started
		return script.RunStarted{
			Parameters: valuesFromProto(s.GetParameters()), Revision: s.GetRevision(), Binary: s.GetBinary(),
			Plugin: s.GetPlugin(), Command: s.GetCommand(), Attempt: int(s.GetAttempt()),
		}
	case *pb.Event_Owner:
		return script.OwnerChanged{Name: b.Owner.GetName(), Owner: b.Owner.GetOwner()}
	case *pb.Event_Routed:
		r := b.Routed
		return script.MessageRouted{
			Count: r.GetCount(),
			ID:    r.GetId(), Kind: script.MessageKind(r.GetKind()), Source: r.GetSource(), Target: r.GetTarget(),
			Topic: r.GetTopic(), Took: time.Duration(r.GetTookNanos()), Code: script.Code(r.GetCode()), Problem: r.GetProblem(),
		}
	case *pb.Event_Fired:
		f := b.Fired
		return script.RouteFired{
			Route: f.GetRoute(), Target: f.GetTarget(), Value: valueFromProto(f.GetValue()), Problem: f.GetProblem(),
		}
	}
	return nil
}

// validTexts returns texts that the wire can carry, nil for none.
func validTexts(texts map[string]string) map[string]string {
	if len(texts) == 0 {
		return nil
	}
	out := make(map[string]string, len(texts))
	for name, text := range texts {
		out[valid(name)] = valid(text)
	}
	return out
}

func stateToProto(s script.StateChanged) *pb.StateChanged {
	out := &pb.StateChanged{
		State: valid(string(s.State)), Reason: valid(s.Reason), Pid: int64(s.PID), PluginPid: int64(s.PluginPID),
	}
	if s.ExitCode != nil {
		code := int32(*s.ExitCode)
		out.ExitCode = &code
	}
	return out
}

func stateFromProto(s *pb.StateChanged) script.StateChanged {
	out := script.StateChanged{
		State: script.State(s.GetState()), Reason: s.GetReason(), PID: int(s.GetPid()), PluginPID: int(s.GetPluginPid()),
	}
	if s != nil && s.ExitCode != nil {
		code := int(*s.ExitCode)
		out.ExitCode = &code
	}
	return out
}

func changeToProto(c script.Change) *pb.Change {
	return &pb.Change{
		Name: valid(c.Name), Old: valueToProto(c.Old), New: valueToProto(c.New), Status: valid(string(c.Status)), Step: c.Step,
	}
}

func changeFromProto(c *pb.Change) script.Change {
	return script.Change{
		Name: c.GetName(), Old: valueFromProto(c.GetOld()), New: valueFromProto(c.GetNew()),
		Status: script.OutcomeStatus(c.GetStatus()), Step: c.GetStep(),
	}
}
