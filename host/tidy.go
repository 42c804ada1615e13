package host

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dustin/go-humanize"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/store"
)

// tidyEvery is how often it is looked for what is not to be kept.
const tidyEvery = time.Hour

// tidied is what was removed since the host began.
type tidied struct {
	mu     sync.Mutex
	copies int
	bytes  int64
	failed error // the last time
}

// tidy removes, until ctx ends, the runs that are not to be kept, and copies of
// plugins that no process uses.
func (h *Host) tidy(ctx context.Context) {
	select {
	case <-h.supervisor.Swept(): // what an earlier host left running is known
	case <-ctx.Done():
		return
	}
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		h.tidyOnce(ctx)
		select {
		case <-tick.C:
		case <-h.retidy:
		case <-ctx.Done():
			return
		}
	}
}

func (h *Host) tidyOnce(ctx context.Context) {
	c := h.config.Load().Host
	_, err := h.store.Prune(ctx, store.Retention{Runs: c.KeepRuns, Age: c.KeepFor})
	copies, bytes, copyErr := h.supervisor.DropCopies()
	if err == nil {
		err = errors.Join(copyErr, SweepScratch(h.dir, copiesPrefix))
	}
	if ctx.Err() != nil {
		err = nil
	}
	if err != nil {
		h.logger.Warn("remove what is not kept", "error", err)
	}
	h.tidied.mu.Lock()
	defer h.tidied.mu.Unlock()
	h.tidied.copies += copies
	h.tidied.bytes += bytes
	h.tidied.failed = err
}

// tidiness tells what is kept, and what was removed.
func (h *Host) tidiness(ctx context.Context) v1.Check {
	const name = "old runs"
	removed, err := h.store.Pruned(ctx)
	h.tidied.mu.Lock()
	defer h.tidied.mu.Unlock()
	if err == nil {
		err = h.tidied.failed
	}
	if err != nil {
		return check(name, v1.CheckWarn, err.Error(), "look after the disk; it is tried again each hour")
	}
	c := h.config.Load().Host
	what := "all are kept"
	switch {
	case c.KeepRuns > 0 && c.KeepFor > 0:
		what = fmt.Sprintf("%d of each script are kept, for %s", c.KeepRuns, c.KeepFor)
	case c.KeepRuns > 0:
		what = fmt.Sprintf("%d of each script are kept", c.KeepRuns)
	case c.KeepFor > 0:
		what = fmt.Sprintf("they are kept for %s", c.KeepFor)
	}
	detail := fmt.Sprintf("%s, %d were removed", what, removed)
	if n := h.tidied.copies; n > 0 {
		detail += fmt.Sprintf("; unused copies of plugins removed since the host began: %d (%s)", n, humanize.IBytes(uint64(h.tidied.bytes)))
	}
	return check(name, v1.CheckOK, detail, "")
}
