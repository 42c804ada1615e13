// plateau listens to a script's loss and counts its plateaus: how often the
// loss has stopped getting better. A route from its variable can then lower
// the script's learning rate.
//
// A message of topic training_update carries {"loss": number}; one of topic
// training_done ends the run.
package main

import (
	"context"
	"math"
	"sync"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk"
)

func main() { sdk.Serve(&plateau{updates: make(chan float64, 64), done: make(chan struct{})}) }

type plateau struct {
	updates chan float64
	done    chan struct{}
	once    sync.Once // closes done
}

// Describe implements sdk.Script.
func (p *plateau) Describe() script.Description {
	return script.Description{
		Name: "plateau",
		Doc:  "Counts how often a loss has stopped getting better.",
		Parameters: []script.ParameterSpec{
			{Name: "patience", Type: script.TypeInt, Default: script.Int(3), Min: script.Int(1), Mutability: script.Live,
				Doc: "so many losses in a row that are no better make a plateau"},
			{Name: "threshold", Type: script.TypeFloat, Default: script.Float(1e-4), Min: script.Float(0), Mutability: script.Live,
				Doc: "by how much a loss must be less than the best one to be better"},
			{Name: "factor", Type: script.TypeFloat, Default: script.Float(0.5), Min: script.Float(0), Max: script.Float(1),
				ExclusiveMin: true, ExclusiveMax: true, Mutability: script.Live,
				Doc: "for routes: what to multiply a learning rate by at a plateau"},
		},
		Variables: []script.VariableSpec{
			{Name: "loss", Type: script.TypeFloat, Doc: "the last one heard"},
			{Name: "best", Type: script.TypeFloat, Doc: "the least one heard"},
			{Name: "plateaus", Type: script.TypeInt, Doc: "set at each plateau, from 1"},
		},
		Results: []script.ResultSpec{{Name: "plateaus", Type: script.TypeInt}, {Name: "best", Type: script.TypeFloat}},
		Topics: []script.TopicSpec{
			{Name: "training_update", Doc: `{"loss": number}`},
			{Name: "training_done", Doc: "ends the run"},
		},
		Capabilities: []string{script.CapabilityAnswer},
	}
}

// Answer implements sdk.Answerer. A message is answered when it was counted.
func (p *plateau) Answer(ctx context.Context, m script.Message) (script.Value, error) {
	if m.Topic == "training_done" {
		p.once.Do(func() { close(p.done) })
		return script.Null(), nil
	}
	fields, _ := m.Data.Map()
	loss, ok := fields["loss"].Float()
	if !ok {
		return script.Null(), script.Errorf(script.CodeRejected, "%s of %s carries no number \"loss\"", m.Topic, m.Source)
	}
	select {
	case p.updates <- loss:
		return script.Null(), nil
	case <-ctx.Done():
		return script.Null(), ctx.Err()
	}
}

// Run implements sdk.Script.
func (p *plateau) Run(ctx context.Context, s *sdk.Session) error {
	var c counter
	defer func() {
		s.Result("plateaus", c.plateaus)
		if c.heard {
			s.Result("best", c.best)
		}
	}()
	for {
		select {
		case loss := <-p.updates:
			s.Set("loss", loss)
			if c.add(loss, s.Float("threshold"), int64(s.Int("patience"))) {
				s.Set("plateaus", c.plateaus)
			}
			s.Set("best", c.best)
			if err := s.Step(ctx); err != nil {
				return err
			}
		case <-p.done:
			if len(p.updates) == 0 {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// counter counts plateaus in a sequence of losses.
type counter struct {
	heard    bool
	best     float64
	waited   int64
	plateaus int64
}

// add takes the next loss and reports whether it completes a plateau. A NaN
// is no better than anything.
func (c *counter) add(loss, threshold float64, patience int64) bool {
	if !c.heard || math.IsNaN(c.best) || loss < c.best-threshold {
		c.heard, c.waited = true, 0
		c.best = loss
		return false
	}
	c.waited++
	if c.waited < patience {
		return false
	}
	c.waited = 0
	c.plateaus++
	return true
}
