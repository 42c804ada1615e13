package api

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/user"
	"strconv"
	"sync"

	"github.com/mlhost/mlhost/shared/script"
)

// peer is who is on the other end of a connection, as the kernel says.
type peer struct {
	uid  int
	name string
	err  error // why it is not known
}

type peerKey struct{}

// withPeer is the server's ConnContext: it asks the kernel once for each
// connection who is calling.
func withPeer(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, peerKey{}, readPeer(conn))
}

func readPeer(conn net.Conn) *peer {
	u, ok := conn.(*net.UnixConn)
	if !ok {
		return &peer{err: errors.New("not a unix socket")}
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return &peer{err: err}
	}
	var uid int
	var uidErr error
	if err := raw.Control(func(fd uintptr) { uid, uidErr = peerUID(int(fd)) }); err != nil {
		return &peer{err: err}
	}
	if uidErr != nil {
		return &peer{err: uidErr}
	}
	return &peer{uid: uid, name: userName(uid)}
}

var userNames sync.Map // uid → name

// userName returns the name of a user id, or the number where it has none.
func userName(uid int) string {
	if name, ok := userNames.Load(uid); ok {
		return name.(string)
	}
	name := strconv.Itoa(uid)
	if u, err := user.LookupId(name); err == nil && u.Username != "" {
		name = u.Username
	}
	userNames.Store(uid, name)
	return name
}

// LocalAuthor returns the author that the user of this process acts as.
func LocalAuthor() string { return "user:" + userName(os.Getuid()) }

// author returns who makes the request, as it is recorded with what it does.
func author(ctx context.Context) string {
	if p, ok := ctx.Value(peerKey{}).(*peer); ok && p.err == nil {
		return "user:" + p.name
	}
	return LocalAuthor()
}

// checkPeer lets only the user that runs the host, and root, through.
func checkPeer(next http.Handler) http.Handler {
	own := os.Getuid()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := r.Context().Value(peerKey{}).(*peer)
		switch {
		case !ok || p.err != nil:
			writeProblem(w, script.Errorf(script.CodeForbidden, "the caller of this connection is not known"))
		case p.uid != own && p.uid != 0:
			writeProblem(w, script.Errorf(script.CodeForbidden, "this host belongs to %s, you are %s", userName(own), p.name))
		default:
			next.ServeHTTP(w, r)
		}
	})
}
