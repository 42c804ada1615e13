package wire

import (
	"context"
	"errors"
	"fmt"

	plugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	pb "github.com/mlhost/mlhost/shared/proto/mlhost/plugin/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// ProtocolVersion is the major version of the protocol. Smaller differences
// are told by capabilities.
const ProtocolVersion = 1

// PluginName is the name under which a plugin serves its script.
const PluginName = "script"

// MaxMessageSize bounds every message, both ways, in bytes.
const MaxMessageSize = 64 << 20

// Handshake lets a plugin see that a host started it, and not a person. It is
// no secret.
var Handshake = plugin.HandshakeConfig{
	ProtocolVersion:  ProtocolVersion,
	MagicCookieKey:   "MLHOST_PLUGIN",
	MagicCookieValue: "a72ec1f7c1b34f4e8f3f0e6c0d5fb1a9",
}

// HandshakeFile is a file that a host may put into the directory of a plugin's
// sockets. A plugin that finds it writes its handshake there, which keeps that
// out of the log that its standard output is.
const HandshakeFile = "handshake"

// PulseFile is a socket that a plugin may serve in the directory of its
// sockets. Whoever connects gets the number of the run's newest event once a
// second, in PulseSize bytes, the highest first. As long as somebody is
// connected the plugin sends few heartbeats with its events.
const (
	PulseFile = "pulse"
	PulseSize = 8
)

// ClientPlugins is what a host gives to go-plugin; what it dispenses under
// PluginName is a *Client.
func ClientPlugins() plugin.PluginSet { return ServerPlugins(nil) }

// ServerPlugins is what a plugin gives to go-plugin.
func ServerPlugins(server Server) plugin.PluginSet {
	return plugin.PluginSet{PluginName: &grpcPlugin{server: server}}
}

// grpcPlugin joins either side to go-plugin.
type grpcPlugin struct {
	plugin.NetRPCUnsupportedPlugin
	server Server
}

func (p *grpcPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	if p.server == nil {
		return errors.New("serve plugin: there is no server")
	}
	Register(s, p.server)
	return nil
}

func (p *grpcPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return NewClient(conn), nil
}

// Register adds the service Script, served by server, to s.
func Register(s grpc.ServiceRegistrar, server Server) {
	pb.RegisterScriptServer(s, &service{server: server})
}

// DialOptions are what a host's connection needs: the message limits.
func DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(MaxMessageSize),
			grpc.MaxCallSendMsgSize(MaxMessageSize),
		),
		grpc.WithInitialWindowSize(windowSize),
		grpc.WithInitialConnWindowSize(windowSize),
	}
}

const (
	// windowSize bounds what is under way to the host. It is fixed and small, so that
	// what a host had not yet taken in when it died is still in the ring of the plugin.
	windowSize = 64 << 10
	// pluginWindowSize bounds what is under way to the plugin: it is larger, so that
	// who sends it thousands of messages need not wait for it to run in between.
	pluginWindowSize = 1 << 20
)

// NewGRPCServer makes the gRPC server of a plugin. go-plugin's own would
// refuse messages over 4 MiB. A panic in a call becomes its error.
func NewGRPCServer(opts []grpc.ServerOption) *grpc.Server {
	return grpc.NewServer(append(opts,
		grpc.MaxRecvMsgSize(MaxMessageSize),
		grpc.MaxSendMsgSize(MaxMessageSize),
		grpc.InitialWindowSize(pluginWindowSize),
		grpc.InitialConnWindowSize(pluginWindowSize),
		grpc.ChainUnaryInterceptor(recoverUnary),
		grpc.ChainStreamInterceptor(recoverStream),
	)...)
}

func recoverUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
	defer recoverCall(info.FullMethod, &err)
	return handler(ctx, req)
}

func recoverStream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	defer recoverCall(info.FullMethod, &err)
	return handler(srv, ss)
}

func recoverCall(method string, err *error) {
	if r := recover(); r != nil {
		*err = toStatus(script.Errorf(script.CodeInternal, "%s panicked: %s", method, fmt.Sprint(r)))
	}
}
