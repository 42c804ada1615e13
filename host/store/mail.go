package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// The bounds of one mailbox.
const (
	MailboxMessages = 1000
	MailboxBytes    = 64 << 20
)

const (
	mailRemembered = 7 * 24 * time.Hour // how long the id of an acknowledged message is known
	mailOverhead   = 256                // bytes that a message counts for beside its texts
	laterLimit     = 10_000             // messages of EnqueueLater that may be on their way
)

// mailLater counts what EnqueueLater has under way.
type mailLater struct {
	mu      sync.Mutex
	ready   *sync.Cond
	pending int
}

// Enqueue puts messages into the mailboxes of their targets, all or none.
// They are durable when it returns. A message whose id the mailbox knows is
// dropped silently: it is there, or was acknowledged.
func (s *Store) Enqueue(ctx context.Context, messages []script.Message) error {
	if len(messages) == 0 {
		return nil
	}
	messages = slices.Clone(messages) // they may be written after ctx has ended
	return s.do(ctx, func(tx *tx) error { return s.writeMail(tx, messages) })
}

// EnqueueLater does the same without waiting for the disk; in each mailbox
// the order of the calls is kept, those of Enqueue included. What cannot be
// kept, because a mailbox is full, is dropped and logged. It waits only when
// very much is under way.
func (s *Store) EnqueueLater(messages ...script.Message) {
	if len(messages) == 0 || s.writer == nil {
		return
	}
	messages = slices.Clone(messages)
	l := &s.later
	l.mu.Lock()
	for l.pending > laterLimit {
		l.ready.Wait()
	}
	l.pending += len(messages)
	l.mu.Unlock()
	ended := func(err error) {
		if err != nil {
			s.logger.Warn("message dropped", "target", messages[0].Target, "topic", messages[0].Topic, "error", err)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.pending -= len(messages)
		l.ready.Broadcast()
	}
	j := &job{work: func(tx *tx) error { return s.writeMail(tx, messages) }, ended: ended}
	if err := s.writer.submit(j); err != nil {
		ended(err)
	}
}

func (s *Store) writeMail(tx *tx, messages []script.Message) error {
	now := nanos(s.now())
	for i := range messages {
		if err := writeMessage(tx, &messages[i], now, s.mailBytes); err != nil {
			return err
		}
	}
	return nil
}

func writeMessage(tx *tx, m *script.Message, now, limit int64) error {
	if m.ID == "" || m.Target == "" {
		return script.Errorf(script.CodeInternal, "a message without id or target cannot be kept")
	}
	data := encodeValue(m.Data)
	size := int64(len(data) + len(m.Topic) + len(m.Source) + len(m.ID) + mailOverhead)
	at := now
	if !m.Time.IsZero() {
		at = nanos(m.Time)
	}
	res, err := tx.exec(`INSERT INTO mail (script, message, kind, source, topic, data, time, size) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (script, message) DO NOTHING`, m.Target, m.ID, m.Kind, m.Source, m.Topic, data, at, size)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	var count, bytes int64
	err = tx.row(`INSERT INTO mailbox (script, messages, bytes) VALUES (?, 1, ?) ON CONFLICT (script)
		DO UPDATE SET messages = messages + 1, bytes = bytes + excluded.bytes RETURNING messages, bytes`,
		[]any{m.Target, size}, &count, &bytes)
	if err != nil {
		return err
	}
	const hint = "the script has to take its messages first"
	if count > MailboxMessages {
		return script.Errorf(script.CodeMailboxFull, "the mailbox of %s is full: it holds %d messages", m.Target, MailboxMessages).WithHint(hint)
	}
	if bytes > limit {
		return script.Errorf(script.CodeMailboxFull, "the mailbox of %s is full: it holds at most %d MiB", m.Target, limit>>20).WithHint(hint)
	}
	return nil
}

// Mail returns the messages of a script's mailbox that are not acknowledged,
// the oldest first, at most limit (0: all).
func (s *Store) Mail(ctx context.Context, name string, limit int) ([]script.Message, error) {
	if limit <= 0 {
		limit = MailboxMessages
	}
	var out []script.Message
	const waiting = selectMail + "WHERE script = ? AND acknowledged IS NULL ORDER BY id LIMIT ?"
	s.prepare(ctx, waiting)
	err := s.each(ctx, "read mailbox", waiting, []any{name, limit},
		func(rows *sql.Rows) error {
			m, _, err := scanMail(rows)
			out = append(out, m)
			return err
		})
	return out, err
}

const selectMail = "SELECT script, message, kind, source, topic, data, time, acknowledged IS NOT NULL FROM mail "

func scanMail(rows *sql.Rows) (m script.Message, acknowledged bool, err error) {
	var data string
	var at int64
	if err := rows.Scan(&m.Target, &m.ID, &m.Kind, &m.Source, &m.Topic, &data, &at, &acknowledged); err != nil {
		return m, false, err
	}
	m.Time = fromNanos(at)
	if !acknowledged {
		m.Data, err = decodeValue(data)
	}
	return m, acknowledged, err
}

// FindMail looks for a message by its id, in all mailboxes. One that was
// acknowledged lately is found too, without its data.
func (s *Store) FindMail(ctx context.Context, id string) (m script.Message, acknowledged bool, err error) {
	err = script.Errorf(script.CodeNotFound, "there is no message %q", id)
	queryErr := s.each(ctx, "read mailbox", selectMail+"WHERE message = ? ORDER BY id LIMIT 1", []any{id}, func(rows *sql.Rows) (scanErr error) {
		m, acknowledged, scanErr = scanMail(rows)
		err = nil
		return scanErr
	})
	if queryErr != nil {
		err = queryErr
	}
	return m, acknowledged, err
}

// Mailboxes returns how many messages wait for each script that has any.
func (s *Store) Mailboxes(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	err := s.each(ctx, "read mailboxes", "SELECT script, messages FROM mailbox WHERE messages > 0", nil, func(rows *sql.Rows) error {
		var name string
		var n int
		err := rows.Scan(&name, &n)
		out[name] = n
		return err
	})
	return out, err
}

// Acknowledge takes messages out of a script's mailbox. Ids that are not
// there, or no longer, are fine.
func (s *Store) Acknowledge(ctx context.Context, name string, ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	return s.do(ctx, func(tx *tx) error {
		var messages, bytes int64
		now := nanos(s.now())
		for _, id := range ids {
			var size int64
			err := tx.row(`UPDATE mail SET acknowledged = ?, data = 'null' WHERE script = ? AND message = ? AND acknowledged IS NULL
				RETURNING size`, []any{now, name, id}, &size)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			messages++
			bytes += size
		}
		if messages == 0 {
			return nil
		}
		_, err := tx.exec("UPDATE mailbox SET messages = messages - ?, bytes = bytes - ? WHERE script = ?", messages, bytes, name)
		if err != nil {
			return err
		}
		return pruneMail(tx, now)
	})
}

// pruneMail forgets a few of the messages that were acknowledged long ago.
func pruneMail(tx *tx, now int64) error {
	_, err := tx.exec(`DELETE FROM mail WHERE id IN (SELECT id FROM mail WHERE acknowledged < ? ORDER BY acknowledged LIMIT 64)`,
		now-int64(mailRemembered))
	return err
}
