package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/host"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

func (a *app) runVerb() *cobra.Command {
	var s source
	var detach bool
	cmd := &cobra.Command{
		Use:   "run CONFIG|SCRIPT|DIR|-m MODULE [-- ARGS]",
		Short: "Run the scripts of a configuration, one script, or a folder",
		Long: strings.TrimSpace(`
Run the scripts of a configuration, one script with arguments, or make all
scripts of a folder known. With -m it is a Python module, as under python -m.

In the foreground it shows what the scripts are doing and ends when all have
ended. ctrl-C stops them in order, a second ctrl-C at once; when the terminal
goes away they run on.`),
		Example: "mlhost run config.hcl\nmlhost run train.py -- --epochs 10\nmlhost run -m pkg.train -- --epochs 10\nmlhost run config.hcl --input lr=0.1 --detach",
		Args: func(cmd *cobra.Command, got []string) error {
			own := got
			if n := cmd.ArgsLenAtDash(); n >= 0 {
				own, s.args = got[:n], got[n:]
			}
			if s.module != "" {
				return args(0, 0, "nothing besides -m MODULE; the module's arguments stand behind --")(cmd, own)
			}
			return args(1, 1, "a configuration, a script or a folder")(cmd, own)
		},
	}
	cmd.Flags().BoolVarP(&detach, "detach", "d", false, "leave the host running in the background")
	cmd.Flags().StringVarP(&s.module, "module", "m", "", "run a Python module, as python -m does")
	s.flags(cmd)
	return a.do(cmd, func(ctx context.Context, got []string) error {
		if s.module == "" {
			s.path = got[0]
		}
		return a.run(ctx, s, detach)
	})
}

// run runs a host here, or starts one in the background.
func (a *app) run(ctx context.Context, s source, detach bool) error {
	cfg, diags, err := a.load(s)
	if err != nil {
		return err
	}
	if !diags.HasErrors() {
		diags = append(diags, a.checkConfigured(ctx, cfg)...)
	}
	if diags.HasErrors() {
		return a.configError(cfg, diags)
	}
	if len(diags) > 0 && !a.json {
		if err := a.showDiagnostics(a.stderr, cfg.Files, diags); err != nil {
			return err
		}
	}
	state, err := a.stateDir()
	if err != nil {
		return err
	}
	if err := a.nameHost(cfg); err != nil {
		return err
	}
	if err := a.onlyHere("run"); err != nil {
		return err
	}
	ready := newReady()
	if detach && ready == nil {
		return a.detach(ctx, cfg, state)
	}
	kept := inherited()
	for {
		heir, next, err := a.serve(ctx, cfg, state, detach, ready, s, kept)
		if heir == "" {
			return err
		}
		// It returns only when it has failed: then this program carries on.
		a.note("mlhost: %v", become(heir, next, ready != nil))
		kept = next
	}
}

// checkConfigured checks a configuration before a host runs it. Scripts that
// get values are read for that, the others when they start.
func (a *app) checkConfigured(ctx context.Context, cfg *config.Config) hcl.Diagnostics {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	known, diags := a.describeScripts(ctx, cfg, func(s *config.Script) bool { return len(s.Parameters) > 0 })
	return append(diags, cfg.Check(known)...)
}

// nameHost gives the host its name: from the command line, the configuration,
// or the machine.
func (a *app) nameHost(cfg *config.Config) error {
	if a.host != "" && !a.isAway() {
		cfg.Host.Name = a.host
	}
	if cfg.Host.Name == "" {
		name, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("name host: %w", err)
		}
		cfg.Host.Name = name
	}
	if strings.ContainsAny(cfg.Host.Name, "/\x00") || strings.HasPrefix(cfg.Host.Name, ".") {
		return script.Errorf(script.CodeUsage, "%q cannot be the name of a host: it names a directory", cfg.Host.Name).
			WithHint("choose another one with --host NAME")
	}
	return nil
}

// serve runs a host in this process until it ends. Where another program is to
// carry on it returns its path, and what was kept for it.
func (a *app) serve(ctx context.Context, cfg *config.Config, state string, stayUp bool, ready *ready, s source, kept *host.Inherited) (heir string, next *host.Inherited, err error) {
	executable, err := os.Executable()
	if err != nil {
		return "", nil, fmt.Errorf("find own executable: %w", err)
	}
	v, _ := buildVersion()
	for _, one := range cfg.Scripts {
		stayUp = stayUp || !one.Autostart
	}
	h, err := host.Open(host.Options{
		StateDir: state, Config: cfg, Executable: executable, Version: v, StayUp: stayUp, Load: a.reloader(s),
		Inherited: kept, Preflight: a.preflighter(s, state, cfg.Host.Name),
		Discover: discoverer(state), Troubleshoot: a.troubleshooter(state, executable),
		Logger: slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		ready.tell(err)
		return "", nil, err
	}
	if ready == nil {
		a.firstLines(cfg, h.Listen(), false)
	} else {
		go ready.announce(h, cfg)
	}
	show := a.newShow(h)
	stop := a.handleSignals(ctx, h, show.say)
	defer stop()
	outcome, err := h.Run(ctx)
	show.end()
	if err != nil {
		ready.tell(err)
		return "", nil, err
	}
	if heir, next = h.Heir(); heir != "" {
		return heir, next, nil
	}
	if ready == nil {
		a.summary(outcome)
	}
	if outcome.Failed() {
		return "", nil, silent(exitFailed)
	}
	return "", nil, nil
}

// reloader returns what reads the configuration again, for the host that was
// started with it.
func (a *app) reloader(s source) func() (*config.Config, hcl.Diagnostics) {
	return func() (*config.Config, hcl.Diagnostics) {
		cfg, diags, err := a.load(s)
		if err == nil {
			err = a.nameHost(cfg)
		}
		if err != nil {
			diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "The configuration cannot be read", Detail: err.Error()})
		}
		return cfg, diags
	}
}

// firstLines says what started, where its output is, how to look and how to
// stop, and which ports are served. A host in the background has no ctrl-C.
func (a *app) firstLines(cfg *config.Config, listen v1.Listen, background bool) {
	names := cfg.Names()
	list, first := clip(strings.Join(names, ", "), 60), "SCRIPT"
	if len(names) > 0 {
		first = shellWord(names[0])
	}
	own := "mlhost"
	if a.state != "" {
		own += " --state " + shellWord(a.state)
	}
	if a.host != "" {
		own += " --host " + shellWord(a.host)
	}
	a.note("host %s runs %s: %s", cfg.Host.Name, count(len(names), "script"), list)
	a.note("  logs  %s logs -f %s", own, first)
	look := fmt.Sprintf("%[1]s ps · %[1]s get %[2]s · %[1]s watch %[2]s", own, first)
	if listen.HTTP != "" {
		look += " · " + own + " ui"
	}
	a.note("  look  %s", look)
	stop := "ctrl-C, or "
	if background {
		stop = ""
	}
	a.note("  stop  %s%s down", stop, own)
	var ports []string
	if listen.HTTP != "" {
		ports = append(ports, listen.HTTP+" for operators")
	}
	if listen.Connector != "" {
		ports = append(ports, listen.Connector+" for scripts")
	}
	if len(ports) > 0 {
		a.note("  ports %s", strings.Join(ports, " · "))
	}
}

// handleSignals lets ctrl-C stop the scripts in order and a second one hurry,
// SIGTERM stop those that do not outlive the host, and SIGHUP none.
func (a *app) handleSignals(ctx context.Context, h *host.Host, say func(string)) (stop func()) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		interrupts := 0
		for {
			select {
			case <-done:
				return
			case s := <-signals:
				switch s {
				case syscall.SIGHUP:
					h.Leave()
				case syscall.SIGTERM:
					if err := h.Terminate(ctx); err != nil {
						say("mlhost: " + err.Error())
					}
				default:
					interrupts++
					interrupt(h, interrupts, say)
				}
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
		<-ended
	}
}

func interrupt(h *host.Host, times int, say func(string)) {
	if times == 1 {
		say("stopping the scripts; ctrl-C again stops them at once")
		h.Down()
		return
	}
	h.Hurry()
}

// summary says how every script ended.
func (a *app) summary(o host.Outcome) {
	if a.json {
		return
	}
	t := table{header: []string{"SCRIPT", "ENDED", "REASON"}}
	for _, s := range o.Scripts {
		t.add(s.Name, s.State, clip(s.Reason, 160))
	}
	if err := t.write(a.stdout); err != nil {
		a.note("mlhost: %v", err)
	}
}
