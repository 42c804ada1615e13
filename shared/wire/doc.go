// Package wire is the contract between a host and a plugin process: the
// go-plugin handshake, the gRPC service as a Go interface for the plugin's
// side (Server) and as its client for the host's side (Client), and the
// conversion of the vocabulary of package script to and from protobuf.
//
// The plugin is a pure server; the host opens every call and stream. See
// docs/protocol.md.
package wire
