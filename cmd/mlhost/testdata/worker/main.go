// worker is a plugin for the tests of the command line: it counts steps until
// it is told to end, and answers messages.
package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk"
)

func main() { sdk.Serve(&worker{}) }

type worker struct {
	mu      sync.Mutex // guards what follows
	session *sdk.Session
	heard   int
}

// Describe implements sdk.Script.
func (w *worker) Describe() script.Description {
	return script.Description{
		Name: "worker",
		Doc:  "Counts steps until it is told to end.",
		Parameters: []script.ParameterSpec{
			{Name: "lr", Type: script.TypeFloat, Default: script.Float(0.1), Min: script.Float(0), Max: script.Float(1), Doc: "anything"},
			{Name: "batch", Type: script.TypeInt, Default: script.Int(16), Min: script.Int(8), Max: script.Int(64), Step: script.Int(8)},
			{Name: "mode", Type: script.TypeString, Default: script.String("fast"), Choices: []script.Value{script.String("fast"), script.String("slow")}},
			{Name: "name", Type: script.TypeString, Default: script.String("")},
			{Name: "depth", Type: script.TypeInt, Default: script.Int(3), Mutability: script.Fixed},
			{Name: "seed", Type: script.TypeInt, Default: script.Int(1), Mutability: script.Restart},
			{Name: "end", Type: script.TypeString, Default: script.String(""), Doc: `"well" or "badly"`},
		},
		Variables: []script.VariableSpec{
			{Name: "count", Type: script.TypeInt, ReadOnly: true},
			{Name: "heard", Type: script.TypeInt, ReadOnly: true},
			{Name: "note", Type: script.TypeString},
		},
		Results: []script.ResultSpec{{Name: "count", Type: script.TypeInt}},
		Topics: []script.TopicSpec{
			{Name: "echo", Answers: true},
			{Name: "sulk", Answers: true},
			{Name: "note"},
		},
		Capabilities: []string{script.CapabilityAnswer},
	}
}

// Run implements sdk.Script.
func (w *worker) Run(ctx context.Context, s *sdk.Session) error {
	w.mu.Lock()
	w.session = s
	w.mu.Unlock()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for count := 1; ; count++ {
		s.Set("count", count)
		fmt.Printf("count=%d\n", count)
		if err := s.Step(ctx); err != nil {
			return err
		}
		switch s.Text("end") {
		case "well":
			s.Result("count", count)
			return nil
		case "badly":
			return errors.New("told to end badly")
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Answer implements sdk.Answerer.
func (w *worker) Answer(_ context.Context, m script.Message) (script.Value, error) {
	switch m.Topic {
	case "echo":
		return m.Data, nil
	case "sulk":
		return script.Null(), errors.New("not today")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard++
	if w.session != nil {
		w.session.Set("heard", w.heard)
	}
	return script.Null(), nil
}
