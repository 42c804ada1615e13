package byhand

import (
	"context"
	"fmt"
	"os/exec"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"github.com/mlhost/mlhost/bench/byhand/cookie"
)

// bareClient is the client's side of the bare plugin.
type bareClient struct{ plugin.NetRPCUnsupportedPlugin }

// GRPCServer implements plugin.GRPCPlugin.
func (*bareClient) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return nil }

// GRPCClient implements plugin.GRPCPlugin.
func (*bareClient) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return c, nil
}

// Plugins are bare plugins that run.
type Plugins struct{ clients []*plugin.Client }

// StartPlugins starts n bare plugins, so many at a time, and returns when each
// has answered.
func StartPlugins(ctx context.Context, path string, n, atATime int) (*Plugins, error) {
	p := &Plugins{clients: make([]*plugin.Client, n)}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atATime)
	for i := range n {
		p.clients[i] = plugin.NewClient(&plugin.ClientConfig{
			HandshakeConfig: cookie.Handshake, Plugins: plugin.PluginSet{"bare": &bareClient{}},
			Cmd:              exec.CommandContext(context.WithoutCancel(ctx), path),
			AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, Logger: hclog.NewNullLogger(),
		})
		g.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			client, err := p.clients[i].Client()
			if err != nil {
				return fmt.Errorf("start bare plugin: %w", err)
			}
			return client.Ping()
		})
	}
	if err := g.Wait(); err != nil {
		p.End()
		return nil, err
	}
	return p, nil
}

// PIDs are the processes.
func (p *Plugins) PIDs() []int {
	var pids []int
	for _, c := range p.clients {
		if r := c.ReattachConfig(); r != nil {
			pids = append(pids, r.Pid)
		}
	}
	return pids
}

// End ends them all.
func (p *Plugins) End() {
	for _, c := range p.clients {
		c.Kill()
	}
}
