//go:build linux

// Chaos injects faults into a real mlhost with real scripts, counts what
// becomes of what was acknowledged, and prints a table; it exits with 1 when a
// promise is broken.
//
//	go run ./chaos [-rows adoption,mail] [-scale 0.2] [-json FILE]
//
// Faults are real: SIGKILL, SIGSTOP, a full file system, damaged files, floods
// of output, trees of processes. The tests run every row small.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

// row is one promise and what puts it to the test.
type row struct {
	name    string
	promise string
	try     func(context.Context, *lab, *outcome) error
}

var rows = []row{
	{"adoption", "kill -9 of the host: scripts run on, are adopted, nothing acknowledged is lost", adoption},
	{"finished", "what ended while the host was dead is recorded once and not run again", finished},
	{"strange", "a strange process is never touched", strange},
	{"crash-loops", "crash loops are contained", crashLoops},
	{"wrapper", "a wrapper that dies takes its script along", wrapperDies},
	{"hung", "a hung plugin harms nobody", hung},
	{"output", "any output is survivable", anyOutput},
	{"leftovers", "stop leaves nothing", leftovers},
	{"disk", "full disk: scripts run on, and what cannot be kept is refused loudly", fullDisk},
	{"damage", "a corrupt database is set aside and rebuilt", damage},
	{"config", "a broken config changes nothing", brokenConfig},
	{"viewers", "slow viewers harm nobody", slowViewers},
	{"mail", "mail is durable", mail},
	{"soak", "random faults: descriptors and memory stay flat", soak},
}

func run(ctx context.Context) error {
	only := flag.String("rows", "", "names of rows, separated by commas; all by default")
	scale := flag.Float64("scale", 1, "how much is done, where 1 is the full size")
	file := flag.String("json", "chaos/results.json", "where the numbers go")
	flag.Parse()
	chosen, err := choose(*only)
	if err != nil {
		return err
	}
	l, err := newLab(ctx, *scale)
	if err != nil {
		return err
	}
	defer l.close()
	var all []*outcome
	for _, r := range chosen {
		o := r.run(ctx, l)
		o.print(os.Stdout)
		all = append(all, o)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	text, err := json.MarshalIndent(map[string]any{"scale": *scale, "rows": all}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(*file, append(text, '\n'), 0o644); err != nil {
		return err
	}
	return verdict(all)
}

func choose(names string) ([]row, error) {
	if names == "" {
		return rows, nil
	}
	var chosen []row
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(rows, func(r row) bool { return r.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no row %q", name)
		}
		chosen = append(chosen, rows[i])
	}
	return chosen, nil
}

func verdict(all []*outcome) error {
	var broken []string
	for _, o := range all {
		if len(o.Broken) > 0 {
			broken = append(broken, o.Name)
		}
	}
	if len(broken) > 0 {
		return errors.New("promises are broken: " + strings.Join(broken, ", "))
	}
	return nil
}

// run puts a promise to the test, in a place of its own, and looks that
// nothing is left of it.
func (r row) run(ctx context.Context, l *lab) *outcome {
	o := &outcome{Name: r.name, Promise: r.promise}
	if err := r.try(ctx, l, o); err != nil {
		o.breaks("%v", err)
	}
	l.downAll(o)
	if left := l.processes(); len(left) > 0 {
		o.breaks("processes are left: %v", left)
	}
	return o
}
