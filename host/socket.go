package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"github.com/mlhost/mlhost/shared/script"
)

// maxSocketPath is the most bytes that a unix socket's path may have.
const maxSocketPath = 107

// SocketPath is where the host of the directory serves its API.
func SocketPath(dir string) string { return filepath.Join(dir, "api.sock") }

// listenSocket binds the API's socket. The caller holds the host's lock, so a
// socket that is there already is a leftover. One that this process has kept
// from before an upgrade is taken over: nobody who connected was refused.
func listenSocket(path string, inherited *os.File) (net.Listener, error) {
	if inherited != nil {
		defer inherited.Close()
		listener, err := net.FileListener(inherited)
		if err != nil {
			return nil, fmt.Errorf("take over %s: %w", path, err)
		}
		if unixListener, ok := listener.(*net.UnixListener); ok {
			unixListener.SetUnlinkOnClose(true)
		}
		return listener, nil
	}
	if len(path) > maxSocketPath {
		return nil, script.Errorf(script.CodeIO, "the socket's path %s has %d bytes, %d are possible",
			path, len(path), maxSocketPath).
			WithHint("a shorter --state DIR, or a shorter host name")
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove old socket: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	return listener, nil
}
