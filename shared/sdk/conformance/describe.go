package conformance

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

func checkDescribe(ctx context.Context, k *kit) error {
	first, err := k.client.Describe(ctx)
	if err != nil {
		return err
	}
	second, err := k.client.Describe(ctx)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(first, second) {
		return errors.New("the second description differs from the first")
	}
	k.description, k.parameters = first, map[string]script.Value{}
	seen := map[string]bool{}
	for _, spec := range first.Parameters {
		if err := checkSpec(spec); err != nil {
			return err
		}
		if seen[spec.Name] {
			return fmt.Errorf("parameter %s is declared twice", spec.Name)
		}
		seen[spec.Name] = true
		if spec.Required || spec.Default.IsNull() && spec.Type != script.TypeAny {
			k.parameters[spec.Name] = sensible(spec)
		}
	}
	clear(seen)
	for _, spec := range first.Variables {
		if spec.Name == "" || seen[spec.Name] {
			return fmt.Errorf("variable %q has no name, or one that another has", spec.Name)
		}
		seen[spec.Name] = true
	}
	return nil
}

func checkSpec(spec script.ParameterSpec) error {
	if spec.Name == "" {
		return errors.New("a parameter has no name")
	}
	if !slices.Contains(script.Types, spec.Type) {
		return fmt.Errorf("parameter %s has the unknown type %q", spec.Name, spec.Type)
	}
	known := []script.Mutability{script.Live, script.Boundary, script.Restart, script.Fixed}
	if !slices.Contains(known, spec.Mutability) {
		return fmt.Errorf("parameter %s has the unknown mutability %q", spec.Name, spec.Mutability)
	}
	if _, err := regexp.Compile(spec.Pattern); err != nil {
		return fmt.Errorf("parameter %s has a pattern that is none: %w", spec.Name, err)
	}
	if spec.Required || spec.Default.IsNull() {
		return nil
	}
	if _, err := spec.Check(spec.Default); err != nil {
		return fmt.Errorf("parameter %s has a default that does not fit: %w", spec.Name, err)
	}
	return nil
}

// sensible returns a value that fits the spec, as well as can be told.
func sensible(spec script.ParameterSpec) script.Value {
	switch {
	case !spec.Default.IsNull():
		return spec.Default
	case len(spec.Choices) > 0:
		return spec.Choices[0]
	case !spec.Max.IsNull() && !spec.ExclusiveMax:
		return spec.Max
	case !spec.Min.IsNull() && !spec.ExclusiveMin:
		return spec.Min
	}
	switch spec.Type {
	case script.TypeBool:
		return script.Bool(false)
	case script.TypeInt:
		return script.Int(1)
	case script.TypeFloat:
		return script.Float(0.5)
	case script.TypeString:
		return script.String("x")
	case script.TypeList:
		return script.List()
	case script.TypeMap:
		return script.Map(nil)
	}
	return script.Int(1)
}

func checkValidate(ctx context.Context, k *kit) error {
	found, err := k.client.Validate(ctx, k.parameters)
	if err != nil {
		return err
	}
	for _, d := range found {
		if d.Severity != wire.SeverityWarning {
			return fmt.Errorf("the defaults are refused: %s", d.Summary)
		}
	}
	found, err = k.client.Validate(ctx, map[string]script.Value{"no such parameter": script.Int(1)})
	if err != nil {
		return err
	}
	if len(found) == 0 && !k.description.Has(script.CapabilityDynamic) {
		return errors.New("a parameter that is not declared is accepted")
	}
	return nil
}
