package byhand

import (
	"context"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/structpb"
)

// message is what travels in every call; a Struct needs no generated code.
type message = structpb.Struct

// handlers is a gRPC service of three methods, of which a part sets those
// that it serves.
type handlers struct {
	set       func(context.Context, *message) (*message, error)
	link      func(grpc.BidiStreamingServer[message, message]) error
	subscribe func(*message, grpc.ServerStreamingServer[message]) error
	graceful  bool // at the end, let calls that are under way have their answers
}

const serviceName = "byhand.Script"

// serve serves h on a unix socket until ctx ends.
func (h *handlers) serve(ctx context.Context, socket string) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", socket)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: serviceName,
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Set", Handler: handleSet}},
		Streams: []grpc.StreamDesc{
			{StreamName: "Link", Handler: handleLink, ServerStreams: true, ClientStreams: true},
			{StreamName: "Subscribe", Handler: handleSubscribe, ServerStreams: true},
		},
	}, h)
	go func() {
		<-ctx.Done()
		if h.graceful {
			server.GracefulStop()
		}
		server.Stop()
	}()
	return server.Serve(listener)
}

func handleSet(h any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) { //nolint:revive // grpc fixes the order
	in := new(message)
	if err := decode(in); err != nil {
		return nil, err
	}
	return h.(*handlers).set(ctx, in)
}

func handleLink(h any, stream grpc.ServerStream) error {
	return h.(*handlers).link(&grpc.GenericServerStream[message, message]{ServerStream: stream})
}

func handleSubscribe(h any, stream grpc.ServerStream) error {
	in := new(message)
	if err := stream.RecvMsg(in); err != nil {
		return err
	}
	return h.(*handlers).subscribe(in, &grpc.GenericServerStream[message, message]{ServerStream: stream})
}

// dial connects to a part's socket; the first call waits until it serves.
func dial(socket string) (*grpc.ClientConn, error) {
	return grpc.NewClient("unix:"+socket,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true)))
}

func set(ctx context.Context, conn *grpc.ClientConn, in *message) (*message, error) {
	out := new(message)
	return out, conn.Invoke(ctx, "/"+serviceName+"/Set", in, out)
}

func openLink(ctx context.Context, conn *grpc.ClientConn) (grpc.BidiStreamingClient[message, message], error) {
	desc := &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}
	stream, err := conn.NewStream(ctx, desc, "/"+serviceName+"/Link")
	if err != nil {
		return nil, err
	}
	return &grpc.GenericClientStream[message, message]{ClientStream: stream}, nil
}

func subscribe(ctx context.Context, conn *grpc.ClientConn) (grpc.ServerStreamingClient[message], error) {
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/"+serviceName+"/Subscribe")
	if err != nil {
		return nil, err
	}
	if err := stream.SendMsg(new(message)); err != nil {
		return nil, err
	}
	return &grpc.GenericClientStream[message, message]{ClientStream: stream}, stream.CloseSend()
}
