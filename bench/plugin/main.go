// The benchmark's plugin: what it does is its parameter "role".
package main

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk"
)

func main() { sdk.Serve(&player{all: make(chan struct{})}) }

// player counts the broadcasts that it was handed.
type player struct {
	wanted   atomic.Int64
	received atomic.Int64
	all      chan struct{} // closed when received reaches wanted
}

// Describe implements sdk.Script.
func (p *player) Describe() script.Description {
	return script.Description{
		Name: "bench",
		Doc:  "The other end of a measurement.",
		Parameters: []script.ParameterSpec{
			{Name: "role", Type: script.TypeString, Default: script.String("idle"), Mutability: script.Fixed,
				Choices: []script.Value{script.String("idle"), script.String("pong"), script.String("ask"), script.String("pace"),
					script.String("listen"), script.String("shout"), script.String("samples")}},
			{Name: "n", Type: script.TypeInt, Default: script.Int(1000), Mutability: script.Fixed},
			{Name: "learning_rate", Type: script.TypeFloat, Default: script.Float(0.1), Mutability: script.Live},
		},
		Variables: []script.VariableSpec{
			{Name: "loss", Type: script.TypeFloat},
			{Name: "received", Type: script.TypeInt},
		},
		Topics:       []script.TopicSpec{{Name: "ping", Answers: true}, {Name: "news"}},
		Capabilities: []string{script.CapabilityAnswer},
		MayOverlap:   true,
	}
}

// Answer implements sdk.Answerer.
func (p *player) Answer(_ context.Context, m script.Message) (script.Value, error) {
	if m.Topic == "news" {
		// wanted is 0 before the run has begun, and no count reaches it
		if p.received.Add(1) == p.wanted.Load() {
			close(p.all)
		}
	}
	return m.Data, nil
}

// Run implements sdk.Script.
func (p *player) Run(ctx context.Context, s *sdk.Session) error {
	n := s.Int("n")
	switch s.Text("role") {
	case "ask":
		return ask(ctx, s, n)
	case "pace":
		return pace(ctx, s, n)
	case "listen":
		return p.listen(ctx, s, n)
	case "shout":
		return shout(ctx, s, n)
	case "samples":
		s.Result("began", now())
		for step := range n {
			s.SetAt(int64(step), "loss", float64(step))
		}
		return nil
	}
	for { // only answer
		select {
		case <-s.Due():
			if err := s.Yield(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Checkpoint implements sdk.Checkpointer: there is no state.
func (p *player) Checkpoint(context.Context) ([]byte, error) { return []byte("none"), nil }

// Restore implements sdk.Checkpointer.
func (p *player) Restore(context.Context, []byte) error { return nil }

// pace asks n times, a thousand times a second, whether answers come or not.
func pace(ctx context.Context, s *sdk.Session, n int) error {
	took := make([]float64, n)
	var failed atomic.Int64
	var calls sync.WaitGroup
	begin := time.Now()
	for i := range n {
		select {
		case <-time.After(time.Until(begin.Add(time.Duration(i) * time.Millisecond))):
		case <-ctx.Done():
			return ctx.Err()
		}
		calls.Go(func() {
			start := time.Now()
			if _, err := s.Ask(ctx, "pong", "ping", script.Int(int64(i))); err != nil {
				failed.Add(1)
				s.Logf("error", "call %d: %s", i, err)
			}
			took[i] = float64(time.Since(start).Nanoseconds()) / 1e6
		})
	}
	calls.Wait()
	slices.Sort(took)
	s.Result("failed", failed.Load())
	s.Result("p99_ms", took[n*99/100])
	s.Result("max_ms", took[n-1])
	s.Result("seconds", time.Since(begin).Seconds())
	return nil
}

func now() float64 { return float64(time.Now().UnixNano()) / 1e9 }

func ask(ctx context.Context, s *sdk.Session, n int) error {
	took := make([]float64, 0, n)
	for i := range n {
		start := time.Now()
		if _, err := s.Ask(ctx, "pong", "ping", script.Map(map[string]script.Value{"n": script.Int(int64(i))})); err != nil {
			return err
		}
		took = append(took, float64(time.Since(start).Nanoseconds())/1e3)
	}
	took = took[n/10:] // without the first, cold ones
	slices.Sort(took)
	s.Result("median_us", took[len(took)/2])
	return nil
}

func (p *player) listen(ctx context.Context, s *sdk.Session, n int) error {
	p.wanted.Store(int64(n))
	select {
	case <-p.all:
		s.Result("done", now())
	case <-ctx.Done():
	}
	s.Set("received", p.received.Load())
	return nil
}

// shout publishes n messages, from when its link is there.
func shout(ctx context.Context, s *sdk.Session, n int) error {
	if _, err := s.Ask(ctx, "listen0", "ping", nil); err != nil {
		return err
	}
	s.Result("began", now())
	for i := range n {
		if err := s.Publish(ctx, "news", script.Map(map[string]script.Value{"n": script.Int(int64(i))})); err != nil {
			return err
		}
	}
	return nil
}
