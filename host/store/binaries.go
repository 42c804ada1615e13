package store

import (
	"context"
	"database/sql"

	"github.com/mlhost/mlhost/shared/script"
)

// Binaries returns the builds of its plugin that a run went on with after the
// one that it began with, the oldest first.
func (s *Store) Binaries(ctx context.Context, run string) ([]script.BinaryChanged, error) {
	var out []script.BinaryChanged
	err := s.view(ctx, "read binaries", func(r *reader) error {
		return r.each("SELECT body FROM event WHERE run = ? AND kind = ? ORDER BY id",
			[]any{run, script.KindOf(script.BinaryChanged{})}, func(rows *sql.Rows) error {
				var text string
				if err := rows.Scan(&text); err != nil {
					return err
				}
				body, err := decodeBody(script.KindOf(script.BinaryChanged{}), text)
				if b, ok := body.(script.BinaryChanged); ok {
					out = append(out, b)
				}
				return err
			})
	})
	return out, err
}
