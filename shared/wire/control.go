package wire

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	pb "github.com/mlhost/mlhost/shared/proto/mlhost/plugin/v1"
)

// RegisterControl adds what go-plugin asks of a plugin besides its own service:
// its health, and a way to end it. go-plugin's broker and its copies of the
// standard streams are not used, and it does without where a plugin has none.
func RegisterControl(s *grpc.Server) {
	up := health.NewServer()
	up.SetServingStatus("plugin", grpc_health_v1.HealthCheckResponse_SERVING)
	grpc_health_v1.RegisterHealthServer(s, up)
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: "plugin.GRPCController", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Shutdown", Handler: shutdown}},
	}, s)
}

// shutdown ends the server at once. There is mostly no answer, as with
// go-plugin's own. Its messages are empty, as those of Pause are.
func shutdown(s any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) { //nolint:revive // grpc fixes the order
	if err := decode(new(pb.PauseRequest)); err != nil {
		return nil, err
	}
	s.(*grpc.Server).Stop()
	return new(pb.PauseResponse), nil
}
