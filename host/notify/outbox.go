package notify

import (
	"context"
	"time"
)

// Entry is what one address is to be told, as the outbox keeps it.
type Entry struct {
	Target string // the name of its block
	ID     uint64 // numbered with the events; given by the outbox
	// Once names what an address is told once: another entry of that name is not
	// taken in. "": told each time.
	Once string
	Time time.Time
	Body []byte // a Notification
	// Untold counts what was dropped or has expired since the last one that was
	// told. It is there when an entry is read.
	Untold uint64
}

// Fate is what has become of an entry.
type Fate string

// The fates of entries.
const (
	Sent    Fate = "sent"
	Failed  Fate = "failed"  // given up
	Expired Fate = "expired" // too old to be told
)

// Counts tells what has become of all entries for one address.
type Counts struct {
	Sent, Failed uint64
	Dropped      uint64 // because too many waited
	Expired      uint64
	Untold       uint64 // of Dropped and Expired, since the last one that was told
	Waiting      int
}

// Outbox keeps what is to be told until it was told.
type Outbox struct {
	// Next returns the oldest entry for a target.
	Next func(ctx context.Context, target string) (Entry, bool, error)
	// Done records what has become of an entry, which is gone then.
	Done func(ctx context.Context, e Entry, fate Fate) error
	// Forget drops everything for targets that are not named, and returns how
	// much of it was still to be told.
	Forget func(ctx context.Context, keep []string) (int, error)
	Counts func(ctx context.Context, target string) (Counts, error)
}
