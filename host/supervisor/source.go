package supervisor

import (
	"context"
)

// reloadSource is Reload for a script in another language: it is ended and
// started again with the values that were set, where its source has changed.
func (u *unit) reloadSource(ctx context.Context, p *Process, o ReloadOptions) (Reloaded, error) {
	if !o.Now {
		now, err := hashFile(u.config().Source)
		if err != nil {
			return "", blame(u.config(), err)
		}
		if now == p.instance.Source {
			return Unchanged, nil
		}
	}
	return u.restart(ctx)
}
