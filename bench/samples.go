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
		run, err := sampleRun(ctx, l, n, fmt.Sprintf(`
script "samples" {
  plugin     = %q
  parameters = { role = "samples", n = %d }
  autostart  = false
}
`, l.plugin, n))
		if err != nil {
			return nil, err
		}
		if run.stored != int64(n) {
			return nil, fmt.Errorf("the store has %d of %d samples", run.stored, n)
		}
		hand, err := byhand.RowsPerSecond(ctx, l.file("rows.db"), n)
		if err != nil {
			return nil, err
		}
		ours, byHand = append(ours, run.rate), append(byHand, hand)
	}
	cell := compare("rate", "/s", median(ours), median(byHand), 0.7, false)
	cell.Note = fmt.Sprintf("%d samples, none lost", n)
	return []Cell{cell}, nil
}

// samplesPython measures a script that sets one variable at a steady rate a
// little above the limit. A sample that is lost breaks the promise.
func samplesPython(ctx context.Context, l *lab) ([]Cell, error) {
	n := l.scaled(1000) * 1000
	var rates, calls []float64
	var lost int64
	for range 3 {
		run, err := sampleRun(ctx, l, n, fmt.Sprintf(`
script "samples" {
  source    = "samples.py"
  args      = ["%d"]
  autostart = false
}
`, n))
		if err != nil {
			return nil, err
		}
		call, err := number(run.RunDetail, "microseconds")
		if err != nil {
			return nil, err
		}
		sent, err := number(run.RunDetail, "samples")
		if err != nil {
			return nil, err
		}
		lost += int64(sent) - run.stored
		rates, calls = append(rates, run.rate), append(calls, call)
	}
	stored := against("rate", "/s", median(rates), 200_000, false)
	stored.Note = fmt.Sprintf("3 × %d samples, %d lost", n, lost)
	stored.Kept = stored.Kept && lost == 0
	return []Cell{stored, against("set_variable", "µs", median(calls), 2, true)}, nil
}

// sampled is a run of a script "samples".
type sampled struct {
	v1.RunDetail
	rate   float64 // a second
	stored int64   // samples of loss
}

// sampleRun runs the script "samples" to its end. The rate of its n samples
// counts from the result "began" until the host has the run's end, which comes
// behind the last sample.
func sampleRun(ctx context.Context, l *lab, n int, config string) (sampled, error) {
	host, err := l.host(ctx, config)
	if err != nil {
		return sampled{}, err
	}
	defer host.down()
	if _, err := host.Act(ctx, "samples", "start"); err != nil {
		return sampled{}, err
	}
	run, end, err := host.finished(ctx, "samples")
	if err != nil {
		return sampled{}, err
	}
	began, err := number(run, "began")
	if err != nil {
		return sampled{}, err
	}
	out := sampled{RunDetail: run, rate: float64(n) / (float64(end.UnixNano())/1e9 - began)}
	for _, s := range run.Series {
		if s.Name == "loss" {
			out.stored = s.Count
		}
	}
	return out, nil
}
