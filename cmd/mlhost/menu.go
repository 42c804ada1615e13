package main

import (
	"context"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/cmd/mlhost/menu"
	"github.com/mlhost/mlhost/host/api"
	"github.com/mlhost/mlhost/host/api/client"
	"github.com/mlhost/mlhost/shared/script"
)

func (a *app) menuVerb() *cobra.Command {
	var plain bool
	cmd := &cobra.Command{
		Use:     "menu",
		Aliases: []string{"connector"},
		Short:   "Work with the scripts interactively; plain `mlhost` on a terminal does the same",
		Long: strings.TrimSpace(`
Work with the scripts interactively: see what they do, execute, stop and pause
them, change their parameters while they run, watch variables, read logs and
results, and compare runs. ? lists the keys, and every action shows the command
that does the same. Leaving the menu stops nothing.

With --plain, and on a terminal that cannot be written over (TERM=dumb), it asks
line by line.`),
		Example: "mlhost\nmlhost menu --host lab1\nmlhost menu --plain",
		Args:    args(0, 0, "no arguments"),
	}
	cmd.Flags().BoolVar(&plain, "plain", false, "ask line by line, for screen readers and simple terminals")
	return a.do(cmd, func(ctx context.Context, _ []string) error { return a.menu(ctx, plain) })
}

// interactive reports whether somebody sits at a terminal.
func (a *app) interactive() bool { return isTerminal(a.stdin) && isTerminal(a.stdout) && !a.json }

func (a *app) menu(ctx context.Context, plain bool) error {
	term := a.env("TERM")
	plain = plain || term == "dumb" || term == "" && runtime.GOOS != "windows"
	if !plain && !a.interactive() {
		return script.Errorf(script.CodeUsage, "the menu is for a terminal").
			WithHint("`mlhost ps` lists the scripts; `mlhost menu --plain` reads answers from its input")
	}
	o, err := a.menuOptions()
	if err != nil {
		return err
	}
	o.Plain = plain
	return menu.Run(ctx, o)
}

func (a *app) menuOptions() (menu.Options, error) {
	program, err := os.Executable()
	if err != nil {
		return menu.Options{}, script.Errorf(script.CodeInternal, "find own executable: %v", err)
	}
	folder, err := os.Getwd()
	if err != nil {
		return menu.Options{}, script.Errorf(script.CodeIO, "find own folder: %v", err)
	}
	o := menu.Options{
		In: a.stdin, Out: a.stdout, Environ: os.Environ(), Program: program, Folder: folder,
		NoColor: !a.color(a.stdout), ASCII: a.ascii(), Open: a.openHost,
	}
	for _, flag := range [][2]string{{"--state", a.state}, {"--host", a.host}, {"--token-file", a.token}} {
		if flag[1] != "" {
			o.Flags = append(o.Flags, flag[0], flag[1])
		}
	}
	if a.isAway() {
		o.Enter = &menu.Host{Name: a.host, Live: true}
		return o, nil
	}
	if o.State, err = a.stateDir(); err != nil {
		return o, err
	}
	o.Hosts = func() ([]menu.Host, error) { return a.menuHosts(o.State) }
	if a.host != "" {
		o.Enter = &menu.Host{Name: a.host}
		all, err := o.Hosts()
		for _, h := range all {
			if h.Name == a.host {
				o.Enter = &h
			}
		}
		return o, err
	}
	return o, nil
}

func (a *app) menuHosts(state string) ([]menu.Host, error) {
	all, err := places(state)
	out := make([]menu.Host, 0, len(all))
	for _, p := range all {
		out = append(out, menu.Host{Name: p.name, Live: p.live})
	}
	return out, err
}

// openHost connects to a host, or, where it does not run, to what it has left.
func (a *app) openHost(ctx context.Context, h menu.Host) (*menu.Session, error) {
	if a.isAway() {
		p, err := a.away()
		if err != nil {
			return nil, err
		}
		if _, err := p.away.Host(ctx); err != nil {
			return nil, err
		}
		return &menu.Session{Host: h, Client: p.away, Close: func() error { p.away.Close(); return nil }}, nil
	}
	state, err := a.stateDir()
	if err != nil {
		return nil, err
	}
	all, err := places(state)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		switch {
		case p.name != h.Name:
		case p.live:
			c := p.client()
			return &menu.Session{Host: menu.Host{Name: p.name, Live: true}, Client: c, Close: func() error { c.Close(); return nil }}, nil
		default:
			v, _ := buildVersion()
			record, err := api.OpenRecord(ctx, p.dir, api.Options{Host: p.name, Version: v})
			if err != nil {
				return nil, err
			}
			return &menu.Session{Host: menu.Host{Name: p.name}, Client: client.NewLocal(record.Handler()), Close: record.Close}, nil
		}
	}
	return nil, script.Errorf(script.CodeHostDown, "no host %s is running, and none has run before", h.Name)
}

// ascii reports whether the terminal is said not to speak UTF-8.
func (a *app) ascii() bool {
	if a.env("TERM") == "linux" { // its font has no braille
		return true
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(a.env(name)); v != "" {
			return !strings.Contains(v, "utf-8") && !strings.Contains(v, "utf8")
		}
	}
	return false
}
