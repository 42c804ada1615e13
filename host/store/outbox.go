package store

import (
	"context"
	"database/sql"
	"math"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// OutboxSize is what may wait for one target of the outbox.
const OutboxSize = 100

// Outgoing is something that a target outside is to be told.
type Outgoing struct {
	Target string
	ID     uint64 // numbered with the events; given by the store
	// Once names what a target is told once: another one of that name is not
	// taken in. "": told each time.
	Once string
	Time time.Time
	Body []byte
	// Untold counts what was dropped since the last one that was told. It is
	// there when one is read.
	Untold uint64
}

// Fate is what has become of something outgoing.
type Fate string

// The fates of what was outgoing.
const (
	FateSent    Fate = "sent"
	FateFailed  Fate = "failed"
	FateExpired Fate = "expired"
)

// OutboxCount tells what has become of everything for one target.
type OutboxCount struct {
	Sent, Failed, Dropped, Expired uint64
	Untold                         uint64 // of Dropped and Expired, since the last one that was told
	Waiting                        int
}

// leave puts into the outbox what is to be told of an event. A target for which
// too much waits loses it, which is counted.
func (s *Store) leave(tx *tx, e *script.Event) error {
	if s.outgoing == nil {
		return nil
	}
	for _, o := range s.outgoing(e) {
		if err := leaveOne(tx, e.ID, &o); err != nil {
			return err
		}
	}
	return nil
}

func leaveOne(tx *tx, id uint64, o *Outgoing) error {
	var once any
	if o.Once != "" {
		once = o.Once
	}
	var waiting, known int64
	err := tx.row(`SELECT count(*) FILTER (WHERE done IS NULL), count(*) FILTER (WHERE once = ?) FROM outbox WHERE target = ?`,
		[]any{once, o.Target}, &waiting, &known)
	if err != nil || known > 0 {
		return err
	}
	if waiting >= OutboxSize {
		_, err = tx.exec(`INSERT INTO outbox_target (target, dropped, untold) VALUES (?, 1, 1) ON CONFLICT (target)
			DO UPDATE SET dropped = dropped + 1, untold = untold + 1`, o.Target)
		return err
	}
	_, err = tx.exec(`INSERT INTO outbox (target, id, once, time, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		o.Target, id, once, nanos(o.Time), string(o.Body))
	return err
}

// leaveSamples does so for the samples of a batch, before they are kept: what
// is told of a sample that a crash has lost is told once all the same, because
// its stream is taken up again.
func (s *Store) leaveSamples(ctx context.Context, b *batch) error {
	if s.outgoing == nil {
		return nil
	}
	var all []Outgoing
	for i := range b.events {
		if _, ok := b.events[i].Body.(script.Samples); ok {
			all = append(all, s.outgoing(&b.events[i])...)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return s.do(ctx, func(tx *tx) error {
		for i := range all {
			if err := leaveOne(tx, s.nextID, &all[i]); err != nil { // the writer of meta.db holds s.order
				return err
			}
			s.nextID++
		}
		return nil
	})
}

// NextOutgoing returns the oldest of what a target is still to be told.
func (s *Store) NextOutgoing(ctx context.Context, target string) (o Outgoing, found bool, err error) {
	err = s.each(ctx, "read outbox", `SELECT id, coalesce(once, ''), time, body,
		coalesce((SELECT untold FROM outbox_target WHERE target = outbox.target), 0)
		FROM outbox WHERE target = ? AND done IS NULL ORDER BY id LIMIT 1`, []any{target},
		func(rows *sql.Rows) error {
			var at int64
			found, o.Target = true, target
			err := rows.Scan(&o.ID, &o.Once, &at, &o.Body, &o.Untold)
			o.Time = fromNanos(at)
			return err
		})
	return o, found, err
}

// Dispatched records what has become of o, which NextOutgoing returned.
func (s *Store) Dispatched(ctx context.Context, o Outgoing, fate Fate) error {
	return s.do(ctx, func(tx *tx) error {
		now := nanos(s.now())
		var res sql.Result
		var err error
		if o.Once == "" {
			res, err = tx.exec("DELETE FROM outbox WHERE target = ? AND id = ?", o.Target, o.ID)
		} else {
			res, err = tx.exec("UPDATE outbox SET done = ?, body = '' WHERE target = ? AND id = ? AND done IS NULL", now, o.Target, o.ID)
		}
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err // its target was forgotten meanwhile
		}
		var sent, failed, expired int64
		untold := int64(0)
		switch fate {
		case FateSent:
			sent, untold = 1, -int64(min(o.Untold, math.MaxInt64))
		case FateExpired:
			expired, untold = 1, 1
		default:
			failed = 1
		}
		_, err = tx.exec(`INSERT INTO outbox_target (target, sent, failed, expired, untold) VALUES (?, ?, ?, ?, max(?, 0))
			ON CONFLICT (target) DO UPDATE SET sent = sent + excluded.sent, failed = failed + excluded.failed,
			expired = expired + excluded.expired, untold = max(untold + ?, 0)`, o.Target, sent, failed, expired, untold, untold)
		if err != nil {
			return err
		}
		_, err = tx.exec("DELETE FROM outbox WHERE done < ?", now-int64(mailRemembered))
		return err
	})
}

// ForgetOutbox drops everything for targets that keep does not name, and
// returns how much of it was still to be told.
func (s *Store) ForgetOutbox(ctx context.Context, keep []string) (waited int, err error) {
	err = s.do(context.WithoutCancel(ctx), func(tx *tx) error {
		waited = 0
		list := string(mustJSON(append([]string{}, keep...)))
		err := tx.row(`SELECT count(*) FROM outbox WHERE done IS NULL AND target NOT IN (SELECT value FROM json_each(?))`, []any{list}, &waited)
		if err != nil {
			return err
		}
		for _, table := range []string{"outbox", "outbox_target"} {
			if _, err := tx.exec("DELETE FROM "+table+" WHERE target NOT IN (SELECT value FROM json_each(?))", list); err != nil {
				return err
			}
		}
		return nil
	})
	return waited, err
}

// OutboxCounts tells what has become of everything for one target.
func (s *Store) OutboxCounts(ctx context.Context, target string) (OutboxCount, error) {
	var c OutboxCount
	err := s.each(ctx, "read outbox", `SELECT coalesce(sum(sent), 0), coalesce(sum(failed), 0), coalesce(sum(dropped), 0), coalesce(sum(expired), 0), coalesce(sum(untold), 0),
		(SELECT count(*) FROM outbox WHERE target = ? AND done IS NULL) FROM outbox_target WHERE target = ?`, []any{target, target},
		func(rows *sql.Rows) error {
			return rows.Scan(&c.Sent, &c.Failed, &c.Dropped, &c.Expired, &c.Untold, &c.Waiting)
		})
	return c, err
}
