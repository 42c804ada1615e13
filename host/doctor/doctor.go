// Package doctor looks at the machine, the state directory and the programs
// that mlhost relies on, and says of each what is so and, where it is not as it
// should be, how to mend it. It needs no running host, and changes nothing:
// what it starts and writes it takes away again.
package doctor

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/config"
)

// Options is what is looked at.
type Options struct {
	State      string // the directory below which every host has its own
	Executable string // the mlhost program
	Env        func(string) (string, bool)
	Config     *config.Config // whose programs are looked at too; nil: none
	// Hosts are those that the state directory knows.
	Hosts []Host
}

// Host is a host that has run in the state directory.
type Host struct {
	Name string
	Dir  string
	PID  int // 0: it does not run
	// Listen are the TCP addresses that it has bound.
	Listen []string
}

// patience is how long one check may take.
const patience = 30 * time.Second

// Run makes all checks, at the same time, and returns them in a fixed order.
func Run(ctx context.Context, o Options) []v1.Check {
	if o.Env == nil {
		o.Env = func(string) (string, bool) { return "", false }
	}
	groups := []func(context.Context) []v1.Check{
		o.ports, o.stateDirectory, o.disk, o.clock, o.limits, o.programs, o.plugins, o.selfTest, o.gpu, o.leftovers,
	}
	found := make([][]v1.Check, len(groups))
	var g errgroup.Group
	for i, look := range groups {
		g.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			found[i] = look(ctx)
			return nil
		})
	}
	_ = g.Wait() // what goes wrong is a check's detail
	var all []v1.Check
	for _, checks := range found {
		all = append(all, checks...)
	}
	return all
}

// Findings reports whether something should be looked after.
func Findings(checks []v1.Check) bool {
	for _, c := range checks {
		if c.Status == v1.CheckFail || c.Status == v1.CheckWarn {
			return true
		}
	}
	return false
}

func ok(name, format string, args ...any) v1.Check {
	return v1.Check{Name: name, Status: v1.CheckOK, Detail: fmt.Sprintf(format, args...)}
}

func skip(name, format string, args ...any) v1.Check {
	return v1.Check{Name: name, Status: v1.CheckSkip, Detail: fmt.Sprintf(format, args...)}
}

func warn(name, fix, format string, args ...any) v1.Check {
	return v1.Check{Name: name, Status: v1.CheckWarn, Detail: fmt.Sprintf(format, args...), Fix: fix}
}

func fail(name, fix, format string, args ...any) v1.Check {
	return v1.Check{Name: name, Status: v1.CheckFail, Detail: fmt.Sprintf(format, args...), Fix: fix}
}
