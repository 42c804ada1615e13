package main

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/mlhost/mlhost/host/api"
	"github.com/mlhost/mlhost/host/api/client"
	"github.com/mlhost/mlhost/shared/script"
)

// tokenEnv names the environment variable that holds the token itself.
const tokenEnv = "MLHOST_TOKEN" //nolint:gosec // a name, not a token

// isAway reports whether --host is an address in place of a name.
func (a *app) isAway() bool { return strings.Contains(a.host, "://") }

// away returns the host at the address of --host.
func (a *app) away() (place, error) {
	token := strings.TrimSpace(a.env(tokenEnv))
	if a.token != "" {
		var err error
		token, err = api.LoadToken(a.token)
		if errors.Is(err, fs.ErrNotExist) {
			return place{}, script.Errorf(script.CodeNotFound, "there is no %s", a.token).
				WithHint("copy the file STATE/HOST/token of the host's machine, readable for you alone")
		}
		if err != nil {
			return place{}, err
		}
	}
	c, err := client.NewRemote(a.host, token)
	if err != nil {
		return place{}, err
	}
	return place{name: a.host, live: true, away: c}, nil
}

// onlyHere refuses a verb for a host at an address.
func (a *app) onlyHere(verb string) error {
	if !a.isAway() {
		return nil
	}
	return script.Errorf(script.CodeUsage, "%s is possible on the host's own machine only", verb).
		WithHint("log in to %s and run it there; --host NAME gives a host its name", a.host)
}
