// The plugin that faults are injected into: it counts, tells its count as
// samples and results, keeps the messages that it was handed, and misbehaves
// as its parameters say.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk"
)

func main() {
	if os.Getenv(proxyEnv) != "" {
		code, err := stand()
		if err != nil {
			fmt.Fprintln(os.Stderr, "proxy:", err)
		}
		os.Exit(code)
	}
	sdk.Serve(&counter{})
}

type counter struct {
	mu      sync.Mutex // guards what follows
	session *sdk.Session
	heard   int64
	hanging int64
	file    *os.File // where it writes down what it heard; nil: nowhere
}

// Describe implements sdk.Script.
func (c *counter) Describe() script.Description {
	fixed := func(name string, t script.Type, v script.Value) script.ParameterSpec {
		return script.ParameterSpec{Name: name, Type: t, Default: v, Mutability: script.Fixed}
	}
	return script.Description{
		Name: "counter",
		Doc:  "Counts, and tells its count.",
		Parameters: []script.ParameterSpec{
			{Name: "end", Type: script.TypeBool, Default: script.Bool(false)},
			{Name: "code", Type: script.TypeInt, Default: script.Int(0)},
			fixed("pause", script.TypeFloat, script.Float(0.01)),
			fixed("until", script.TypeString, script.String("")),
			fixed("ledger", script.TypeString, script.String("")),
			fixed("fail_at_end", script.TypeBool, script.Bool(false)),
			fixed("fail", script.TypeBool, script.Bool(false)),
			fixed("file", script.TypeString, script.String("")),
			{Name: "deadlock", Type: script.TypeBool, Default: script.Bool(false)},
		},
		Variables: []script.VariableSpec{{Name: "n", Type: script.TypeInt, ReadOnly: true}, {Name: "heard", Type: script.TypeInt, ReadOnly: true},
			{Name: "hanging", Type: script.TypeInt, ReadOnly: true}},
		Results:      []script.ResultSpec{{Name: "n", Type: script.TypeInt}},
		Topics:       []script.TopicSpec{{Name: "number"}, {Name: "echo", Answers: true}, {Name: "hang", Answers: true}},
		Capabilities: []string{script.CapabilityAnswer},
	}
}

// Answer implements sdk.Answerer.
func (c *counter) Answer(ctx context.Context, m script.Message) (script.Value, error) {
	switch m.Topic {
	case "hang":
		c.hangs(1)
		defer c.hangs(-1)
		<-ctx.Done()
		return script.Null(), ctx.Err()
	case "number":
		c.mu.Lock()
		defer c.mu.Unlock()
		c.heard++
		n, ok := m.Data.Int()
		if ok && c.session != nil {
			c.session.Set("heard", n)
		}
		if c.file != nil {
			if _, err := fmt.Fprintf(c.file, "%s %d\n", m.ID, n); err != nil {
				return script.Null(), err
			}
		}
	}
	return m.Data, nil
}

// hangs counts the calls that are not answered.
func (c *counter) hangs(by int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hanging += by
	if c.session != nil {
		c.session.Set("hanging", c.hanging)
	}
}

// Run implements sdk.Script.
func (c *counter) Run(ctx context.Context, s *sdk.Session) error {
	if s.Bool("fail") {
		return fmt.Errorf("it fails, as it was told to")
	}
	s.OnChange("deadlock", func(_, _ script.Value) { select {} })
	if err := c.begin(s); err != nil {
		return err
	}
	tick := time.NewTicker(time.Duration(s.Float("pause") * float64(time.Second)))
	defer tick.Stop()
	for n := int64(1); ; n++ {
		select {
		case <-ctx.Done():
			return errors.Join(count(s, n-1), ctx.Err())
		case <-tick.C:
		}
		s.SetAt(n, "n", n)
		s.Result("n", n)
		if s.Bool("end") || exists(s.Text("until")) {
			if s.Bool("fail_at_end") {
				return errors.Join(count(s, n), errors.New("it fails, as it was told to"))
			}
			return errors.Join(count(s, n), end(s.Int("code")))
		}
	}
}

// count writes down how far it has come.
func count(s *sdk.Session, n int64) error {
	path := s.Text("ledger")
	if path == "" {
		return nil
	}
	return os.WriteFile(path, strconv.AppendInt(nil, n, 10), 0o600)
}

// begin lets messages be written down.
func (c *counter) begin(s *sdk.Session) (err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session = s
	if path := s.Text("file"); path != "" {
		c.file, err = os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	}
	return err
}

func exists(path string) bool {
	if path == "" {
		return false
	}
	_, err := os.Stat(path)
	return err == nil
}

func end(code int) error {
	if code != 0 {
		return fmt.Errorf("it ends with %d, as it was told to", code)
	}
	return nil
}
