//go:build linux

// Chaos injects faults into a real mlhost with real scripts, counts what
// becomes of what was acknowledged, and prints a table; it exits with 1 when a
// promise is broken.
//
//	go run ./chaos [-rows adoption,mail] [-scale 0.2] [-soak 2h] [-json FILE]
//
// Faults are real: SIGKILL, SIGSTOP, a full file system, damaged files, floods
// of output, trees of processes, clocks that jump, connections that stall. The
// tests run every row small. However it ends, nothing that it started is left.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/mlhost/mlhost/internal/proc"
)

func main() {
	if dir := os.Getenv(guardEnv); dir != "" {
		exit(stand(dir))
	}
	// Not SIGPIPE, which every write to a host that was killed raises where it is listened for.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // a second signal ends this at once, and the guard clears up
	exit(run(ctx))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// row is one promise and what puts it to the test.
type row struct {
	name    string
	promise string
	limit   time.Duration // a row that takes longer has failed
	try     func(context.Context, *lab, *outcome) error
}

var rows = []row{
	{"adoption", "kill -9 of the host: scripts run on, are adopted, nothing acknowledged is lost", 10 * time.Minute, adoption},
	{"finished", "what ended while the host was dead is recorded once and not run again", 5 * time.Minute, finished},
	{"strange", "a strange process is never touched", 3 * time.Minute, strange},
	{"crash-loops", "crash loops are contained", 5 * time.Minute, crashLoops},
	{"wrapper", "a wrapper that dies takes its script along", 5 * time.Minute, wrapperDies},
	{"hung", "a hung plugin harms nobody", 5 * time.Minute, hung},
	{"output", "any output is survivable", 10 * time.Minute, anyOutput},
	{"leftovers", "stop leaves nothing", 5 * time.Minute, leftovers},
	{"disk", "full disk: scripts run on, and what cannot be kept is refused loudly", 5 * time.Minute, fullDisk},
	{"damage", "a corrupt database is set aside and rebuilt", 5 * time.Minute, damage},
	{"clock", "the clock jumps: timers are monotonic, and nothing else happens", 8 * time.Minute, clockJumps},
	{"config", "a broken config changes nothing", 5 * time.Minute, brokenConfig},
	{"viewers", "slow viewers harm nobody", 2 * time.Minute, slowViewers},
	{"connection", "connections that stall or break: what was said meanwhile is there once", 5 * time.Minute, connection},
	{"mail", "mail is durable", 10 * time.Minute, mail},
	{"entry", "nobody gets in", 5 * time.Minute, entry},
	{"soak", "random faults: descriptors, goroutines and memory stay flat", 15 * time.Minute, soak},
}

func run(ctx context.Context) (err error) {
	only := flag.String("rows", "", "names of rows, separated by commas; all by default")
	scale := flag.Float64("scale", 1, "how much is done, where 1 is the full size")
	soaking := flag.Duration("soak", 0, "how long the soak goes on at least")
	file := flag.String("json", "chaos/results.json", "where the numbers go")
	flag.Parse()
	chosen, err := choose(*only)
	if err != nil {
		return err
	}
	l, err := newLab(*scale)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	l.soak = *soaking
	if err := l.build(ctx); err != nil {
		return err
	}
	report := report{Machine: proc.ThisMachine(), Scale: *scale}
	began := time.Now()
	printHead(os.Stdout)
	for _, r := range chosen {
		o := r.run(ctx, l, os.Stderr)
		if ctx.Err() != nil {
			return fmt.Errorf("it was ended in the row %q", r.name)
		}
		o.print(os.Stdout)
		report.Rows = append(report.Rows, o)
	}
	report.Seconds = time.Since(began).Seconds()
	fmt.Printf("%d rows in %s on %s\n", len(report.Rows), time.Since(began).Round(time.Second), report.Machine)
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(*file, append(text, '\n'), 0o644); err != nil {
		return err
	}
	return verdict(report.Rows)
}

// report is what is written for programs to read.
type report struct {
	Machine proc.Machine `json:"machine"`
	Scale   float64      `json:"scale"`
	Seconds float64      `json:"seconds"`
	Rows    []*outcome   `json:"rows"`
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
// nothing is left of it. It tells on progress how far it has come.
func (r row) run(ctx context.Context, l *lab, progress io.Writer) *outcome {
	o := &outcome{Name: r.name, Promise: r.promise, began: time.Now(), progress: progress}
	o.at("begins")
	limited, cancel := context.WithTimeout(ctx, r.limit+l.soak)
	defer cancel()
	err := r.try(limited, l, o)
	if err != nil && limited.Err() != nil {
		err = fmt.Errorf("it took longer than the %s that it may: %w", r.limit+l.soak, err)
	}
	if err != nil {
		o.breaks("%v", err)
	}
	l.downAll(ctx, o)
	if left := proc.WithEnv(markName, l.dir); len(left) > 0 {
		o.breaks("processes are left: %v", left)
		if err := endMarked(l.dir); err != nil {
			o.breaks("%v", err)
		}
	}
	o.Seconds = time.Since(o.began).Seconds()
	return o
}
