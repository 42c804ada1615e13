package sdk_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk"
)

// testPlugins are the scripts that the test binary can be.
var testPlugins = map[string]sdk.Script{
	"trainer": &trainer{},
	"printer": &fake{run: printForever},
	"numbers": &fake{run: numbers},
	"tight": &fake{
		description: script.Description{Parameters: []script.ParameterSpec{{Name: "n", Type: script.TypeInt, Default: script.Int(1)}}},
		run: func(_ context.Context, s *sdk.Session) error {
			for i := range s.Int("n") {
				s.Set("loss", float64(i))
			}
			return nil
		},
	},
}

// fake is a script made of funcs.
type fake struct {
	description script.Description
	run         func(ctx context.Context, s *sdk.Session) error
	answer      func(ctx context.Context, m script.Message) (script.Value, error)
	validate    func(values map[string]script.Value) error
}

func (f *fake) Describe() script.Description { return f.description }

func (f *fake) Run(ctx context.Context, s *sdk.Session) error {
	if f.run == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	return f.run(ctx, s)
}

func (f *fake) Answer(ctx context.Context, m script.Message) (script.Value, error) {
	if f.answer == nil {
		return script.Null(), script.Errorf(script.CodeNoAnswerer, "no answers here")
	}
	return f.answer(ctx, m)
}

func (f *fake) Validate(values map[string]script.Value) error {
	if f.validate == nil {
		return nil
	}
	return f.validate(values)
}

// trainer works until it is stopped, or for as many steps as it is told.
type trainer struct{}

func (*trainer) Describe() script.Description {
	return script.Description{
		Name: "trainer",
		Parameters: []script.ParameterSpec{
			{Name: "lr", Type: script.TypeFloat, Default: script.Float(0.1), Min: script.Float(0), Max: script.Float(1)},
			{Name: "momentum", Type: script.TypeFloat, Default: script.Float(0.9), Mutability: script.Boundary},
			{Name: "steps", Type: script.TypeInt, Default: script.Int(0)},
			{Name: "data", Type: script.TypeString, Default: script.String("iris"), Mutability: script.Fixed},
			{Name: "workers", Type: script.TypeInt, Default: script.Int(1), Mutability: script.Restart},
		},
		Variables: []script.VariableSpec{
			{Name: "loss", Type: script.TypeFloat, ReadOnly: true},
			{Name: "temperature", Type: script.TypeFloat},
		},
	}
}

func (*trainer) Run(ctx context.Context, s *sdk.Session) error {
	for i := 0; s.Int("steps") == 0 || i < s.Int("steps"); i++ {
		s.Set("loss", 1/float64(i+1))
		if err := s.Step(ctx); err != nil {
			return err
		}
	}
	s.Result("accuracy", 0.97)
	return nil
}

func (*trainer) Validate(values map[string]script.Value) error {
	lr, _ := values["lr"].Float()
	momentum, _ := values["momentum"].Float()
	if lr+momentum > 1.5 {
		return errors.New("lr and momentum together exceed 1.5")
	}
	return nil
}

func printForever(ctx context.Context, s *sdk.Session) error {
	for i := 0; ctx.Err() == nil; i++ {
		fmt.Printf("line %d %0100d\n", i, 0)
		s.Set("lines", i)
		if err := s.Step(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// numbers reports 1, 2, 3 …, and each thousandth also as a result.
func numbers(ctx context.Context, s *sdk.Session) error {
	for i := 1; i <= 20000; i++ {
		s.Set("n", i)
		if i%1000 == 0 {
			s.Result(fmt.Sprintf("r%d", i/1000), i)
		}
	}
	return nil
}
