package store

import (
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// checkChart compares a chart with the samples it sums up.
func checkChart(t *testing.T, s *Store, run string, points, n int) (rows int) {
	t.Helper()
	buckets, rows, err := s.Chart(t.Context(), run, "loss", points)
	ok(t, err)
	if len(buckets) > points || (n > 0 && len(buckets) == 0) {
		t.Errorf("%d of %d samples: %d buckets", points, n, len(buckets))
	}
	if rows > 5*points+8*maxLevel {
		t.Errorf("%d of %d samples: %d rows were read", points, n, rows)
	}
	next := int64(0)
	for _, b := range buckets {
		if b.FirstStep != next || b.LastStep != next+b.Count-1 {
			t.Fatalf("%d of %d samples: a bucket is of %d to %d, the one before it ended at %d", points, n, b.FirstStep, b.LastStep, next-1)
		}
		if b.Min != float64(b.FirstStep) || b.Max != float64(b.LastStep) || b.First != b.Min || b.Last != b.Max {
			t.Fatalf("bucket is %+v", b)
		}
		if mean := (b.Min + b.Max) / 2; math.Abs(b.Mean-mean) > 1e-6*mean {
			t.Fatalf("bucket is %+v", b)
		}
		next += b.Count
	}
	if next != int64(n) {
		t.Errorf("%d of %d samples: the chart ends at %d", points, n, next)
	}
	return rows
}

func TestChart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	sizes := []int{1, 7, 8, 9, 63, 64, 65, 511, 513, 4097, 70_001}
	for _, n := range sizes {
		run := "r" + strconv.Itoa(n)
		ok(t, s.Append(t.Context(), begun(run)))
		fill(t, s, run, n)
		for _, points := range []int{1, 10, 100, 1000} {
			checkChart(t, s, run, points, n)
		}
	}
	ok(t, s.Close())
	// What was summed up of unfinished buckets is found again.
	s = open(t, dir)
	for _, n := range sizes {
		run := "r" + strconv.Itoa(n)
		for i := range 130 {
			ok(t, s.Append(t.Context(), sampled(run, uint64(n+10_000_000+i), "loss", int64(n+i), script.Int(int64(n+i)))))
		}
		checkChart(t, s, run, 10, n+130)
	}
}

func TestChartStaysFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("writes a million samples")
	}
	s := open(t, t.TempDir())
	ok(t, s.Append(t.Context(), begun("r1")))
	const n = 1_000_000
	fill(t, s, "r1", n)
	if rows := checkChart(t, s, "r1", 1000, n); rows > 5000 {
		t.Errorf("%d samples: %d rows were read", n, rows)
	}
}

func TestChartOfOddValues(t *testing.T) {
	s := open(t, t.TempDir())
	ok(t, s.Append(t.Context(), begun("r1")))
	odd := []script.Value{
		script.Float(math.NaN()), script.Float(2), script.String("x"), script.Float(math.Inf(1)), script.Float(math.Inf(-1)),
		script.Int(4), script.Bool(true), script.Null(), script.Float(math.NaN()),
	}
	for i, v := range odd {
		ok(t, s.Append(t.Context(), sampled("r1", uint64(i+2), "loss", int64(i), v)))
	}
	buckets, _, err := s.Chart(t.Context(), "r1", "loss", 1)
	ok(t, err)
	if len(buckets) != 1 {
		t.Fatalf("buckets are %+v", buckets)
	}
	b := buckets[0]
	if b.Count != 9 || b.NaN != 2 || b.Inf != 1 || b.NegInf != 1 || b.Min != 2 || b.Max != 4 || b.Mean != 3 || !math.IsNaN(b.Last) {
		t.Errorf("bucket is %+v", b)
	}
	samples, err := s.Samples(t.Context(), "r1", "loss", SampleRange{})
	ok(t, err)
	for i, sm := range samples {
		if !sm.Value.Equal(odd[i]) {
			t.Errorf("sample %d is %s, not %s", i, sm.Value, odd[i])
		}
	}
	page, err := s.Samples(t.Context(), "r1", "loss", SampleRange{After: 4, Limit: 2})
	ok(t, err)
	if len(page) != 2 || page[0].Step != 4 {
		t.Errorf("page is %+v", page)
	}
	if _, _, err := s.Chart(t.Context(), "r1", "los", 10); script.CodeOf(err) != script.CodeNotFound || script.AsError(err).Hint == "" {
		t.Errorf("an unknown series: %v", err)
	}
	if _, _, err := s.Chart(t.Context(), "none", "loss", 10); script.CodeOf(err) != script.CodeNotFound {
		t.Errorf("an unknown run: %v", err)
	}
}

func TestSamplesBeforeTheRun(t *testing.T) {
	s := open(t, t.TempDir())
	ok(t, s.Append(t.Context(), sampled("r1", 1, "loss", 0, script.Int(0)), sampled("", 0, "loss", 0, script.Int(0))))
	samples, err := s.Samples(t.Context(), "r1", "loss", SampleRange{})
	ok(t, err)
	if len(samples) != 1 {
		t.Errorf("samples are %v", samples)
	}
}

func TestInsertSizes(t *testing.T) {
	if !slices.Contains(insertSizes, 1) || !slices.IsSortedFunc(insertSizes, func(a, b int) int { return b - a }) {
		t.Errorf("sizes are %v", insertSizes)
	}
}

// A part of a series has its own samples and no others, and reads no more rows
// than the whole.
func TestChartOfPart(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := t.Context()
	const n = 60_000
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ok(t, s.Append(ctx, begun("r1")))
	var samples []script.Sample
	for i := range int64(n) {
		samples = append(samples, script.Sample{Name: "x", Step: 2 * i, Time: start.Add(time.Duration(i) * time.Second), Value: script.Int(i)})
	}
	ok(t, s.Append(ctx, script.Event{Time: start, Seq: 2, Script: "a", Run: "r1", Body: script.Samples{Samples: samples}}))
	step := func(n int64) *int64 { return &n }
	for _, c := range []struct {
		part     ChartRange
		from, to int64 // of what is expected
	}{
		{ChartRange{}, 0, n},
		{ChartRange{FromStep: step(-5), ToStep: step(1 << 40)}, 0, n},
		{ChartRange{FromStep: step(2001), ToStep: step(100_000)}, 1001, 50_001},
		{ChartRange{FromStep: step(0), ToStep: step(0)}, 0, 1},
		{ChartRange{FromStep: step(77_777), ToStep: step(77_999)}, 38_889, 39_000},
		{ChartRange{Since: start.Add(10 * time.Second), Until: start.Add(59_000 * time.Second)}, 10, 59_001},
		{ChartRange{FromStep: step(50), ToStep: step(40)}, 0, 0},
		{ChartRange{FromStep: step(1 << 40)}, 0, 0},
	} {
		buckets, rows, err := s.ChartOf(ctx, "r1", "x", 100, c.part)
		ok(t, err)
		next, count := c.from, int64(0)
		for _, b := range buckets {
			if b.FirstStep != 2*next || b.Min != float64(next) || b.Max != float64(next+b.Count-1) {
				t.Fatalf("%+v: bucket %+v begins at %d", c.part, b, next)
			}
			next += b.Count
			count += b.Count
		}
		if count != c.to-c.from || len(buckets) > 100 || rows > 700 {
			t.Errorf("%+v: %d samples in %d buckets out of %d rows, want %d", c.part, count, len(buckets), rows, c.to-c.from)
		}
	}
}
