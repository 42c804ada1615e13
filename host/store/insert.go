package store

import (
	"strings"
	"sync"
)

// insertion is an INSERT of many rows by statements of a few fixed sizes,
// which stay prepared. Its head says OR FAIL: that spares SQLite the journal
// by which it could undo a part of a statement, where a failure undoes the
// whole transaction anyway.
type insertion struct {
	head    string
	columns int
}

// insertSizes are the numbers of rows of one statement, largest first.
var insertSizes = []int{256, 128, 64, 32, 16, 8, 4, 2, 1}

func (i insertion) statement(rows int) string {
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", i.columns), ",") + "),"
	return i.head + strings.TrimSuffix(strings.Repeat(row, rows), ",")
}

// statements caches the texts, for they are long; only a host needs them.
var statements = sync.OnceValue(func() map[insertion][]string {
	return map[insertion][]string{
		insertSample: texts(insertSample), insertRollup: texts(insertRollup), insertChange: texts(insertChange),
	}
})

func texts(i insertion) []string {
	var out []string
	for _, rows := range insertSizes {
		out = append(out, i.statement(rows))
	}
	return out
}

// insert writes rows: args holds their columns, one row after the other.
func (t *tx) insert(i insertion, args []any) error {
	texts := statements()[i]
	for n, rows := range insertSizes {
		for size := rows * i.columns; len(args) >= size; args = args[size:] {
			if _, err := t.exec(texts[n], args[:size]...); err != nil {
				return err
			}
		}
	}
	return nil
}
