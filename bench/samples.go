package main

import (
	"context"
	"fmt"

	v1 "github.com/mlhost/mlhost/host/api/v1"

	"github.com/mlhost/mlhost/bench/byhand"
)

// samplesGo compares the samples that a plugin gets into the store with the
// rows that SQLite takes.
func samplesGo(ctx context.Context, l *lab) ([]Cell, error) {
	n := l.scaled(500) * 1000
	var ours, byHand []float64
	for range 3 {
		rate, _, err := sampleRun(ctx, l, n, fmt.Sprintf(`
script "samples" {
  plugin     = %q
  parameters = { role = "samples", n = %d }
  autostart  = false
}
`, l.plugin, n))
		if err != nil {
			return nil, err
		}
		hand, err := byhand.RowsPerSecond(ctx, l.file("rows.db"), n)
		if err != nil {
			return nil, err
		}
		ours, byHand = append(ours, rate), append(byHand, hand)
	}
	cell := compare("rate", "/s", median(ours), median(byHand), 0.7, false)
	cell.Note = fmt.Sprintf("%d samples, none lost", n)
	return []Cell{cell}, nil
}

// samplesPython measures a script that sets one variable as fast as it can.
func samplesPython(ctx context.Context, l *lab) ([]Cell, error) {
	n := l.scaled(500) * 1000
	var rates, calls []float64
	for range 3 {
		rate, run, err := sampleRun(ctx, l, n, fmt.Sprintf(`
script "samples" {
  source    = "samples.py"
  args      = ["%d"]
  autostart = false
}
`, n))
		if err != nil {
			return nil, err
		}
		call, err := number(run, "microseconds")
		if err != nil {
			return nil, err
		}
		rates, calls = append(rates, rate), append(calls, call)
	}
	stored := against("rate", "/s", median(rates), 200_000, false)
	stored.Note = fmt.Sprintf("%d samples, none lost", n)
	return []Cell{stored, against("set_variable", "µs", median(calls), 2, true)}, nil
}

// sampleRun runs the script "samples" to its end. The rate counts from its
// first sample until the host has its end, behind its last sample.
func sampleRun(ctx context.Context, l *lab, n int, config string) (float64, v1.RunDetail, error) {
	host, err := l.host(ctx, config)
	if err != nil {
		return 0, v1.RunDetail{}, err
	}
	defer host.down()
	if _, err := host.Act(ctx, "samples", "start"); err != nil {
		return 0, v1.RunDetail{}, err
	}
	run, end, err := host.finished(ctx, "samples")
	if err != nil {
		return 0, run, err
	}
	began, err := number(run, "began")
	if err != nil {
		return 0, run, err
	}
	for _, s := range run.Series {
		if s.Name == "loss" && s.Count == int64(n) {
			return float64(n) / (float64(end.UnixNano())/1e9 - began), run, nil
		}
	}
	return 0, run, fmt.Errorf("the store has %+v, not %d samples of loss", run.Series, n)
}
