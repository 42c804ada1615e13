package api

import (
	"maps"
	"slices"
	"strings"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/registry"
	"github.com/mlhost/mlhost/host/store"
	"github.com/mlhost/mlhost/shared/script"
)

// secrets tells which parameters of scripts are sensitive. It looks each
// script up once and is for one request.
type secrets struct {
	find    func(name string) (registry.Script, bool)
	scripts map[string]map[string]bool
}

func newSecrets(find func(name string) (registry.Script, bool)) *secrets {
	return &secrets{find: find, scripts: map[string]map[string]bool{}}
}

// of returns the names of a script's sensitive parameters.
func (s *secrets) of(name string) map[string]bool {
	names, ok := s.scripts[name]
	if ok {
		return names
	}
	one, _ := s.find(name)
	for _, p := range one.Parameters {
		if p.Spec.Sensitive {
			if names == nil {
				names = map[string]bool{}
			}
			names[p.Spec.Name] = true
		}
	}
	s.scripts[name] = names
	return names
}

// hide returns values without those of sensitive parameters.
func (s *secrets) hide(name string, values map[string]script.Value) map[string]script.Value {
	secret := s.of(name)
	if len(secret) == 0 {
		return values
	}
	out := maps.Clone(values)
	for parameter := range out {
		if secret[parameter] {
			out[parameter] = script.String(v1.Hidden)
		}
	}
	return out
}

// open reports whether a run in which a text was found still has it when what
// is secret is hidden: who searches must not learn that.
func (s *secrets) open(r store.Run, text string) bool {
	if len(s.of(r.Script)) == 0 {
		return true
	}
	text = strings.ToLower(text)
	parts := []string{r.ID, r.Script, r.Reason}
	for _, table := range []map[string]script.Value{s.hide(r.Script, r.Parameters), r.Results} {
		for name, v := range table {
			parts = append(parts, name, v.String())
		}
	}
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(strings.ToLower(part), text) })
}

// Hide returns an event without the values of sensitive parameters, for those
// who show events to people. find tells what is known of a script.
func Hide(find func(name string) (registry.Script, bool), e script.Event) script.Event {
	switch b := e.Body.(type) {
	case script.RunStarted:
		b.Parameters = newSecrets(find).hide(e.Script, b.Parameters)
		e.Body = b
	case script.ParametersChanged:
		secret := newSecrets(find).of(e.Script)
		if len(secret) == 0 {
			return e
		}
		b.Changes = slices.Clone(b.Changes)
		for i := range b.Changes {
			if c := &b.Changes[i]; secret[c.Name] {
				c.Old, c.New = script.String(v1.Hidden), script.String(v1.Hidden)
			}
		}
		e.Body = b
	case script.ParametersObserved:
		if newSecrets(find).of(e.Script)[b.Name] {
			b.Value = script.String(v1.Hidden)
			e.Body = b
		}
	}
	return e
}
