package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/host"
	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

func (a *app) planVerb() *cobra.Command {
	var s source
	var detailed bool
	cmd := &cobra.Command{
		Use:   "plan [CONFIG]",
		Short: "Show what carrying out the configuration as it is now would do",
		Long: strings.TrimSpace(`
Show how the configuration files differ from what the host carries out, and
what carrying them out would do to each script: what counts at once, what ends
a run and begins a new one, and why. Nothing is changed. With CONFIG it is for
that configuration; without a running host everything in it is new.`),
		Example: "mlhost plan\nmlhost plan config.hcl --json\nmlhost plan --detailed-exitcode",
		Args:    args(0, 1, "a configuration"),
	}
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 6 if there is something to do")
	s.flags(cmd)
	return a.do(cmd, func(ctx context.Context, got []string) error {
		plan, err := a.plan(ctx, s, got)
		if err != nil {
			return err
		}
		if err := a.print(plan, func(w io.Writer) error { return writePlan(w, plan, "would") }); err != nil {
			return err
		}
		if detailed && len(plan.Changes) > 0 {
			return silent(exitFindings)
		}
		return nil
	})
}

func (a *app) plan(ctx context.Context, s source, got []string) (plan v1.Plan, err error) {
	if len(got) == 0 {
		return plan, a.withHost(func(c *client.Client) error {
			plan, err = c.Plan(ctx, nil)
			return err
		})
	}
	s.path = got[0]
	cfg, diags, err := a.load(s)
	if err != nil {
		return plan, err
	}
	if !diags.HasErrors() {
		diags = append(diags, cfg.Check(map[string]script.Description{})...)
	}
	if diags.HasErrors() {
		return plan, a.configError(cfg, diags)
	}
	if err := a.nameHost(cfg); err != nil {
		return plan, err
	}
	to := cfg.Outline()
	p, err := a.place()
	if err != nil && script.CodeOf(err) != script.CodeHostDown {
		return plan, err
	}
	if err != nil || !p.live {
		nothing := func(string) config.Situation { return config.Situation{} }
		from := config.Outline{Host: to.Host}
		return host.PlanView(config.Compare(from, to, nothing), func(string, string) bool { return false }), nil
	}
	c := p.client()
	defer c.Close()
	view := host.OutlineView(to)
	return c.Plan(ctx, &view)
}

// signs are Terraform's.
var signs = map[string]string{"create": "+", "update": "~", "replace": "-/+", "delete": "-"}

// effects say in words when a change counts.
var effects = map[string]string{
	"live": "at once", "boundary": "at the next step", "next_run": "in the next run",
	"restart": "forces a new run", "new_process": "forces a new run", "stop": "its run is stopped",
	"host_restart": "needs a restart of the host",
}

// writePlan shows a plan; word says whether it "would" happen or "was" done.
func writePlan(w io.Writer, plan v1.Plan, word string) error {
	if len(plan.Changes) == 0 {
		_, err := fmt.Fprintln(w, "nothing to do: the configuration is carried out as it is")
		return err
	}
	var b strings.Builder
	counts := map[string]int{}
	for _, c := range plan.Changes {
		counts[c.Action]++
		subject := c.Kind
		if c.Name != "" {
			subject += fmt.Sprintf(" %q", c.Name)
		}
		fmt.Fprintf(&b, "%3s %s: %s\n", signs[c.Action], subject, c.Reason)
		for _, attr := range c.Attributes {
			fmt.Fprintf(&b, "      %s\n", plannedText(c, attr))
		}
	}
	fmt.Fprintf(&b, "\n%s\n", planSummary(counts, word))
	_, err := io.WriteString(w, escapeText(b.String()))
	return err
}

func plannedText(c v1.PlannedChange, a v1.PlannedAttribute) string {
	switch c.Action {
	case "create":
		return fmt.Sprintf("+ %s = %s", a.Path, literal(a.New))
	case "delete":
		return fmt.Sprintf("- %s = %s", a.Path, literal(a.Old))
	}
	switch {
	case a.Old.IsNull():
		return fmt.Sprintf("+ %s = %s   # %s", a.Path, literal(a.New), effects[a.Effect])
	case a.New.IsNull():
		return fmt.Sprintf("- %s = %s   # %s", a.Path, literal(a.Old), effects[a.Effect])
	}
	return fmt.Sprintf("~ %s = %s -> %s   # %s", a.Path, literal(a.Old), literal(a.New), effects[a.Effect])
}

// literal renders a value as it stands in a configuration.
func literal(v script.Value) string {
	if text, ok := v.Text(); ok {
		return fmt.Sprintf("%q", text)
	}
	return v.String()
}

func planSummary(counts map[string]int, word string) string {
	to := map[string]string{"would": "to ", "was": ""}[word]
	verbs := [][2]string{{"create", "create"}, {"update", "update"}, {"replace", "replace"}, {"delete", "delete"}}
	var parts []string
	for _, v := range verbs {
		name := v[1]
		if word == "was" {
			name += "d"
		}
		parts = append(parts, fmt.Sprintf("%d %s%s", counts[v[0]], to, name))
	}
	return strings.Join(parts, ", ")
}

// reloadConfig carries out the configuration as it is now.
func (a *app) reloadConfig(ctx context.Context) error {
	return a.withHost(func(c *client.Client) error {
		var done v1.Plan
		if err := a.waiting("the scripts", func() (err error) {
			done, err = c.Reload(ctx)
			return err
		}); err != nil {
			return err
		}
		return a.print(done, func(w io.Writer) error { return writePlan(w, done, "was") })
	})
}

// writeConfigStatus tells, below the scripts, what is not carried out of the
// configuration.
func (a *app) writeConfigStatus(ctx context.Context, c *client.Client) error {
	h, err := c.Host(ctx)
	if err != nil {
		return err
	}
	for _, notice := range h.Notices {
		a.note("%s", escapeText(notice))
	}
	if h.Config.Problem != "" {
		a.note("the configuration cannot be carried out, the one before it serves: %s", escapeText(h.Config.Problem))
	}
	if h.Config.Refused != "" {
		a.note("a part of the configuration could not be carried out: %s", escapeText(h.Config.Refused))
	}
	if len(h.Config.Restart) > 0 {
		a.note("the configuration has changed for the host itself: %s wait until it is started again", escapeText(strings.Join(h.Config.Restart, ", ")))
	}
	if len(h.Config.Pending) > 0 {
		a.note("the configuration has changed for %s: `mlhost plan` shows it, `mlhost reload` ends the run and begins a new one", escapeText(strings.Join(h.Config.Pending, ", ")))
	}
	return nil
}
