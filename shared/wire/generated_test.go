package wire_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	pb "github.com/mlhost/mlhost/shared/proto/mlhost/plugin/v1"
	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// generated is a plugin made of the generated code alone, as an older SDK and
// other languages have it: its answer to a message is the message's data.
type generated struct{ pb.UnimplementedScriptServer }

func (generated) Link(stream grpc.BidiStreamingServer[pb.LinkRequest, pb.LinkResponse]) error {
	for {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		response := new(pb.LinkResponse)
		for _, f := range request.GetFrames() {
			d := f.GetDeliver()
			response.Frames = append(response.Frames,
				&pb.Frame{Epoch: f.GetEpoch(), Body: &pb.Frame_Reply{Reply: &pb.Reply{Id: d.GetId(), Value: d.GetData()}}},
				&pb.Frame{Epoch: f.GetEpoch(), Body: &pb.Frame_Call{Call: &pb.Call{Kind: "broadcast", Topic: d.GetTopic(), Data: d.GetData()}}})
		}
		if err := stream.Send(response); err != nil {
			return err
		}
	}
}

// dial connects to what a server serves.
func dial(t *testing.T, gs *grpc.Server) *grpc.ClientConn {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	served := make(chan error, 1)
	go func() { served <- gs.Serve(listener) }()
	conn, err := grpc.NewClient("passthrough:memory", append(wire.DialOptions(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		gs.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return conn
}

var shared = script.Map(map[string]script.Value{"loss": script.List(script.Float(0.5), script.Null(), script.String("NaN"))})

// A host understands a plugin that knows nothing but the generated code, and
// passes on what it says.
func TestHostWithGeneratedPlugin(t *testing.T) {
	gs := wire.NewGRPCServer(nil)
	pb.RegisterScriptServer(gs, generated{})
	c := wire.NewClient(dial(t, gs))
	for _, open := range []func(context.Context) (wire.Link, error){c.Link, c.Relay} {
		ctx, cancel := context.WithCancel(t.Context())
		l, err := open(ctx)
		if err != nil {
			t.Fatal(err)
		}
		d := wire.Deliver{ID: "1", Kind: script.Ask, Topic: "t", Data: shared}
		for range 2 { // the second time the data that came
			if err := l.Send(wire.Frame{Epoch: 3, Body: d}); err != nil {
				t.Fatal(err)
			}
			reply, err := l.Recv()
			if r, ok := reply.Body.(wire.Reply); err != nil || !ok || reply.Epoch != 3 || r.ID != "1" || !r.Payload().Equal(shared) {
				t.Fatalf("got %+v, %v", reply, err)
			}
			call, err := l.Recv()
			b, ok := call.Body.(wire.Call)
			if err != nil || !ok || b.Kind != script.Broadcast || b.Topic != "t" || !b.Payload().Equal(shared) {
				t.Fatalf("got %+v, %v", call, err)
			}
			d = d.Carrying(b)
		}
		cancel()
	}
}

// A plugin understands a host that knows nothing but the generated code.
func TestPluginWithGeneratedHost(t *testing.T) {
	gs := wire.NewGRPCServer(nil)
	wire.Register(gs, &server{link: echo})
	stream, err := pb.NewScriptClient(dial(t, gs)).Link(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	number := func(i int64) *pb.Value { return &pb.Value{Kind: &pb.Value_Int{Int: i}} }
	request := new(pb.LinkRequest)
	for i := range int64(3) { // several frames in one message
		request.Frames = append(request.Frames, &pb.Frame{Epoch: 4, Body: &pb.Frame_Deliver{Deliver: &pb.Deliver{Id: "d", Kind: "ask", Data: number(i)}}})
	}
	if err := stream.Send(request); err != nil {
		t.Fatal(err)
	}
	for got := int64(0); got < 3; {
		response, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range response.GetFrames() {
			if f.GetEpoch() != 4 || f.GetReply().GetId() != "d" || f.GetReply().GetValue().GetInt() != got {
				t.Fatalf("reply %d is %v", got, f)
			}
			got++
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("the end of the link is %v", err)
	}
}
