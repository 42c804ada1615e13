package supervisor

import (
	"context"
	"slices"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

// Configure gives a script another configuration. A run that lives goes on as
// it was started; its policies (restart, stop_grace, stalled_after,
// depends_on) count at once, everything else when it is started the next time.
func (s *Supervisor) Configure(conf *config.Script) error {
	u, err := s.unit(conf.Name)
	if err != nil {
		return err
	}
	s.update(func() { u.conf.Store(conf) })
	return nil
}

// Remove stops a script, if it runs, and forgets it. When Remove returns
// nothing of it is left but what the store keeps.
func (s *Supervisor) Remove(ctx context.Context, name string) error {
	u, err := s.unit(name)
	if err != nil {
		return err
	}
	if err := s.stop(ctx, u, "the configuration does not have it any more"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.busy || u.wanted {
		return script.Errorf(script.CodeConflict, "script %q was started again while it was removed", name)
	}
	u.removed = true
	delete(s.units, name)
	s.order = slices.DeleteFunc(s.order, func(n string) bool { return n == name })
	s.notify()
	return nil
}
