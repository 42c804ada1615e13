package python

import (
	"fmt"
	"path/filepath"

	"github.com/mlhost/mlhost/shared/script"
)

// EnvRead is a place where a script reads an environment variable.
type EnvRead struct {
	Name string `json:"name"`
	Line int    `json:"line"`
	File string `json:"file"` // as in Parameter
	// Default is the text that is read where the variable is not set; null where
	// none stands there.
	Default script.Value `json:"default"`
}

// Catalogue is the result as the host and the wrapper use it: each parameter
// with its origin, and with the way in which a value gets into the script.
func (r *Discovered) Catalogue() script.Catalogue {
	c := script.Catalogue{Style: r.Style, Resume: r.Resume}
	seen := map[string]bool{}
	for _, p := range r.Parameters {
		if p.Name == "" || seen[p.Name] {
			continue
		}
		seen[p.Name] = true
		c.Parameters = append(c.Parameters, r.launchParameter(p))
	}
	for _, e := range r.Env {
		c.Env = append(c.Env, script.EnvRead{Name: e.Name, Default: e.Default, Origin: script.Origin{File: r.file(e.File), Line: e.Line, Style: "env"}})
	}
	for _, p := range r.Problems {
		text := p.Message
		if p.Line > 0 {
			text = fmt.Sprintf("%s:%d: %s", filepath.Base(r.Path), p.Line, text)
		}
		c.Problems = append(c.Problems, text)
	}
	return c
}

func (r *Discovered) launchParameter(p Parameter) script.LaunchParameter {
	out := script.LaunchParameter{
		Spec: script.ParameterSpec{
			Name: p.Name, Type: p.Type, Default: fit(p.Type, p.Default), Doc: p.Doc, Required: p.Required, Min: p.Min, Max: p.Max,
			Mutability: p.Mutability, Confidence: p.Confidence,
			Origin: script.Origin{File: r.file(p.File), Line: p.Line, Style: p.Style},
		},
		Discovered: true, Argument: p.Argument, Refused: p.Refused,
	}
	if p.Type != script.TypeList { // of a list the choices are those of its elements
		for _, c := range p.Choices {
			out.Spec.Choices = append(out.Spec.Choices, fit(p.Type, c))
		}
	}
	switch p.Style {
	case "constants":
		if p.Argument == nil {
			out.Constant, out.Dest = p.Name, p.Target
		}
	case "register_parameter", "mlhost.param":
	default:
		out.Dest = p.Name
	}
	return out
}

// fit gives a value the form of the type where it has one, 1 becoming 1.0.
func fit(t script.Type, v script.Value) script.Value {
	if v.IsNull() {
		return v
	}
	if converted, err := t.Convert(v); err == nil {
		return converted
	}
	return v
}

// file is the absolute path of what a result names relative to the script.
func (r *Discovered) file(name string) string {
	if name == "" {
		return r.Path
	}
	return filepath.Join(filepath.Dir(r.Path), name)
}
