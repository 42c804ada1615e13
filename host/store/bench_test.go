package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// BenchmarkSamples compares the store with SQLite alone, which takes the same
// samples in synced transactions of 1,000 rows: one row per statement, and
// 200 rows per statement. Compare rows/s within one run only.
func BenchmarkSamples(b *testing.B) {
	b.Run("bare-1", func(b *testing.B) { benchmarkBare(b, 1) })
	b.Run("bare-200", func(b *testing.B) { benchmarkBare(b, 200) })
	b.Run("store-256x1", func(b *testing.B) { benchmarkStore(b, 256, 1) })
	b.Run("store-1000x1", func(b *testing.B) { benchmarkStore(b, 1000, 1) })
	b.Run("store-1000x4", func(b *testing.B) { benchmarkStore(b, 1000, 4) })
}

func benchmarkBare(b *testing.B, perStatement int) {
	db, err := sql.Open("sqlite", dsn(filepath.Join(b.TempDir(), "bare.db"),
		"_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)", "_pragma=busy_timeout(5000)"))
	ok(b, err)
	defer func() { ok(b, db.Close()) }()
	db.SetMaxOpenConns(1)
	_, err = db.Exec("CREATE TABLE sample (series INTEGER, time INTEGER, step INTEGER, value REAL, PRIMARY KEY (series, time)) WITHOUT ROWID")
	ok(b, err)
	conn, err := db.Conn(b.Context())
	ok(b, err)
	defer func() { ok(b, conn.Close()) }()
	i := insertion{head: "INSERT INTO sample (series, time, step, value) VALUES ", columns: 4}
	stmt, err := conn.PrepareContext(b.Context(), i.statement(perStatement))
	ok(b, err)
	defer func() { ok(b, stmt.Close()) }()
	args := make([]any, 0, 4*perStatement)
	n := 0
	for b.Loop() {
		_, err := conn.ExecContext(b.Context(), "BEGIN IMMEDIATE")
		ok(b, err)
		for range 1000 / perStatement {
			args = args[:0]
			for range perStatement {
				args = append(args, int64(1), int64(1_700_000_000_000_000_000+n), int64(n), float64(n)/7)
				n++
			}
			_, err := stmt.ExecContext(context.Background(), args...)
			ok(b, err)
		}
		_, err = conn.ExecContext(b.Context(), "COMMIT")
		ok(b, err)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}

func benchmarkStore(b *testing.B, batch, producers int) {
	s := open(b, b.TempDir())
	var rows atomic.Int64
	b.SetParallelism(producers)
	var worker atomic.Int64
	start := time.Now()
	b.RunParallel(func(pb *testing.PB) {
		run := "run" + strconv.FormatInt(worker.Add(1), 10)
		ok(b, s.Append(b.Context(), begun(run)))
		n := 0
		for pb.Next() {
			samples := make([]script.Sample, batch)
			for i := range samples {
				samples[i] = script.Sample{Name: "loss", Step: int64(n), Time: start.Add(time.Duration(n)), Value: script.Float(float64(n) / 7)}
				n++
			}
			ok(b, s.Append(b.Context(), script.Event{Script: "trainer", Run: run, Seq: uint64(n), Body: script.Samples{Samples: samples}}))
		}
		rows.Add(int64(n))
	})
	b.ReportMetric(float64(rows.Load())/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkSet is one parameter change by itself, beside one bare synced
// transaction of one row.
func BenchmarkSet(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		db, err := sql.Open("sqlite", dsn(filepath.Join(b.TempDir(), "bare.db"), "_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)"))
		ok(b, err)
		defer func() { ok(b, db.Close()) }()
		db.SetMaxOpenConns(1)
		_, err = db.Exec("CREATE TABLE parameter_change (id INTEGER PRIMARY KEY, script, name, old, new, author, step)")
		ok(b, err)
		stmt, err := db.Prepare("INSERT INTO parameter_change (script, name, old, new, author, step) VALUES (?, ?, ?, ?, ?, ?)")
		ok(b, err)
		defer func() { ok(b, stmt.Close()) }()
		for b.Loop() {
			_, err := stmt.Exec("trainer", "lr", "0.1", "0.2", "user:ann", 7)
			ok(b, err)
		}
	})
	b.Run("store", func(b *testing.B) {
		s := open(b, b.TempDir())
		ok(b, s.Append(b.Context(), begun("r1")))
		revision := uint64(1)
		for b.Loop() {
			revision++
			ok(b, s.Append(b.Context(), script.Event{Script: "trainer", Run: "r1", Time: time.Now(), Body: script.ParametersChanged{
				Revision: revision, Author: "user:ann", Batch: strconv.FormatUint(revision, 10),
				Changes: []script.Change{{Name: "lr", Old: script.Float(0.1), New: script.Float(0.2), Status: script.Applied, Step: 7}},
			}}))
		}
	})
}

// BenchmarkChart reads 1,000 points of series of growing length.
func BenchmarkChart(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := open(b, b.TempDir())
			ok(b, s.Append(b.Context(), begun("r1")))
			fill(b, s, "r1", n)
			for b.Loop() {
				buckets, rows, err := s.Chart(b.Context(), "r1", "loss", 1000)
				ok(b, err)
				b.ReportMetric(float64(rows), "rows")
				b.ReportMetric(float64(len(buckets)), "buckets")
			}
		})
	}
}

// fill appends n samples of the variable loss, 10,000 at a time.
func fill(t testing.TB, s *Store, run string, n int) {
	t.Helper()
	for from := 0; from < n; from += 10_000 {
		samples := make([]script.Sample, 0, 10_000)
		for i := from; i < min(n, from+10_000); i++ {
			samples = append(samples, script.Sample{Name: "loss", Step: int64(i), Time: time.Unix(1000, int64(i)), Value: script.Float(float64(i))})
		}
		ok(t, s.Append(t.Context(), script.Event{Script: "trainer", Run: run, Seq: uint64(2 + from), Body: script.Samples{Samples: samples}}))
	}
}
