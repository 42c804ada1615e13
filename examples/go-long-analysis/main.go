// An analysis that takes a while and says how far it is.
package main

import (
	"context"
	"hash/fnv"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk"
)

func main() { sdk.Serve(longAnalysis{}) }

type longAnalysis struct{}

// Describe implements sdk.Script.
func (longAnalysis) Describe() script.Description {
	return script.Description{
		Name: "long_analysis",
		Doc:  "Long Running Analysis",
		Parameters: []script.ParameterSpec{
			{Name: "total_steps", Type: script.TypeInt, Default: script.Int(1000), Min: script.Int(1), Mutability: script.Fixed},
		},
		Variables: []script.VariableSpec{
			{Name: "progress", Type: script.TypeFloat, Unit: "%"},
			{Name: "eta_seconds", Type: script.TypeFloat, Unit: "s"},
		},
		Results: []script.ResultSpec{{Name: "digest", Type: script.TypeInt}},
	}
}

// Run implements sdk.Script.
func (longAnalysis) Run(ctx context.Context, s *sdk.Session) error {
	total := s.Int("total_steps")
	began := time.Now()
	digest := int64(0)
	for step := range total {
		digest ^= processStep(int64(step))
		done := float64(step + 1)
		s.Set("progress", 100*done/float64(total))
		s.Set("eta_seconds", time.Since(began).Seconds()/done*(float64(total)-done))
		s.Progress(done, float64(total))
		if err := s.Step(ctx); err != nil { // paused and stopped here
			return err
		}
	}
	s.Result("digest", digest)
	return nil
}

// processStep is the work of one step.
func processStep(step int64) int64 {
	h := fnv.New32a()
	block := make([]byte, 64<<10)
	block[0], block[1] = byte(step), byte(step>>8)
	h.Write(block)
	return int64(h.Sum32())
}
