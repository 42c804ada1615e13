// Package cookie is what the bare plugin and who starts it must agree on. It is
// apart from the rest, for the plugin to hold nothing that it does not need.
package cookie

import "github.com/hashicorp/go-plugin"

// Handshake is that of the bare plugin.
var Handshake = plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "BENCH_BARE", MagicCookieValue: "1"}
