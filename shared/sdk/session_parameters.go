package sdk

import (
	"maps"

	"github.com/mlhost/mlhost/shared/script"
)

// Value returns a parameter's value. A name that was not declared is a mistake
// in the script: it panics, which fails the run with the reason.
func (s *Session) Value(name string) script.Value {
	v, err := s.p.parameters.get(name)
	if err != nil {
		panic(err)
	}
	return v
}

// Int returns the value of a parameter of type int, as an int; 0 for any other
// type.
func (s *Session) Int(name string) int {
	i, _ := s.Value(name).Int()
	return int(i)
}

// Float returns the value of a parameter of type float or int; 0 for any other
// type.
func (s *Session) Float(name string) float64 {
	f, _ := s.Value(name).Float()
	return f
}

// Bool returns the value of a parameter of type bool; false for any other type.
func (s *Session) Bool(name string) bool {
	b, ok := s.Value(name).Bool()
	return b && ok
}

// Text returns the value of a parameter of type string; "" for any other type.
func (s *Session) Text(name string) string {
	t, _ := s.Value(name).Text()
	return t
}

// List returns the elements of a parameter of type list; none for any other
// type. They must not be changed.
func (s *Session) List(name string) []script.Value {
	l, _ := s.Value(name).List()
	return l
}

// Values returns all parameters.
func (s *Session) Values() map[string]script.Value { return s.p.parameters.all() }

// Given returns the values that the run was started with: the configured ones
// and those that were kept, without defaults.
func (s *Session) Given() map[string]script.Value {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	return maps.Clone(s.p.request.Parameters)
}

// Revision returns the number of the parameter set in use.
func (s *Session) Revision() uint64 {
	s.p.parameters.mu.Lock()
	defer s.p.parameters.mu.Unlock()
	return s.p.parameters.revision
}

// OnChange calls f when a parameter has taken a new value; the value is in use
// already. Callbacks are called one at a time, in the order of the changes, on
// the goroutine that makes the change or takes the step. One that panics is
// reported and harms nothing else. A callback may call SetParameter: the
// callbacks of that change come behind the ones being called.
func (s *Session) OnChange(name string, f func(old, new script.Value)) {
	if err := s.p.parameters.watch(name, f); err != nil {
		panic(err)
	}
}

// SetParameter changes a parameter on the script's own account, whatever its
// mutability. The value is checked against the spec and by Validate.
func (s *Session) SetParameter(name string, value any) error {
	return s.p.setOwn(map[string]any{name: value})
}

// SetParameters changes several parameters at once or, with an error, none.
func (s *Session) SetParameters(values map[string]any) error { return s.p.setOwn(values) }
