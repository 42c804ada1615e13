package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// planRoutes are about the configuration that the host carries out.
func (a *API) planRoutes(api huma.API) {
	a.upgradeRoute(api)
	register(api, http.MethodGet, "/api/v1/plan", "plan", "What carrying out the configuration as it is now would do",
		func(ctx context.Context, _ *nothing) (v1.Plan, error) { return a.plan(ctx, nil) })
	register(api, http.MethodPost, "/api/v1/plan", "plan-for", "What carrying out another configuration would do",
		func(ctx context.Context, in *struct{ Body v1.Outline }) (v1.Plan, error) {
			return a.plan(ctx, &in.Body)
		})
	register(api, http.MethodPost, "/api/v1/reload", "reload-config", "Carry out the configuration as it is now",
		func(ctx context.Context, _ *nothing) (v1.Plan, error) {
			if a.Reload == nil {
				return v1.Plan{}, errNoConfig
			}
			return a.Reload(ctx)
		})
}

const upgradePath = "/api/v1/upgrade"

// upgradeRoute is for the user on this machine alone: it runs a program.
func (a *API) upgradeRoute(api huma.API) {
	register(api, http.MethodPost, upgradePath, "upgrade", "Let another mlhost carry on in the host's process",
		func(ctx context.Context, in *struct{ Body v1.Upgrade }) (v1.Upgraded, error) {
			if p, ok := ctx.Value(peerKey{}).(*peer); !ok || p.err != nil || a.Upgrade == nil {
				return v1.Upgraded{}, script.Errorf(script.CodeForbidden, "an upgrade is possible on the host's machine only")
			}
			version, err := a.Upgrade(ctx, in.Body.Path)
			return v1.Upgraded{From: a.Version, To: version}, err
		})
}

var errNoConfig = script.Errorf(script.CodeRejected, "there is no host here that carries out a configuration")

func (a *API) plan(ctx context.Context, to *v1.Outline) (v1.Plan, error) {
	if a.Plan == nil {
		return v1.Plan{}, errNoConfig
	}
	return a.Plan(ctx, to)
}
