package host

import (
	"context"

	"github.com/mlhost/mlhost/host/api"
	"github.com/mlhost/mlhost/host/notify"
	"github.com/mlhost/mlhost/host/store"
	"github.com/mlhost/mlhost/shared/script"
)

// outgoing tells the store what addresses are to be told of an event.
func (h *Host) outgoing(e *script.Event) []store.Outgoing {
	if h.notifier == nil {
		return nil // the host is being made
	}
	entries := h.notifier.Entries(e)
	if len(entries) == 0 {
		return nil
	}
	out := make([]store.Outgoing, len(entries))
	for i := range entries {
		out[i] = store.Outgoing(entries[i])
	}
	return out
}

// outbox is the store's, as the notifier sees it.
func (h *Host) outbox() notify.Outbox {
	return notify.Outbox{
		Next: func(ctx context.Context, target string) (notify.Entry, bool, error) {
			o, found, err := h.store.NextOutgoing(ctx, target)
			return notify.Entry(o), found, err
		},
		Done: func(ctx context.Context, e notify.Entry, fate notify.Fate) error {
			return h.store.Dispatched(ctx, store.Outgoing(e), store.Fate(fate))
		},
		Forget: h.store.ForgetOutbox,
		Counts: func(ctx context.Context, target string) (notify.Counts, error) {
			c, err := h.store.OutboxCounts(ctx, target)
			return notify.Counts(c), err
		},
	}
}

// notified tells what has become of notifications, for the metrics.
func (h *Host) notified(ctx context.Context) ([]api.Notified, error) {
	all, err := h.notifier.Status(ctx)
	out := make([]api.Notified, len(all))
	for i, n := range all {
		out[i] = api.Notified{Name: n.Name, Waiting: n.Waiting, Fates: map[string]uint64{
			"sent": n.Sent, "failed": n.Failed, "dropped": n.Dropped, "expired": n.Expired,
		}}
	}
	return out, err
}
