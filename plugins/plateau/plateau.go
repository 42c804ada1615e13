package main

import (
	"context"
	"math"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk"
)

// plateau is the script. Messages hand losses to Run, one at a time.
type plateau struct {
	updates chan update
}

// update is one message: a loss, or the end of the training.
type update struct {
	loss  float64
	rate  float64 // in use by the sender; 0: it does not say
	last  bool
	taken chan script.Value // gets what is known behind it
}

func newPlateau() *plateau { return &plateau{updates: make(chan update)} }

// Describe tells what the script takes and reports.
func (p *plateau) Describe() script.Description {
	return script.Description{
		Name: "plateau",
		Doc:  "Counts how often a loss has stopped to get better, and proposes a lower learning rate.",
		Parameters: []script.ParameterSpec{
			{
				Name: "patience", Type: script.TypeInt, Default: script.Int(3), Min: script.Int(1),
				Doc: "so many losses in a row that are no better make a plateau",
			},
			{
				Name: "threshold", Type: script.TypeFloat, Default: script.Float(1e-4), Min: script.Float(0),
				Doc: "by how much a loss must be less than the best one to be better",
			},
			{
				Name: "cooldown", Type: script.TypeInt, Default: script.Int(0), Min: script.Int(0),
				Doc: "so many losses behind a plateau do not count",
			},
			{
				Name: "factor", Type: script.TypeFloat, Default: script.Float(0.5), Min: script.Float(0), ExclusiveMin: true,
				Max: script.Float(1), ExclusiveMax: true, Doc: "what to multiply the learning rate by at a plateau",
			},
			{
				Name: "minimum", Type: script.TypeFloat, Default: script.Float(0), Min: script.Float(0),
				Doc: "the least learning rate to propose",
			},
			{
				Name: "learning_rate", Type: script.TypeFloat, Default: script.Float(0.1), Min: script.Float(0), ExclusiveMin: true,
				Doc: "what the trainer starts with, for proposals; a message that tells the one in use goes before it",
			},
		},
		Variables: []script.VariableSpec{
			{Name: "loss", Type: script.TypeFloat, ReadOnly: true, Doc: "the last one heard"},
			{Name: "best", Type: script.TypeFloat, ReadOnly: true, Doc: "the least one heard"},
			{Name: "plateaus", Type: script.TypeInt, ReadOnly: true, Doc: "set at each plateau, from 1"},
			{Name: "suggested_learning_rate", Type: script.TypeFloat, ReadOnly: true, Doc: "set at each plateau"},
		},
		Results: []script.ResultSpec{{Name: "plateaus", Type: script.TypeInt}, {Name: "best", Type: script.TypeFloat}},
		Topics: []script.TopicSpec{
			{Name: "training_update", Answers: true, Doc: `takes {"loss": number, "learning_rate": number}, the second only where known; answers with plateaus, best and learning_rate`},
			{Name: "training_done", Doc: "ends the run"},
		},
	}
}

// Answer hands a message to Run and is answered when it was counted.
func (p *plateau) Answer(ctx context.Context, m script.Message) (script.Value, error) {
	u := update{last: m.Topic == "training_done", taken: make(chan script.Value, 1)}
	if !u.last {
		data, _ := m.Data.Map()
		var ok bool
		if u.loss, ok = number(data["loss"]); !ok {
			return script.Null(), script.Errorf(script.CodeRejected, "%s of %s carries no number \"loss\"", m.Topic, m.Source).
				WithHint(`send {"loss": 0.1}`)
		}
		u.rate, _ = number(data["learning_rate"])
	}
	select {
	case p.updates <- u:
	case <-ctx.Done():
		return script.Null(), ctx.Err()
	}
	select {
	case v := <-u.taken:
		return v, nil
	case <-ctx.Done():
		return script.Null(), ctx.Err()
	}
}

// number reads a number, also one that JSON has no form for.
func number(v script.Value) (float64, bool) {
	switch s, _ := v.Text(); s {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return math.Inf(1), true
	case "-Infinity":
		return math.Inf(-1), true
	}
	return v.Float()
}

// Run counts until the training is done or the run is stopped.
func (p *plateau) Run(ctx context.Context, s *sdk.Session) error {
	d := &detector{rate: s.Float("learning_rate")}
	defer func() {
		s.Result("plateaus", d.plateaus)
		if d.heard {
			s.Result("best", d.best)
		}
	}()
	for {
		select {
		case u := <-p.updates:
			if u.last {
				u.taken <- known(d)
				return nil
			}
			count(s, d, u)
			u.taken <- known(d)
			if err := s.Step(ctx); err != nil {
				return err
			}
		case <-s.Due():
			if err := s.Yield(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// count takes one loss and reports what it means.
func count(s *sdk.Session, d *detector, u update) {
	d.settings = settings{
		patience: s.Int("patience"), cooldown: s.Int("cooldown"), threshold: s.Float("threshold"),
		factor: s.Float("factor"), minimum: s.Float("minimum"),
	}
	if u.rate > 0 && !math.IsInf(u.rate, 0) {
		d.rate = u.rate
	}
	s.Set("loss", u.loss)
	fired := d.add(u.loss)
	if d.heard {
		s.Set("best", d.best)
	}
	if fired {
		s.Set("suggested_learning_rate", d.rate)
		s.Set("plateaus", d.plateaus)
		s.Logf("info", "plateau %d: no loss better than %g", d.plateaus, d.best)
	}
}

// known is what the detector knows, as an answer.
func known(d *detector) script.Value {
	best := script.Null()
	if d.heard {
		best = script.Float(d.best)
	}
	return script.Map(map[string]script.Value{
		"best": best, "learning_rate": script.Float(d.rate), "plateaus": script.Int(int64(d.plateaus)),
	})
}
