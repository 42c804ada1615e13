package wire

import (
	"context"
	"time"

	"google.golang.org/grpc"

	pb "github.com/mlhost/mlhost/shared/proto/mlhost/plugin/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// service serves a Server over gRPC.
type service struct {
	pb.UnimplementedScriptServer
	server Server
}

func (s *service) Identify(ctx context.Context, _ *pb.IdentifyRequest) (*pb.IdentifyResponse, error) {
	id, err := s.server.Identify(ctx)
	if err != nil {
		return nil, toStatus(err)
	}
	return identityToProto(id), nil
}

func (s *service) Describe(ctx context.Context, _ *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	d, err := s.server.Describe(ctx)
	if err != nil {
		return nil, toStatus(err)
	}
	return &pb.DescribeResponse{Description: descriptionToProto(d)}, nil
}

func (s *service) Validate(ctx context.Context, req *pb.ValidateRequest) (*pb.ValidateResponse, error) {
	ds, err := s.server.Validate(ctx, valuesFromProto(req.GetParameters()))
	if err != nil {
		return nil, toStatus(err)
	}
	return &pb.ValidateResponse{Diagnostics: mapSlice(ds, diagnosticToProto)}, nil
}

func (s *service) Start(ctx context.Context, req *pb.StartRequest) (*pb.StartResponse, error) {
	err := s.server.Start(ctx, startFromProto(req))
	if err == nil {
		return &pb.StartResponse{Outcome: pb.StartResponse_OUTCOME_OK}, nil
	}
	e := script.AsError(err)
	outcome := pb.StartResponse_OUTCOME_FATAL
	if e.Code == script.CodeUnavailable {
		outcome = pb.StartResponse_OUTCOME_RETRY
	}
	return &pb.StartResponse{Outcome: outcome, Error: errorToProto(e)}, nil
}

func (s *service) SetParameters(ctx context.Context, req *pb.SetParametersRequest) (*pb.SetParametersResponse, error) {
	reply, err := s.server.SetParameters(ctx, batchFromProto(req.GetBatch()))
	if err != nil {
		return nil, toStatus(err)
	}
	return &pb.SetParametersResponse{Reply: batchReplyToProto(reply)}, nil
}

func (s *service) SetVariables(ctx context.Context, req *pb.SetVariablesRequest) (*pb.SetVariablesResponse, error) {
	reply, err := s.server.SetVariables(ctx, batchFromProto(req.GetBatch()))
	if err != nil {
		return nil, toStatus(err)
	}
	return &pb.SetVariablesResponse{Reply: batchReplyToProto(reply)}, nil
}

func (s *service) Pause(ctx context.Context, _ *pb.PauseRequest) (*pb.PauseResponse, error) {
	return &pb.PauseResponse{}, toStatus(s.server.Pause(ctx))
}

func (s *service) Resume(ctx context.Context, _ *pb.ResumeRequest) (*pb.ResumeResponse, error) {
	return &pb.ResumeResponse{}, toStatus(s.server.Resume(ctx))
}

func (s *service) Checkpoint(_ *pb.CheckpointRequest, stream grpc.ServerStreamingServer[pb.CheckpointResponse]) error {
	c, err := s.server.Checkpoint(stream.Context())
	if err != nil {
		return toStatus(err)
	}
	return splitCheckpoint(c, func(piece *pb.CheckpointInfo) error {
		return stream.Send(&pb.CheckpointResponse{Checkpoint: piece})
	})
}

func (s *service) Restore(stream grpc.ClientStreamingServer[pb.RestoreRequest, pb.RestoreResponse]) error {
	c, err := joinCheckpoint(func() (*pb.CheckpointInfo, error) {
		req, err := stream.Recv()
		return req.GetCheckpoint(), err
	})
	if err != nil {
		return toStatus(err)
	}
	if err := s.server.Restore(stream.Context(), c); err != nil {
		return toStatus(err)
	}
	return stream.SendAndClose(&pb.RestoreResponse{})
}

func (s *service) Stop(ctx context.Context, req *pb.StopRequest) (*pb.StopResponse, error) {
	return &pb.StopResponse{}, toStatus(s.server.Stop(ctx, time.Duration(req.GetGraceNanos()), req.GetReason()))
}

func (s *service) Events(req *pb.EventsRequest, stream grpc.ServerStreamingServer[pb.EventsResponse]) error {
	return toStatus(s.server.Events(stream.Context(), req.GetAfterSeq(), func(events []script.Event) error {
		return stream.Send(&pb.EventsResponse{Events: mapSlice(events, eventToProto)})
	}))
}

func (s *service) Link(stream grpc.BidiStreamingServer[pb.LinkRequest, pb.LinkResponse]) error {
	link := &serverLink{stream: stream, out: newOutbox(stream.Context(), func(frames []byte) error {
		return stream.SendMsg(asMessage(frames))
	})}
	err := s.server.Link(stream.Context(), link)
	link.out.close()
	return toStatus(err)
}

type serverLink struct {
	stream grpc.BidiStreamingServer[pb.LinkRequest, pb.LinkResponse]
	out    *outbox
	in     inbox
}

func (l *serverLink) Send(f Frame) error { return l.out.send(f) }

func (l *serverLink) Post(ctx context.Context, f Frame) error { return l.out.post(ctx, f) }

func (l *serverLink) Recv() (Frame, error) {
	return l.in.next(l.out, func() ([]byte, error) { return receive(l.stream) })
}
