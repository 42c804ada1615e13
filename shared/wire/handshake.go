package wire

import (
	"context"
	"fmt"

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

// HandshakeConfig has the form of go-plugin's, which this package does without:
// a plugin need not carry that library (see package goplugin).
type HandshakeConfig struct {
	ProtocolVersion  uint
	MagicCookieKey   string
	MagicCookieValue string
}

// Handshake lets a plugin see that a host started it, and not a person. It is
// no secret.
var Handshake = HandshakeConfig{
	ProtocolVersion:  ProtocolVersion,
	MagicCookieKey:   "MLHOST_PLUGIN",
	MagicCookieValue: "a72ec1f7c1b34f4e8f3f0e6c0d5fb1a9",
}

// CoreVersion is the version of go-plugin's own protocol, the first field of
// the handshake.
const CoreVersion = 1

// SocketDirEnv names the variable with the directory for a plugin's sockets.
const SocketDirEnv = "PLUGIN_UNIX_SOCKET_DIR"

// HandshakeFile is a file that an older host may put into the directory of a
// plugin's sockets. A plugin that finds it, and has no HelloEnv, writes its
// handshake there, which keeps that out of the log that its standard output is.
const HandshakeFile = "handshake"

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
