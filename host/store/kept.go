package store

import (
	"context"
	"database/sql"
	"strconv"

	"github.com/mlhost/mlhost/shared/script"
)

const (
	selectKept         = "SELECT name, value, owner FROM kept_parameter WHERE script = ?"
	selectKeptRevision = "SELECT revision FROM kept_revision WHERE script = ?"
)

// Kept returns what outlasts a script's runs: values that were set, the
// revision of its parameters, and who owns which of them. Append keeps the
// values of ParametersChanged (unless the script itself is their author) and
// OwnerChanged by itself.
func (s *Store) Kept(ctx context.Context, name string) (values map[string]script.Value, revision uint64, owners map[string]string, err error) {
	values, owners = map[string]script.Value{}, map[string]string{}
	s.prepare(ctx, selectKept, selectKeptRevision, unfoldedOf("script"))
	err = s.view(ctx, "read kept parameters", func(r *reader) error {
		if err := r.kept(name, values, owners); err != nil {
			return err
		}
		err := r.each(selectKeptRevision, []any{name},
			func(rows *sql.Rows) error { return rows.Scan(&revision) })
		if err != nil {
			return err
		}
		return r.unfolded("script", name, func(e *script.Event) {
			b, ok := e.Body.(script.ParametersChanged)
			if !ok {
				return
			}
			revision = max(revision, b.Revision)
			if outlastsRun(b) {
				for _, c := range b.Changes {
					if values[c.Name] = c.New; c.Status == script.Released {
						delete(values, c.Name)
					}
				}
			}
		})
	})
	if err != nil {
		return nil, 0, nil, err
	}
	return values, revision, owners, nil
}

// kept reads the folded values and the owners.
func (r *reader) kept(name string, values map[string]script.Value, owners map[string]string) error {
	return r.each(selectKept, []any{name}, func(rows *sql.Rows) error {
		var parameter, owner string
		var value sql.NullString
		if err := rows.Scan(&parameter, &value, &owner); err != nil {
			return err
		}
		if owner != "" {
			owners[parameter] = owner
		}
		if !value.Valid {
			return nil
		}
		v, err := decodeValue(value.String)
		values[parameter] = v
		return err
	})
}

// SetKept keeps values and owners of a script's parameters, beside those that
// are kept. A revision that is not newer changes nothing of the kept one.
func (s *Store) SetKept(ctx context.Context, name string, values map[string]script.Value, revision uint64, owners map[string]string) error {
	return s.do(ctx, func(tx *tx) error {
		if err := s.fold(tx); err != nil {
			return err
		}
		for parameter, v := range values {
			if err := keepValue(tx, name, parameter, &v); err != nil {
				return err
			}
		}
		for parameter, owner := range owners {
			if err := writeOwner(tx, name, script.OwnerChanged{Name: parameter, Owner: owner}); err != nil {
				return err
			}
		}
		return writeRevision(tx, name, revision)
	})
}

// ForgetKept drops the values and owners that are kept for a script; the
// revision goes on counting.
func (s *Store) ForgetKept(ctx context.Context, name string) error {
	return s.do(ctx, func(tx *tx) error {
		if err := s.fold(tx); err != nil {
			return err
		}
		_, err := tx.exec("DELETE FROM kept_parameter WHERE script = ?", name)
		return err
	})
}

// BeginSession starts a session of the host. Values and owners that an
// earlier session has kept are forgotten: everything starts anew.
func (s *Store) BeginSession(ctx context.Context) (id string, err error) {
	var n int64
	err = s.do(ctx, func(tx *tx) error {
		if err := s.fold(tx); err != nil {
			return err
		}
		if _, err := tx.exec("DELETE FROM kept_parameter"); err != nil {
			return err
		}
		if _, err := tx.exec("UPDATE session SET ended = ? WHERE ended IS NULL", nanos(s.now())); err != nil {
			return err
		}
		return tx.row("INSERT INTO session (started) VALUES (?) RETURNING id", []any{nanos(s.now())}, &n)
	})
	return strconv.FormatInt(n, 10), err
}

// EndSession ends the session that is open, if one is.
func (s *Store) EndSession(ctx context.Context) error {
	return s.do(ctx, func(tx *tx) error {
		_, err := tx.exec("UPDATE session SET ended = ? WHERE ended IS NULL", nanos(s.now()))
		return err
	})
}

// OpenSession returns the session that has begun and not ended, if there is
// one.
func (s *Store) OpenSession(ctx context.Context) (id string, open bool, err error) {
	err = s.each(ctx, "read session", "SELECT id FROM session WHERE ended IS NULL ORDER BY id DESC LIMIT 1", nil, func(rows *sql.Rows) error {
		open = true
		return rows.Scan(&id)
	})
	return id, open, err
}
