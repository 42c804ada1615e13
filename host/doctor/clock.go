package doctor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/mlhost/mlhost/host/api/v1"
)

// skew is by how much two clocks may differ.
const skew = 2 * time.Second

// clock compares the machine's clock with the times that its files get, and
// with those of what was kept last.
func (o Options) clock(context.Context) []v1.Check {
	const name = "clock"
	f, err := os.CreateTemp(existing(o.State), ".doctor-*")
	if err != nil {
		return []v1.Check{skip(name, "no file could be made to compare it with: %v", err)}
	}
	info, err := f.Stat()
	now := time.Now()
	if err = errors.Join(err, f.Close(), os.Remove(f.Name())); err != nil {
		return []v1.Check{fail(name, "", "%v", err)}
	}
	if off := info.ModTime().Sub(now).Abs(); off > skew {
		return []v1.Check{warn(name, "keep the state on a local disk, or let both machines set their clocks by the network",
			"files of %s get times that are %s off the machine's", o.State, off.Round(time.Second))}
	}
	for _, h := range o.Hosts {
		last, err := os.Stat(filepath.Join(h.Dir, "meta.db"))
		if err != nil {
			continue // nothing was kept there
		}
		if ahead := last.ModTime().Sub(now); ahead > skew {
			return []v1.Check{warn(name, "set the clock; what ran meanwhile has times that are not in order",
				"the host %s has kept something %s in the future: the clock was put back", h.Name, ahead.Round(time.Second))}
		}
	}
	return []v1.Check{ok(name, "%s, the same as that of files", now.Format(time.RFC3339))}
}
