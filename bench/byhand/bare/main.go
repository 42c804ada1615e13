// The least plugin that go-plugin can start: a gRPC server with its health
// service and nothing else.
package main

import (
	"context"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/mlhost/mlhost/bench/byhand/cookie"
)

func main() {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: cookie.Handshake,
		Plugins:         plugin.PluginSet{"bare": &bare{}},
		GRPCServer:      plugin.DefaultGRPCServer,
		Logger:          hclog.NewNullLogger(),
	})
}

type bare struct{ plugin.NetRPCUnsupportedPlugin }

// GRPCServer implements plugin.GRPCPlugin. go-plugin itself serves the health
// of the name "plugin"; this is one service more, as a real plugin has.
func (*bare) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	if _, ok := s.GetServiceInfo()[healthpb.Health_ServiceDesc.ServiceName]; !ok {
		healthpb.RegisterHealthServer(s, health.NewServer())
	}
	return nil
}

// GRPCClient implements plugin.GRPCPlugin.
func (*bare) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return c, nil
}
