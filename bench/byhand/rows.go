package byhand

import (
	"context"
	"database/sql"
	"math"
	"time"
)

// RowsPerSecond is how many rows of the shape of a sample SQLite alone takes
// into a new file, in transactions of 1,000.
func RowsPerSecond(ctx context.Context, path string, rows int) (float64, error) {
	db, err := sql.Open("sqlite", Synced(path))
	if err != nil {
		return 0, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, `CREATE TABLE samples (series INTEGER, seq INTEGER, step INTEGER, time INTEGER, value REAL,
		PRIMARY KEY (series, seq)) WITHOUT ROWID`); err != nil {
		return 0, err
	}
	insert, err := db.PrepareContext(ctx, `INSERT INTO samples VALUES (1, ?, ?, ?, ?)`)
	if err != nil {
		return 0, err
	}
	defer insert.Close()
	start := time.Now()
	for row := 0; row < rows; {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return 0, err
		}
		in := tx.StmtContext(ctx, insert) //nolint:sqlclosecheck // ends with its transaction
		for range 1000 {
			if _, err := in.ExecContext(ctx, row, row, time.Now().UnixNano(), math.Sin(float64(row))); err != nil {
				return 0, err
			}
			row++
		}
		if err := tx.Commit(); err != nil {
			return 0, err
		}
	}
	return float64(rows) / time.Since(start).Seconds(), nil
}
