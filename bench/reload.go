package main

import (
	"context"
	"fmt"
	"os"
	"time"

	v1 "github.com/mlhost/mlhost/host/api/v1"
)

// reloadRow calls a plugin a thousand times a second, while its binary is
// replaced again and again, and while it is not.
func reloadRow(ctx context.Context, l *lab) ([]Cell, error) {
	n := l.scaled(10_000)
	still, _, err := paced(ctx, l, n, false)
	if err != nil {
		return nil, err
	}
	run, reloads, err := paced(ctx, l, n, true)
	if err != nil {
		return nil, err
	}
	failed, err := number(run, "failed")
	if err != nil {
		return nil, err
	}
	var ms [4]float64
	for i, of := range []struct {
		run  v1.RunDetail
		name string
	}{{run, "p99_ms"}, {still, "p99_ms"}, {run, "max_ms"}, {still, "max_ms"}} {
		if ms[i], err = number(of.run, of.name); err != nil {
			return nil, err
		}
	}
	more := against("p99, more than without", "ms", max(0, ms[0]-ms[1]), 50, true)
	more.Note = fmt.Sprintf("%d reloads; p99 %.1f ms, without %.1f ms; longest %.1f ms, without %.1f ms", reloads, ms[0], ms[1], ms[2], ms[3])
	return []Cell{against("calls that failed", "calls", failed, 0, true), more}, nil
}

// paced returns the caller's run, and how often the plugin was replaced in it.
func paced(ctx context.Context, l *lab, n int, turning bool) (run v1.RunDetail, reloads int, err error) {
	build, err := os.ReadFile(l.plugin)
	if err != nil {
		return run, 0, err
	}
	path := l.file("turning")
	if err := os.WriteFile(path, build, 0o755); err != nil {
		return run, 0, err
	}
	host, err := l.host(ctx, fmt.Sprintf(`
script "pong" {
  plugin     = %q
  parameters = { role = "pong" }
}

script "pace" {
  plugin     = %q
  parameters = { role = "pace", n = %d }
  autostart  = false
}
`, path, l.plugin, n))
	if err != nil {
		return run, 0, err
	}
	defer host.down()
	if _, err := host.Act(ctx, "pace", "start"); err != nil {
		return run, 0, err
	}
	for turning {
		pace, err := host.Script(ctx, "pace")
		if err != nil || pace.State.Ended() {
			break
		}
		build = append(build, byte(reloads)) // another binary, which does the same
		if err := os.WriteFile(path+".new", build, 0o755); err != nil {
			return run, reloads, err
		}
		if err := os.Rename(path+".new", path); err != nil {
			return run, reloads, err
		}
		if err := host.replaced(ctx); err != nil {
			return run, reloads, err
		}
		reloads++
		select {
		case <-time.After(2 * time.Second): // somebody who builds and saves
		case <-ctx.Done():
		}
	}
	run, _, err = host.finished(ctx, "pace")
	return run, reloads, err
}

// replaced waits until another binary has taken over the run of pong.
func (h *benchHost) replaced(ctx context.Context) error {
	before, err := h.Script(ctx, "pong")
	for err == nil {
		if err = pause(ctx); err != nil {
			return err
		}
		now, e := h.Script(ctx, "pong")
		if err = e; err == nil && now.SHA256 != before.SHA256 {
			if now.Run != before.Run {
				return fmt.Errorf("pong has another run, %s", now.Run)
			}
			return nil
		}
	}
	return err
}
