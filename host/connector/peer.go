package connector

import (
	"crypto/subtle"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/user"
	"strconv"

	"github.com/mlhost/mlhost/shared/script"
)

// The ways to tell who may speak, as the configuration names them.
const (
	AuthUser  = "user"  // processes of this machine's same user, as the kernel says; else by token
	AuthToken = "token" // who says the token
	AuthNone  = "none"  // whoever can connect
)

// errPeerUnknown: the kernel does not say whose connection it is.
var errPeerUnknown = errors.New("the kernel does not tell whose connection this is")

// peer is who is on the other end of a connection.
type peer struct {
	uid   int
	known bool // uid is what the kernel says
	why   string
}

// ask asks the kernel who is on the other end.
func askPeer(conn net.Conn) peer {
	local, remote := addressOf(conn.LocalAddr()), addressOf(conn.RemoteAddr())
	if !remote.IsValid() || !remote.Addr().IsLoopback() {
		return peer{why: "it does not come from this machine"}
	}
	uid, err := peerUID(local, remote)
	if err != nil {
		return peer{why: err.Error()}
	}
	return peer{uid: uid, known: true}
}

func addressOf(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	at := tcp.AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}

// own reports whether the peer is the host's user, or root.
func (p peer) own() bool { return p.known && (p.uid == os.Getuid() || p.uid == 0) }

// author is who acts over the connection, as it is recorded.
func (p peer) author() string {
	uid := os.Getuid()
	if p.known {
		uid = p.uid
	}
	return "user:" + userName(uid)
}

func userName(uid int) string {
	name := strconv.Itoa(uid)
	if u, err := user.LookupId(name); err == nil && u.Username != "" {
		return u.Username
	}
	return name
}

// admit tells why the peer may not send this request, nil where it may.
func (s *Server) admit(p peer, fields map[string]script.Value) error {
	auth := s.authNow()
	if auth == AuthNone || auth == AuthUser && p.own() {
		return nil
	}
	said, given := fields["token"].Text()
	if given && s.Token != "" && subtle.ConstantTimeCompare([]byte(said), []byte(s.Token)) == 1 {
		return nil
	}
	if given {
		return script.Errorf(script.CodeForbidden, "the token is not this host's").WithHint("it is in the file %s", s.TokenFile)
	}
	if auth == AuthToken {
		return script.Errorf(script.CodeForbidden, `the request has no "token"`).WithHint("the token is in the file %s", s.TokenFile)
	}
	if p.known {
		return script.Errorf(script.CodeForbidden, "this host belongs to %s, you are %s", userName(os.Getuid()), userName(p.uid)).
			WithHint(`send the token that %s can give you as "token"`, userName(os.Getuid()))
	}
	return script.Errorf(script.CodeForbidden, "this host answers processes of %s on this machine: %s", userName(os.Getuid()), p.why).
		WithHint(`send the token of %s as "token", or choose auth = "token" in the connector block`, s.TokenFile)
}
