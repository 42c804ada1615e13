// A trainer that tells everybody how far it is: after each epoch of a linear
// fit it broadcasts the epoch and the loss.
package main

import (
	"context"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk"
)

func main() { sdk.Serve(collabTrainer{}) }

type collabTrainer struct{}

// Describe implements sdk.Script.
func (collabTrainer) Describe() script.Description {
	return script.Description{
		Name: "collab_trainer",
		Doc:  "Collaborative Training",
		Parameters: []script.ParameterSpec{
			{Name: "epochs", Type: script.TypeInt, Default: script.Int(10), Min: script.Int(1), Mutability: script.Fixed},
			{Name: "learning_rate", Type: script.TypeFloat, Default: script.Float(0.02), Min: script.Float(0)},
		},
		Variables: []script.VariableSpec{{Name: "loss", Type: script.TypeFloat, ReadOnly: true}},
		Results:   []script.ResultSpec{{Name: "final_loss", Type: script.TypeFloat}},
	}
}

// Run implements sdk.Script.
func (collabTrainer) Run(ctx context.Context, s *sdk.Session) error {
	var m model
	loss := m.loss()
	for epoch := range s.Int("epochs") {
		loss = m.trainEpoch(s.Float("learning_rate"))
		s.Set("loss", loss)
		update := script.Map(map[string]script.Value{
			"type":  script.String("training_update"),
			"epoch": script.Int(int64(epoch)),
			"loss":  script.Float(loss),
		})
		if _, err := s.Broadcast(ctx, "training_update", update); err != nil {
			return err
		}
		if err := s.Step(ctx); err != nil {
			return err
		}
	}
	s.Result("final_loss", loss)
	return nil
}

// model is a line through points of y = 3x + 1.
type model struct{ slope, offset float64 }

func (m *model) trainEpoch(rate float64) float64 {
	for i := range 10 {
		x := float64(i)/5 - 1
		miss := m.slope*x + m.offset - (3*x + 1)
		m.slope -= rate * 2 * miss * x
		m.offset -= rate * 2 * miss
	}
	return m.loss()
}

func (m *model) loss() float64 {
	sum := 0.0
	for i := range 10 {
		x := float64(i)/5 - 1
		miss := m.slope*x + m.offset - (3*x + 1)
		sum += miss * miss
	}
	return sum / 10
}
