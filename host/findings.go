package host

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/host/registry"
	"github.com/mlhost/mlhost/host/router"
	"github.com/mlhost/mlhost/shared/script"
)

// jump is by how much the wall clock may drift from the steady one.
const jump = 5 * time.Second

// findings tells what the running host has found out: of itself, and of what
// its configuration says and nobody heeds.
func (h *Host) findings(ctx context.Context) []v1.Check {
	out := []v1.Check{h.damages(), h.pendingConfig(), h.watches(), h.clockJump(time.Now()), h.tidiness(ctx)}
	out = append(append(out, h.unknownParameters()...), h.silentRoutes()...)
	return append(out, h.notifications(ctx)...)
}

// Troubleshoot makes all checks that a running host can make.
func (h *Host) Troubleshoot(ctx context.Context) []v1.Check {
	var out []v1.Check
	if h.options.Troubleshoot != nil {
		out = h.options.Troubleshoot(ctx)
	}
	return append(out, h.findings(ctx)...)
}

func check(name string, status v1.CheckStatus, detail, fix string) v1.Check {
	return v1.Check{Name: name, Status: status, Detail: detail, Fix: fix}
}

func (h *Host) damages() v1.Check {
	const name = "store"
	if notices := h.notices(); len(notices) > 0 {
		return check(name, v1.CheckWarn, strings.Join(notices, "; "), "keep a backup: `mlhost backup FILE`; look after the disk")
	}
	return check(name, v1.CheckOK, "nothing was damaged", "")
}

func (h *Host) pendingConfig() v1.Check {
	const name = "configuration of the host"
	status := h.configStatus()
	if status.Problem != "" {
		return check(name, v1.CheckFail, "its files as they are now cannot be used: "+status.Problem, "`mlhost validate` shows the lines; the host goes on with what it had")
	}
	if status.Refused != "" {
		return check(name, v1.CheckWarn, "a part of it could not be carried out: "+status.Refused, "`mlhost plan` shows what is still to be done, `mlhost reload` tries it again")
	}
	if len(status.Pending) > 0 {
		return check(name, v1.CheckWarn, "it has changed for "+strings.Join(status.Pending, ", ")+", whose runs the change would end", "`mlhost plan` shows what, `mlhost reload` does it")
	}
	if len(status.Restart) > 0 {
		return check(name, v1.CheckWarn, "it has changed for the host itself: "+strings.Join(status.Restart, ", "),
			"`mlhost plan` shows what; it counts when the host is started again")
	}
	return check(name, v1.CheckOK, "it is carried out as its files say", "")
}

// clockJump compares the wall clock with the steady one since the host began.
func (h *Host) clockJump(now time.Time) v1.Check {
	const name = "clock since the start"
	wall, steady := now.Round(0).Sub(h.started.Round(0)), now.Sub(h.started)
	if off := wall - steady; off.Abs() > jump {
		return check(name, v1.CheckWarn, fmt.Sprintf("it was set by %s since the host began", off.Round(time.Second)),
			"let the network set it steadily; times before and after do not fit, the numbers of events do")
	}
	return check(name, v1.CheckOK, "it was not set", "")
}

// unknownParameters are those that the configuration gives a value and the
// script, which has told what it takes, does not know: no one reads them.
func (h *Host) unknownParameters() []v1.Check {
	if !h.reloading.TryLock() {
		return []v1.Check{check("parameters", v1.CheckSkip, "another configuration is being carried out", "")}
	}
	scripts := slices.Clone(h.config.Load().Scripts)
	h.reloading.Unlock()
	var out []v1.Check
	for _, s := range scripts {
		known, found := h.registry.Script(s.Name)
		if !found || !known.Described || known.Started.IsZero() {
			continue // it has not told yet
		}
		names := declared(known)
		for _, p := range s.Parameters {
			if p.Pass != "" || p.Env != "" || p.File != "" || slices.Contains(names, p.Name) {
				continue
			}
			fix := "remove it from the configuration, or let the script declare it"
			if best := script.Suggest(p.Name, names); best != "" {
				fix = fmt.Sprintf("did you mean %q?", best)
			}
			at := fmt.Sprintf("%s:%d", p.Range.Filename, p.Range.Start.Line)
			out = append(out, check("parameter "+s.Name+"."+p.Name, v1.CheckWarn, "no one reads it: the script has not declared it ("+at+")", fix))
		}
	}
	if len(out) == 0 {
		return []v1.Check{check("parameters", v1.CheckOK, "every configured one is known to its script, as far as scripts have run", "")}
	}
	return out
}

// declared are the parameters that the script itself has named.
func declared(s registry.Script) []string {
	var names []string
	for _, p := range s.Description.Parameters {
		if p.Origin.Style != "config" { // known by the configuration alone
			names = append(names, p.Name)
		}
	}
	return names
}

// silentRoutes tells of routes that have never set anything, and why.
func (h *Host) silentRoutes() []v1.Check {
	var out []v1.Check
	for _, r := range h.config.Load().Routes {
		if !r.Enabled {
			out = append(out, check("route "+r.Name, v1.CheckSkip, "it is turned off", ""))
		}
	}
	for _, r := range h.router.Routes() {
		out = append(out, h.route(r))
	}
	return out
}

func times(n uint64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func (h *Host) route(r router.RouteStatus) v1.Check {
	name := "route " + r.Route.Name
	from := r.Route.From.Script + "." + r.Route.From.Variable
	to := r.Route.To.Script + "." + r.Route.To.Parameter
	if r.Fired > 0 && r.Problem == "" {
		return check(name, v1.CheckOK, fmt.Sprintf("it has set %s %s, last %s", to, times(r.Fired), r.LastSet.Format(time.RFC3339)), "")
	}
	if r.Problem != "" {
		return check(name, v1.CheckWarn, fmt.Sprintf("after %d samples of %s: %s", r.Seen, from, r.Problem), "correct the route, or what it reads; `mlhost get "+to+"` shows what is taken")
	}
	if r.Seen > 0 {
		detail := fmt.Sprintf("it has never fired: %s has reported %d samples, the last is %s, and ", from, r.Seen, brief(r.Last))
		if r.Route.Conditional {
			return check(name, v1.CheckWarn, detail+"`when` was true of none", "compare the condition with `mlhost watch "+from+"`")
		}
		return check(name, v1.CheckWarn, detail+"no value differed from what "+to+" has", "look at `value` and `min_change`; what one of them reads may still be null")
	}
	return h.unheard(name, from, r.Route)
}

// brief writes a value as people read it: a number with no more digits than tell something.
func brief(v script.Value) string {
	if f, ok := v.Float(); ok && v.Kind() == script.KindFloat {
		return strconv.FormatFloat(f, 'g', 6, 64)
	}
	return v.String()
}

// unheard tells why a route has seen no sample.
func (h *Host) unheard(name, from string, route *config.Route) v1.Check {
	s, found := h.registry.Script(route.From.Script)
	if !found || s.Started.IsZero() {
		return check(name, v1.CheckSkip, route.From.Script+" has not run yet", "")
	}
	var names []string
	for _, v := range s.Variables {
		names = append(names, v.Name)
	}
	if slices.Contains(names, route.From.Variable) {
		return check(name, v1.CheckWarn, "it has never fired: "+from+" is known and has reported no sample since the route began", "see whether the script reports it: `mlhost watch "+from+"`")
	}
	fix := "see what the script reports: `mlhost vars " + route.From.Script + "`"
	if best := script.Suggest(route.From.Variable, names); best != "" {
		fix = fmt.Sprintf("did you mean %q?", best)
	}
	return check(name, v1.CheckWarn, "it has never fired: "+route.From.Script+" runs or has run, and has never reported "+route.From.Variable, fix)
}

// notifications tells of addresses that cannot be told what happens.
func (h *Host) notifications(ctx context.Context) []v1.Check {
	all, err := h.notifier.Status(ctx)
	if err != nil {
		return []v1.Check{check("notify", v1.CheckFail, err.Error(), "look after the state directory")}
	}
	var out []v1.Check
	for _, n := range all {
		name := "notify " + n.Name
		detail := fmt.Sprintf("%s was told %d times; %d were given up, %d dropped, %d have expired, %d wait", n.Address, n.Sent, n.Failed, n.Dropped, n.Expired, n.Waiting)
		if n.Problem == "" && n.Untold == 0 {
			out = append(out, check(name, v1.CheckOK, detail, ""))
			continue
		}
		if n.Problem != "" {
			detail += "; the last attempt: " + n.Problem
		}
		out = append(out, check(name, v1.CheckWarn, detail, "look whether the address takes a POST of JSON; correct `url` in the notify block"))
	}
	return out
}
