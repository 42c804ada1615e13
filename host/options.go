package host

import (
	"context"
	"log/slog"

	"github.com/hashicorp/hcl/v2"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

// Options is what a Host is made of.
type Options struct {
	// StateDir is the directory below which every host has its own, named by
	// the host.
	StateDir string
	Config   *config.Config
	// Executable is the path of the mlhost binary, which serves the wrappers.
	Executable string
	Version    string
	Logger     *slog.Logger
	// Load reads the configuration again, as it is now. Nil: it stays as it is.
	Load func() (*config.Config, hcl.Diagnostics)
	// Discover tells what reading a script finds of its parameters; nil: nothing
	// is found. It is called for scripts that Script.IsRead names, concurrently.
	Discover func(context.Context, *config.Script) (script.Catalogue, error)
	// Preflight tells the version of another mlhost, and whether it can carry on
	// what this host does. Nil: there is no upgrade.
	Preflight func(ctx context.Context, path string) (Successor, error)
	// Inherited is what the host before this one has kept for it.
	Inherited *Inherited
	// Troubleshoot makes the checks of the connector's command of that name that
	// are not about this host alone. Nil: there are none.
	Troubleshoot func(context.Context) []v1.Check
	// StayUp keeps the host up when all its scripts have ended.
	StayUp bool
}

// Outcome tells how a host's session went, script by script.
type Outcome struct {
	Scripts []ScriptOutcome
}

// ScriptOutcome is one script's part of an Outcome.
type ScriptOutcome struct {
	Name   string
	State  string
	Reason string
	Run    string
}

// Failed reports whether a script failed or got lost.
func (o Outcome) Failed() bool {
	for _, s := range o.Scripts {
		if s.State == "failed" || s.State == "lost" || s.State == "backoff" {
			return true
		}
	}
	return false
}
