package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"syscall"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/host/connector"
)

// port is an address that a host listens on, and the setting that names it.
type port struct{ name, address, setting string }

// wanted tells where a host listens: as configured, as the environment says, or
// by default.
func (o Options) wanted() []port {
	ports := []port{
		{"port for operators", config.DefaultListen, `"listen" in the host block, or ` + config.ListenEnv},
		{"port for scripts", config.DefaultConnectorListen, `"listen" in the connector block, or ` + config.ConnectorListenEnv},
	}
	for i, name := range []string{config.ListenEnv, config.ConnectorListenEnv} {
		if address, set := o.Env(name); set {
			ports[i].address = address
		}
	}
	if o.Config != nil {
		ports[0].address, ports[1].address = o.Config.Host.Listen, o.Config.Connector.Listen
	}
	return ports
}

func (o Options) ports(ctx context.Context) []v1.Check {
	var out []v1.Check
	for _, p := range o.wanted() {
		out = append(out, o.port(ctx, p))
	}
	return out
}

func (o Options) port(ctx context.Context, p port) v1.Check {
	if p.address == "" {
		return skip(p.name, "it is turned off")
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", p.address)
	if err == nil {
		if err := listener.Close(); err != nil {
			return fail(p.name, "", "%s could not be given back: %v", p.address, err)
		}
		return ok(p.name, "%s is free", p.address)
	}
	fix := fmt.Sprintf(`end that process, or name another address by %s; port 0 takes a free one, "" turns it off`, p.setting)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return fail(p.name, fix, "%s cannot be used: %v", p.address, err)
	}
	for _, h := range o.Hosts {
		if slices.Contains(h.Listen, p.address) {
			return ok(p.name, "%s is served by the host %s (process %d)", p.address, h.Name, h.PID)
		}
	}
	pid, command, known := connector.Holder(p.address)
	if !known {
		return fail(p.name, fix, "%s is taken by a process of another user", p.address)
	}
	return fail(p.name, fix, "%s is taken by process %d (%s)", p.address, pid, clip(command))
}

func clip(s string) string {
	if runes := []rune(s); len(runes) > 200 {
		return string(runes[:200]) + "…"
	}
	return s
}
