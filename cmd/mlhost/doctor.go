package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/host"
	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/host/doctor"
	"github.com/mlhost/mlhost/shared/script"
)

func (a *app) doctorVerb() *cobra.Command {
	var s source
	var report string
	cmd := &cobra.Command{
		Use:     "doctor [CONFIG]",
		Aliases: []string{"troubleshoot"},
		Short:   "Check the machine, the state and the running host, and say how to mend what is wrong",
		Long: strings.TrimSpace(`
Check the machine, the state directory, the programs that scripts need, and, where
a host runs, what it has found out about its configuration. A small script is
really started, asked and stopped. With a configuration its interpreters, plugins
and ports are checked too.

It exits with 6 if a check fails or warns. With --report it also writes what a
person who helps from afar has to see, without secrets.`),
		Example: "mlhost doctor\nmlhost doctor config.hcl\nmlhost doctor --report report.tar.gz",
		Args:    args(0, 1, "a configuration"),
	}
	cmd.Flags().StringVar(&report, "report", "", "write a tar.gz with the checks, versions, configuration and logs, without secrets")
	s.flags(cmd)
	return a.do(cmd, func(ctx context.Context, got []string) error {
		if len(got) > 0 {
			s.path = got[0]
		}
		return a.doctor(ctx, s, report)
	})
}

func (a *app) doctor(ctx context.Context, s source, report string) error {
	state, err := a.stateDir()
	if err != nil {
		return err
	}
	executable, err := os.Executable()
	if err != nil {
		return script.Errorf(script.CodeInternal, "find own executable: %v", err)
	}
	var cfg *config.Config
	var checks []v1.Check
	if s.path != "" {
		var found v1.Check
		if cfg, found, err = a.checkConfig(ctx, s); err != nil {
			return err
		}
		checks = append(checks, found)
		if cfg != nil {
			checks = append(checks, unusedInputs(cfg)...)
		}
	}
	hosts, err := doctorHosts(state)
	if err != nil { // the check of the state directory says how to mend it
		checks = append(checks, v1.Check{Name: "hosts", Status: v1.CheckFail, Detail: script.AsError(err).Message, Fix: "see what is said of the state directory"})
	}
	if a.host != "" { // the others' ports and runs are of no concern
		hosts = keep(hosts, func(h doctor.Host) bool { return h.Name == a.host })
	}
	checks = append(checks, doctor.Run(ctx, doctor.Options{State: state, Executable: executable, Env: a.getenv, Config: cfg, Hosts: hosts})...)
	checks = append(checks, hostFindings(ctx, hosts)...)
	if report != "" {
		if err := a.writeReport(ctx, report, hosts, cfg, checks); err != nil {
			return err
		}
	}
	if err := a.print(v1.Checks{Checks: checks}, func(w io.Writer) error { return writeChecks(w, checks) }); err != nil {
		return err
	}
	if report != "" {
		a.note("%s has what a person who helps has to see; look through it before you send it", report)
	}
	if doctor.Findings(checks) {
		return silent(exitFindings)
	}
	return nil
}

func keep[T any](all []T, want func(T) bool) []T {
	out := all[:0:0]
	for _, one := range all {
		if want(one) {
			out = append(out, one)
		}
	}
	return out
}

// checkConfig reads a configuration. What is wrong with it is a check, not the
// end of all others.
func (a *app) checkConfig(ctx context.Context, s source) (*config.Config, v1.Check, error) {
	const name = "configuration"
	cfg, diags, err := a.load(s)
	if err != nil {
		return nil, v1.Check{}, err
	}
	if !diags.HasErrors() {
		diags = append(diags, a.checkConfigured(ctx, cfg)...)
	}
	found := config.Findings(diags)
	if len(found) == 0 {
		return cfg, v1.Check{Name: name, Status: v1.CheckOK, Detail: s.path + " is valid"}, nil
	}
	var texts []string
	for _, f := range found {
		texts = append(texts, f.Summary+": "+f.Detail)
	}
	status := v1.CheckWarn
	if diags.HasErrors() {
		status, cfg = v1.CheckFail, nil
	}
	return cfg, v1.Check{Name: name, Status: status, Detail: clip(strings.Join(texts, "; "), 1000), Fix: "`mlhost validate " + s.path + "` shows the lines"}, nil
}

// unusedInputs tells of inputs that are declared, and read by nothing.
func unusedInputs(cfg *config.Config) []v1.Check {
	unused := cfg.UnusedInputs()
	var out []v1.Check
	for _, name := range slices.Sorted(maps.Keys(unused)) {
		at := unused[name]
		out = append(out, v1.Check{
			Name: "input " + name, Status: v1.CheckWarn, Detail: fmt.Sprintf("nothing reads it (%s:%d)", at.Filename, at.Start.Line),
			Fix: "use it as input." + name + ", or remove its block",
		})
	}
	return out
}

// doctorHosts lists the hosts of the state directory with what they have bound.
func doctorHosts(state string) ([]doctor.Host, error) {
	all, err := places(state)
	if err != nil {
		return nil, err
	}
	var out []doctor.Host
	for _, p := range all {
		h := doctor.Host{Name: p.name, Dir: p.dir}
		if h.PID, err = host.LockHolder(p.dir); err != nil {
			return nil, script.Errorf(script.CodeIO, "the lock of the host %s cannot be read: %v", p.name, err)
		}
		if h.PID != 0 {
			listen, err := host.ReadListen(p.dir)
			if err != nil {
				return nil, err
			}
			h.Listen = []string{listen.HTTP, listen.Connector}
		}
		out = append(out, h)
	}
	return out, nil
}

// hostFindings asks every host that runs what it has found out.
func hostFindings(ctx context.Context, hosts []doctor.Host) []v1.Check {
	var out []v1.Check
	running := false
	for _, h := range hosts {
		if h.PID == 0 {
			continue
		}
		running = true
		c := client.New(host.SocketPath(h.Dir))
		found, err := c.Findings(ctx)
		c.Close()
		if err != nil {
			e := script.AsError(err)
			out = append(out, v1.Check{Name: "host " + h.Name, Status: v1.CheckFail, Detail: "it does not answer: " + e.Message, Fix: "look at its host.log; `mlhost down` ends it"})
			continue
		}
		out = append(out, found.Checks...)
	}
	if !running {
		out = append(out, v1.Check{Name: "host", Status: v1.CheckSkip, Detail: "none is running"})
	}
	return out
}

func writeChecks(w io.Writer, checks []v1.Check) error {
	t := table{header: []string{"STATUS", "CHECK", "DETAIL"}}
	for _, c := range checks {
		t.add(string(c.Status), c.Name, clip(c.Detail, 300))
		if c.Fix != "" && (c.Status == v1.CheckWarn || c.Status == v1.CheckFail) {
			t.add("", "", "fix: "+clip(c.Fix, 300))
		}
	}
	return t.write(w)
}

// troubleshooter is how a host makes the checks for the connector's command.
func (a *app) troubleshooter(state, executable string) func(context.Context) []v1.Check {
	return func(ctx context.Context) []v1.Check {
		hosts, err := doctorHosts(state)
		if err != nil {
			return []v1.Check{{Name: "state directory", Status: v1.CheckFail, Detail: err.Error()}}
		}
		return doctor.Run(ctx, doctor.Options{State: state, Executable: executable, Env: a.getenv, Hosts: hosts})
	}
}
