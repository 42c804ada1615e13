package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"

	pb "github.com/mlhost/mlhost/shared/proto/mlhost/plugin/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// Client is the host's side of one plugin. Its methods are Server's; errors
// are script.Errors, or context.Canceled. Give every call a deadline.
type Client struct{ rpc pb.ScriptClient }

// NewClient returns a Client over conn, which should have DialOptions.
func NewClient(conn grpc.ClientConnInterface) *Client {
	return &Client{rpc: pb.NewScriptClient(conn)}
}

// Identify tells which process this is and what it does now.
func (c *Client) Identify(ctx context.Context) (Identity, error) {
	resp, err := c.rpc.Identify(ctx, &pb.IdentifyRequest{})
	if err != nil {
		return Identity{}, fromStatus(err)
	}
	return identityFromProto(resp), nil
}

// Describe tells what the script takes and reports.
func (c *Client) Describe(ctx context.Context) (script.Description, error) {
	resp, err := c.rpc.Describe(ctx, &pb.DescribeRequest{})
	if err != nil {
		return script.Description{}, fromStatus(err)
	}
	return descriptionFromProto(resp.GetDescription()), nil
}

// Validate checks values against each other, without side effects.
func (c *Client) Validate(ctx context.Context, values map[string]script.Value) ([]Diagnostic, error) {
	resp, err := c.rpc.Validate(ctx, &pb.ValidateRequest{Parameters: valuesToProto(values)})
	if err != nil {
		return nil, fromStatus(err)
	}
	return mapSlice(resp.GetDiagnostics(), diagnosticFromProto), nil
}

// Start begins the run. An error of code unavailable means that another try
// may go well; any other means that it will not.
func (c *Client) Start(ctx context.Context, request StartRequest) error {
	resp, err := c.rpc.Start(ctx, startToProto(request))
	if err != nil {
		return fromStatus(err)
	}
	switch resp.GetOutcome() {
	case pb.StartResponse_OUTCOME_RETRY, pb.StartResponse_OUTCOME_FATAL:
	default:
		return nil
	}
	e := errorFromProto(resp.GetError())
	if e == nil {
		e = script.Errorf(script.CodeInternal, "the plugin refused to start and gave no reason")
	}
	if resp.GetOutcome() == pb.StartResponse_OUTCOME_RETRY {
		e.Code = script.CodeUnavailable
	}
	return e
}

// SetParameters changes all or nothing.
func (c *Client) SetParameters(ctx context.Context, batch script.Batch) (script.BatchReply, error) {
	resp, err := c.rpc.SetParameters(ctx, &pb.SetParametersRequest{Batch: batchToProto(batch)})
	if err != nil {
		return script.BatchReply{}, fromStatus(err)
	}
	return batchReplyFromProto(resp.GetReply()), nil
}

// SetVariables changes writable variables, all or nothing.
func (c *Client) SetVariables(ctx context.Context, batch script.Batch) (script.BatchReply, error) {
	resp, err := c.rpc.SetVariables(ctx, &pb.SetVariablesRequest{Batch: batchToProto(batch)})
	if err != nil {
		return script.BatchReply{}, fromStatus(err)
	}
	return batchReplyFromProto(resp.GetReply()), nil
}

// Pause answers when the script has paused.
func (c *Client) Pause(ctx context.Context) error {
	_, err := c.rpc.Pause(ctx, &pb.PauseRequest{})
	return fromStatus(err)
}

// Resume answers when the script goes on.
func (c *Client) Resume(ctx context.Context) error {
	_, err := c.rpc.Resume(ctx, &pb.ResumeRequest{})
	return fromStatus(err)
}

// Checkpoint makes the script write down its state.
func (c *Client) Checkpoint(ctx context.Context) (Checkpoint, error) {
	stream, err := c.rpc.Checkpoint(ctx, &pb.CheckpointRequest{})
	if err != nil {
		return Checkpoint{}, fromStatus(err)
	}
	return joinCheckpoint(func() (*pb.CheckpointInfo, error) {
		resp, err := stream.Recv()
		return resp.GetCheckpoint(), err
	})
}

// Restore hands over a state before Start.
func (c *Client) Restore(ctx context.Context, checkpoint Checkpoint) error {
	stream, err := c.rpc.Restore(ctx)
	if err != nil {
		return fromStatus(err)
	}
	err = splitCheckpoint(checkpoint, func(piece *pb.CheckpointInfo) error {
		return stream.Send(&pb.RestoreRequest{Checkpoint: piece})
	})
	if err != nil && !errors.Is(err, io.EOF) { // at io.EOF the reason comes below
		return fromStatus(err)
	}
	_, err = stream.CloseAndRecv()
	return fromStatus(err)
}

// Stop asks the script to end and returns when the run is over, or the grace
// has passed.
func (c *Client) Stop(ctx context.Context, grace time.Duration, reason string) error {
	_, err := c.rpc.Stop(ctx, &pb.StopRequest{GraceNanos: int64(grace), Reason: valid(reason)})
	return fromStatus(err)
}

// Events gives everything behind afterSeq to send, and then what comes, until
// the plugin ends the stream (nil), ctx ends or send fails. Events of kinds
// that this version does not know are left out.
func (c *Client) Events(ctx context.Context, afterSeq uint64, send func([]script.Event) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.rpc.Events(ctx, &pb.EventsRequest{AfterSeq: afterSeq})
	if err != nil {
		return fromStatus(err)
	}
	for {
		resp, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fromStatus(err)
		}
		events := make([]script.Event, 0, len(resp.GetEvents()))
		for _, e := range resp.GetEvents() {
			if event := eventFromProto(e); event.Body != nil {
				events = append(events, event)
			}
		}
		if len(events) == 0 {
			continue
		}
		if err := send(events); err != nil {
			return fmt.Errorf("take events: %w", err)
		}
	}
}

// Link opens the message stream; it lasts until ctx ends or the plugin goes.
func (c *Client) Link(ctx context.Context) (Link, error) { return c.link(ctx, false) }

// Relay is Link for who passes messages on: the data of the calls and replies
// that it receives stay packed, for their Payload, Deliver.Carrying and for
// replies that are sent on.
func (c *Client) Relay(ctx context.Context) (Link, error) { return c.link(ctx, true) }

func (c *Client) link(ctx context.Context, pack bool) (Link, error) {
	stream, err := c.rpc.Link(ctx)
	if err != nil {
		return nil, fromStatus(err)
	}
	return &clientLink{stream: stream, out: newOutbox(stream.Context(), func(frames []byte) error {
		return stream.SendMsg(asMessage(frames))
	}), in: inbox{pack: pack}}, nil
}

type clientLink struct {
	stream grpc.BidiStreamingClient[pb.LinkRequest, pb.LinkResponse]
	out    *outbox
	in     inbox
}

func (l *clientLink) Send(f Frame) error { return l.out.send(f) }

func (l *clientLink) Post(ctx context.Context, f Frame) error { return l.out.post(ctx, f) }

func (l *clientLink) Recv() (Frame, error) {
	return l.in.next(l.out, func() ([]byte, error) { return receive(l.stream) })
}
