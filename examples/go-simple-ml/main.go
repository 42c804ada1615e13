// A plugin with one parameter: the smallest thing that mlhost can run.
package main

import (
	"context"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk"
)

func main() { sdk.Serve(simpleML{}) }

type simpleML struct{}

// Describe implements sdk.Script.
func (simpleML) Describe() script.Description {
	return script.Description{
		Name: "simple_ml",
		Doc:  "Simple ML Example",
		Parameters: []script.ParameterSpec{{
			Name:    "learning_rate",
			Type:    script.TypeFloat,
			Default: script.Float(0.01),
			Choices: []script.Value{script.Float(0.001), script.Float(0.01), script.Float(0.1)},
			Doc:     "how far each step goes",
		}},
	}
}

// Run implements sdk.Script.
func (simpleML) Run(_ context.Context, s *sdk.Session) error {
	s.Logf("info", "Training with learning rate: %v", s.Float("learning_rate"))
	s.Result("learning_rate", s.Float("learning_rate"))
	return nil
}
