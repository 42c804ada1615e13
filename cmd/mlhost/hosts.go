package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mlhost/mlhost/host"
	"github.com/mlhost/mlhost/host/api"
	"github.com/mlhost/mlhost/host/api/client"
	"github.com/mlhost/mlhost/shared/script"
)

// stateDir returns the absolute directory below which each host keeps its own.
func (a *app) stateDir() (string, error) {
	dir := a.state
	if dir == "" {
		dir = a.env("MLHOST_STATE")
	}
	if dir == "" {
		if base := a.env("XDG_STATE_HOME"); base != "" {
			dir = filepath.Join(base, "mlhost")
		}
	}
	if dir == "" {
		home := a.env("HOME")
		if home == "" {
			return "", script.Errorf(script.CodeUsage, "where is the state? Neither $HOME nor $XDG_STATE_HOME is set").
				WithHint("name a directory with --state DIR or MLHOST_STATE")
		}
		dir = filepath.Join(home, ".local", "state", "mlhost")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find state directory: %w", err)
	}
	return abs, nil
}

// place is one host's directory.
type place struct {
	name string
	dir  string
	live bool           // something answers on its socket
	away *client.Client // of a host at an address, which has no directory here
}

// client returns a client of a host that lives.
func (p place) client() *client.Client {
	if p.away != nil {
		return p.away
	}
	return client.New(p.socket())
}

func (p place) socket() string { return host.SocketPath(p.dir) }

// places lists the hosts that the state directory knows.
func places(state string) ([]place, error) {
	entries, err := os.ReadDir(state)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, script.Errorf(script.CodeIO, "the state directory cannot be read: %v", err)
	}
	var out []place
	for _, e := range entries {
		dir := filepath.Join(state, e.Name())
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, "host.lock")); err != nil {
			continue // no host has ever run here
		}
		p := place{name: e.Name(), dir: dir}
		p.live = answers(p.socket())
		out = append(out, p)
	}
	return out, nil
}

func answers(socket string) bool {
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(context.Background(), "unix", socket)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

// place chooses the host that a verb is for: the named one, else the only one
// that runs, else the only one that there is.
func (a *app) place() (place, error) {
	if a.isAway() {
		return a.away()
	}
	if a.token != "" {
		return place{}, script.Errorf(script.CodeUsage, "--token-file is for a host at an address").WithHint("name it: --host https://HOST:PORT")
	}
	state, err := a.stateDir()
	if err != nil {
		return place{}, err
	}
	all, err := places(state)
	if err != nil {
		return place{}, err
	}
	if a.host != "" {
		for _, p := range all {
			if p.name == a.host {
				return p, nil
			}
		}
		return place{}, a.unknownHost(state, all)
	}
	live := all[:0:0]
	for _, p := range all {
		if p.live {
			live = append(live, p)
		}
	}
	switch {
	case len(live) == 1:
		return live[0], nil
	case len(live) > 1:
		return place{}, script.Errorf(script.CodeUsage, "several hosts run: %s", names(live)).WithHint("choose one with --host NAME")
	case len(all) == 1:
		return all[0], nil
	case len(all) > 1:
		return place{}, script.Errorf(script.CodeUsage, "several hosts have run here: %s", names(all)).WithHint("choose one with --host NAME")
	}
	return place{}, noHost(state)
}

func noHost(state string) *script.Error {
	return script.Errorf(script.CodeHostDown, "no host is running (state: %s)", state).
		WithHint("start one with `mlhost run CONFIG`")
}

func (a *app) unknownHost(state string, all []place) error {
	err := script.Errorf(script.CodeHostDown, "no host %q is running, and none has run before (state: %s)", a.host, state)
	known := make([]string, 0, len(all))
	for _, p := range all {
		known = append(known, p.name)
	}
	if best := script.Suggest(a.host, known); best != "" {
		return err.WithHint("did you mean %q?", best)
	}
	return err
}

func names(ps []place) string {
	list := make([]string, 0, len(ps))
	for _, p := range ps {
		list = append(list, p.name)
	}
	return strings.Join(list, ", ")
}

// withHost calls f with a client of a running host.
func (a *app) withHost(f func(c *client.Client) error) error {
	p, err := a.place()
	if err != nil {
		return err
	}
	if !p.live {
		return script.Errorf(script.CodeHostDown, "the host %s is not running", p.name).
			WithHint("start it with `mlhost run CONFIG`")
	}
	c := p.client()
	defer c.Close()
	return f(c)
}

// withRecord calls f with a client of a running host, or, where none runs, of
// what the last one has left in its store.
func (a *app) withRecord(ctx context.Context, f func(c *client.Client) error) (err error) {
	p, err := a.place()
	if err != nil {
		return err
	}
	if p.live {
		c := p.client()
		defer c.Close()
		return f(c)
	}
	v, _ := buildVersion()
	record, err := api.OpenRecord(ctx, p.dir, api.Options{Host: p.name, Version: v})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, record.Close()) }()
	return f(client.NewLocal(record.Handler()))
}

// patience is how long a verb waits in silence.
const patience = 5 * time.Second

// waiting runs f and tells on stderr whom it waits for when that takes long.
func (a *app) waiting(what string, f func() error) error {
	if a.json {
		return f()
	}
	timer := time.AfterFunc(patience, func() { a.note("still waiting for %s …", escapeLine(what)) })
	defer timer.Stop()
	return f()
}
