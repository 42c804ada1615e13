// Package goplugin joins wire to the library go-plugin, for hosts and for
// plugins without the SDK. The SDK speaks go-plugin's protocol by itself.
package goplugin

import (
	"context"
	"errors"

	plugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/mlhost/mlhost/shared/wire"
)

// Handshake is wire.Handshake.
var Handshake = plugin.HandshakeConfig(wire.Handshake)

// ClientPlugins is what a host gives to go-plugin; what it dispenses under
// wire.PluginName is a *wire.Client.
func ClientPlugins() plugin.PluginSet { return ServerPlugins(nil) }

// ServerPlugins is what a plugin gives to go-plugin.
func ServerPlugins(server wire.Server) plugin.PluginSet {
	return plugin.PluginSet{wire.PluginName: &grpcPlugin{server: server}}
}

// grpcPlugin joins either side to go-plugin.
type grpcPlugin struct {
	plugin.NetRPCUnsupportedPlugin
	server wire.Server
}

func (p *grpcPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	if p.server == nil {
		return errors.New("serve plugin: there is no server")
	}
	wire.Register(s, p.server)
	return nil
}

func (p *grpcPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return wire.NewClient(conn), nil
}
