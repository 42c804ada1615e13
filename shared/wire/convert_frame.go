package wire

import (
	"time"

	pb "github.com/mlhost/mlhost/shared/proto/mlhost/plugin/v1"
	"github.com/mlhost/mlhost/shared/script"
)

func frameToProto(f Frame) *pb.Frame {
	out := &pb.Frame{Epoch: f.Epoch}
	switch b := f.Body.(type) {
	case Call:
		out.Body = &pb.Frame_Call{Call: &pb.Call{
			Id: valid(b.ID), Kind: valid(string(b.Kind)), To: valid(b.To), Topic: valid(b.Topic),
			Data: valueToProto(b.Payload()), TimeoutNanos: int64(b.Timeout),
		}}
	case Deliver:
		out.Body = deliverToProto(b)
	case Reply:
		out.Body = &pb.Frame_Reply{Reply: &pb.Reply{
			Id: valid(b.ID), Value: valueToProto(b.Payload()), Recipients: validAll(b.Recipients), Error: errorToProto(b.Err),
		}}
	case Cancel:
		out.Body = &pb.Frame_Cancel{Cancel: &pb.Cancel{Id: valid(b.ID)}}
	case Peers:
		out.Body = &pb.Frame_Peers{Peers: &pb.Peers{Names: validAll(b.Names)}}
	}
	return out
}

func deliverToProto(d Deliver) *pb.Frame_Deliver {
	return &pb.Frame_Deliver{Deliver: &pb.Deliver{
		Id: valid(d.ID), Kind: valid(string(d.Kind)), Source: valid(d.Source), Topic: valid(d.Topic),
		Data: valueToProto(payload(d.packed, d.Data)), TimeUnixNanos: nanos(d.Time), TimeoutNanos: int64(d.Timeout),
	}}
}

// frameFromProto is the reverse of frameToProto. Its body is nil for a kind of
// frame that this version does not know.
func frameFromProto(f *pb.Frame) Frame {
	out := Frame{Epoch: f.GetEpoch()}
	switch b := f.GetBody().(type) {
	case *pb.Frame_Call:
		c := b.Call
		out.Body = Call{
			ID: c.GetId(), Kind: script.MessageKind(c.GetKind()), To: c.GetTo(), Topic: c.GetTopic(),
			Data: valueFromProto(c.GetData()), Timeout: time.Duration(c.GetTimeoutNanos()),
		}
	case *pb.Frame_Deliver:
		d := b.Deliver
		out.Body = Deliver{
			ID: d.GetId(), Kind: script.MessageKind(d.GetKind()), Source: d.GetSource(), Topic: d.GetTopic(),
			Data: valueFromProto(d.GetData()), Time: fromNanos(d.GetTimeUnixNanos()), Timeout: time.Duration(d.GetTimeoutNanos()),
		}
	case *pb.Frame_Reply:
		r := b.Reply
		out.Body = Reply{
			ID: r.GetId(), Value: valueFromProto(r.GetValue()), Recipients: r.GetRecipients(), Err: errorFromProto(r.GetError()),
		}
	case *pb.Frame_Cancel:
		out.Body = Cancel{ID: b.Cancel.GetId()}
	case *pb.Frame_Peers:
		out.Body = Peers{Names: b.Peers.GetNames()}
	}
	return out
}
