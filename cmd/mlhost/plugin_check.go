package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/host/supervisor"
	"github.com/mlhost/mlhost/shared/script"
)

// checks answers `plugin test`.
type checks struct {
	Checks []check `json:"checks"`
}

// check is one promise that a plugin keeps or not.
type check struct {
	Name   string `json:"name"`
	Status string `json:"status"` // ok, fail or skip
	Detail string `json:"detail"`
}

func (a *app) pluginTestVerb() *cobra.Command {
	var limit time.Duration
	cmd := &cobra.Command{
		Use:   "test PLUGIN",
		Short: "Check that a plugin does what a host expects of it",
		Args:  args(1, 1, "a plugin's executable"),
	}
	cmd.Flags().DurationVar(&limit, "timeout", 30*time.Second, "how long each step may take")
	return a.do(cmd, func(ctx context.Context, got []string) error {
		out, err := checkPlugin(ctx, got[0], limit)
		if err != nil {
			return err
		}
		failed := false
		for _, c := range out.Checks {
			failed = failed || c.Status == "fail"
		}
		if err := a.print(out, func(w io.Writer) error {
			t := table{header: []string{"CHECK", "STATUS", "DETAIL"}}
			for _, c := range out.Checks {
				t.add(c.Name, c.Status, c.Detail)
			}
			return t.write(w)
		}); err != nil {
			return err
		}
		if failed {
			return silent(exitFailed)
		}
		return nil
	})
}

// checker runs one plugin as a host would and watches what it reports.
type checker struct {
	limit  time.Duration
	conf   *config.Script
	sup    *supervisor.Supervisor
	out    checks
	states chan script.State

	mu     sync.Mutex // guards what follows
	last   uint64     // number of the run's last event
	broken string     // how the numbers were wrong
}

func checkPlugin(ctx context.Context, path string, limit time.Duration) (out checks, err error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return out, fmt.Errorf("find plugin: %w", err)
	}
	if _, err := os.Stat(abs); err != nil {
		return out, script.Errorf(script.CodeNotFound, "there is no %s", path)
	}
	dir, err := os.MkdirTemp("", "mlhost-test-")
	if err != nil {
		return out, fmt.Errorf("make directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "test.hcl")
	text := fmt.Sprintf("script \"plugin\" {\n  plugin = %q\n  restart { policy = \"never\" }\n}\n", abs)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return out, fmt.Errorf("write config: %w", err)
	}
	cfg, diags := config.Load(file, config.Options{})
	if err := config.Error(diags); err != nil {
		return out, err
	}
	executable, err := os.Executable()
	if err != nil {
		return out, fmt.Errorf("find own executable: %w", err)
	}
	c := &checker{limit: limit, conf: cfg.Scripts[0], states: make(chan script.State, 256)}
	c.sup = supervisor.New(supervisor.Options{Dir: dir, Executable: executable, Emit: c.emit, StartTimeout: limit})
	d, ok := c.describe(ctx)
	if ok {
		c.run(ctx, d)
	}
	return c.out, nil
}

// emit takes in the facts of the run and checks how they are numbered.
func (c *checker) emit(_ context.Context, events ...script.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range events {
		if e.Seq > 0 {
			// Those that are not kept, heartbeats and states, are not seen here.
			if e.Seq <= c.last && c.broken == "" {
				c.broken = fmt.Sprintf("event %d came after event %d", e.Seq, c.last)
			}
			c.last = e.Seq
		}
		if s, ok := e.Body.(script.StateChanged); ok {
			select {
			case c.states <- s.State:
			default: // more states than a run has: the checks have failed by then
			}
		}
	}
	return nil
}

// note records a check; an error is its failure.
func (c *checker) note(name string, err error, detail string) bool {
	one := check{Name: name, Status: "ok", Detail: detail}
	if err != nil {
		one.Status, one.Detail = "fail", err.Error()
	}
	c.out.Checks = append(c.out.Checks, one)
	return err == nil
}

func (c *checker) describe(ctx context.Context) (script.Description, bool) {
	ctx, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	d, err := c.sup.Describe(ctx, c.conf)
	if !c.note("starts and describes itself", err, fmt.Sprintf("%d parameters, %d variables, %d topics", len(d.Parameters), len(d.Variables), len(d.Topics))) {
		return d, false
	}
	c.note("its declarations are sound", soundness(d), "")
	again, err := c.sup.Describe(ctx, c.conf)
	if err == nil && !reflect.DeepEqual(d, again) {
		err = errors.New("a second Describe says something else")
	}
	return d, c.note("describes itself the same again", err, "")
}

// soundness tells what is wrong with a description in itself.
func soundness(d script.Description) error {
	seen := map[string]bool{}
	for i := range d.Parameters {
		p := &d.Parameters[i]
		switch {
		case p.Name == "":
			return fmt.Errorf("parameter %d has no name", i+1)
		case seen[p.Name]:
			return fmt.Errorf("parameter %s is declared twice", p.Name)
		}
		seen[p.Name] = true
		if p.Default.IsNull() {
			continue
		}
		if _, err := p.Check(p.Default); err != nil {
			return fmt.Errorf("the default of parameter %s: %w", p.Name, err)
		}
	}
	seen = map[string]bool{}
	for i, v := range d.Variables {
		if v.Name == "" || seen[v.Name] {
			return fmt.Errorf("variable %d has no name of its own", i+1)
		}
		seen[v.Name] = true
	}
	return nil
}

// run starts the plugin, sets parameters and stops it.
func (c *checker) run(ctx context.Context, d script.Description) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	if err := c.sup.Add(c.conf); err != nil {
		cancel()
		c.note("runs", err, "")
		return
	}
	go func() { ended <- c.sup.Run(ctx) }()
	state, err := c.await(func(s script.State) bool { return s == script.Ready || s == script.Running || s.Ended() })
	if err == nil && (state == script.Failed || state == script.Lost) {
		err = fmt.Errorf("the run %s", state)
	}
	if c.note("runs", err, string(state)) && state.Live() {
		c.sets(ctx, d)
		stopping, done := context.WithTimeout(ctx, c.limit)
		err := c.sup.Stop(stopping, c.conf.Name)
		done()
		c.note("stops when it is told to", err, "")
	}
	cancel()
	err = <-ended
	c.note("leaves nothing behind", err, "")
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != "" {
		c.note("numbers its events in order", errors.New(c.broken), "")
	} else {
		c.note("numbers its events in order", nil, fmt.Sprintf("up to %d", c.last))
	}
}

// await waits for a state.
func (c *checker) await(want func(script.State) bool) (script.State, error) {
	timer := time.NewTimer(c.limit)
	defer timer.Stop()
	for {
		select {
		case s := <-c.states:
			if want(s) {
				return s, nil
			}
		case <-timer.C:
			return "", fmt.Errorf("not within %s", c.limit)
		}
	}
}

// sets changes a live parameter to its own default, and one that is not there.
func (c *checker) sets(ctx context.Context, d script.Description) {
	ctx, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	unknown := script.Batch{ID: "unknown", Author: "user:test", Values: map[string]script.Value{"no such parameter": script.Int(1)}}
	reply, err := c.sup.SetParameters(ctx, c.conf.Name, unknown)
	if err == nil && !reply.Rejected() {
		c.note("rejects what it does not know", errors.New("a parameter that is not declared was taken"), "")
	} else {
		c.note("rejects what it does not know", nil, "")
	}
	for _, p := range d.Parameters {
		if p.Default.IsNull() || (p.Mutability != script.Live && p.Mutability != "") {
			continue
		}
		batch := script.Batch{ID: "default", Author: "user:test", Values: map[string]script.Value{p.Name: p.Default}}
		reply, err := c.sup.SetParameters(ctx, c.conf.Name, batch)
		if err == nil && reply.Rejected() {
			err = fmt.Errorf("%s: its own default was rejected: %s", p.Name, reply.Outcomes[0].Reason)
		}
		c.note("takes a parameter while it runs", err, p.Name+" = "+p.Default.String())
		return
	}
	c.out.Checks = append(c.out.Checks, check{Name: "takes a parameter while it runs", Status: "skip", Detail: "it has none that can be set live"})
}
