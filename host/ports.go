package host

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/host/connector"
	"github.com/mlhost/mlhost/shared/script"
)

// The files of a host's directory that tell how to reach it by TCP.
const (
	ListenFile = "listen.json"     // v1.Listen: the addresses that are bound
	TokenFile  = "connector.token" // what a request may say in place of being the user's
)

// The names of the ports.
const (
	httpPort      = "http"
	connectorPort = "connector"
)

// ports are the TCP ports of a host.
type ports struct {
	http      net.Listener      // nil: off; HTTP and connector commands
	connector net.Listener      // nil: off
	addresses map[string]string // by name: as they were configured
	side      *connector.HTTPListener
	server    *connector.Server
}

// bindPorts binds the configured addresses and writes down which they are.
func (h *Host) bindPorts() error {
	c := h.options.Config
	token, err := readToken(filepath.Join(h.dir, TokenFile))
	if err != nil {
		return err
	}
	h.ports.addresses = map[string]string{httpPort: c.Host.Listen, connectorPort: c.Connector.Listen}
	if c.Host.Listen != "" {
		if h.ports.http, err = h.bindPort(httpPort, `listen in the host block`, config.ListenEnv); err != nil {
			return err
		}
		h.ports.side = connector.NewHTTPListener(h.ports.http)
		if err := h.openWeb(); err != nil {
			return err
		}
	}
	if c.Connector.Listen != "" {
		h.ports.connector, err = h.bindPort(connectorPort, `listen in the connector block`, config.ConnectorListenEnv)
		if err != nil {
			return err
		}
	}
	if err := h.options.Inherited.closePorts(); err != nil {
		return err
	}
	h.ports.server = connector.NewServer(connector.ServerOptions{
		Commands: h.connector, Auth: c.Connector.Auth, Token: token, TokenFile: filepath.Join(h.dir, TokenFile), Logger: h.logger,
		Attach: h.attachHand, Emit: h.emitHand, Detach: h.detachHand,
	})
	return writeListen(filepath.Join(h.dir, ListenFile), h.Listen())
}

// bindPort binds a configured address, unless the host before this one has kept
// its listener.
func (h *Host) bindPort(name, setting, variable string) (net.Listener, error) {
	address := h.ports.addresses[name]
	if l, err := h.options.Inherited.port(name, address); l != nil || err != nil {
		return l, err
	}
	return connector.Listen(address, setting, variable)
}

// Listen tells which addresses are bound.
func (h *Host) Listen() v1.Listen {
	var l v1.Listen
	if h.ports.http != nil {
		l.HTTP = h.ports.http.Addr().String()
	}
	if h.ports.connector != nil {
		l.Connector = h.ports.connector.Addr().String()
	}
	return l
}

// connectorAddress tells a script that this host runs how to reach it by TCP:
// what else is in its process registers itself there.
func (h *Host) connectorAddress() script.Value {
	l := h.Listen()
	address := l.Connector
	if address == "" {
		address = l.HTTP
	}
	return script.Map(map[string]script.Value{
		"address": script.String(address), "token": script.String(h.ports.server.Token),
	})
}

// servePorts answers on the ports until ctx ends.
func (h *Host) servePorts(ctx context.Context) error {
	var g errgroup.Group
	if l := h.ports.http; l != nil {
		web, end := context.WithCancel(context.WithoutCancel(ctx)) // until all connections that are for it have come
		g.Go(func() error {
			defer end()
			return h.endOn(h.ports.server.Serve(ctx, l, h.ports.side))
		})
		g.Go(func() error { return h.endOn(h.serveHTTP(web, h.ports.side)) })
	}
	if l := h.ports.connector; l != nil {
		g.Go(func() error { return h.endOn(h.ports.server.Serve(ctx, l, nil)) })
	}
	return g.Wait()
}

// closePorts gives back what bindPorts took.
func (h *Host) closePorts() error {
	var errs []error
	for _, l := range []net.Listener{h.ports.http, h.ports.connector} {
		if l != nil {
			errs = append(errs, ignoreClosed(l.Close()))
		}
	}
	if h.ports.side != nil {
		errs = append(errs, h.ports.side.Close())
	}
	if h.ports.server != nil {
		if err := os.Remove(filepath.Join(h.dir, ListenFile)); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// readToken returns the token of the file, which is made where there is none.
func readToken(path string) (string, error) {
	if data, err := os.ReadFile(path); err == nil && len(strings.TrimSpace(string(data))) >= 20 {
		return strings.TrimSpace(string(data)), nil
	}
	token := rand.Text()
	return token, replaceFile(path, []byte(token+"\n"))
}

func writeListen(path string, l v1.Listen) error {
	data, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return replaceFile(path, append(data, '\n'))
}

// ReadListen tells which addresses the host of the directory has bound; none
// where it does not run, or has ended meanwhile.
func ReadListen(dir string) (v1.Listen, error) {
	var l v1.Listen
	data, err := os.ReadFile(filepath.Join(dir, ListenFile))
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &l)
	}
	if err != nil {
		return l, fmt.Errorf("read addresses: %w", err)
	}
	return l, nil
}

// replaceFile writes a file that only its owner may read, whole or not at all.
func replaceFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(f.Name()))
	}
	return nil
}
