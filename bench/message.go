package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// messageRow times asks between two plugins, each in its own process; the
// asker holds the clock.
func messageRow(ctx context.Context, l *lab) ([]Cell, error) {
	n := l.scaled(3000)
	var ours, byHand []float64
	for range 3 {
		mine, err := askOurs(ctx, l, n)
		if err != nil {
			return nil, err
		}
		hand, err := askByHand(ctx, l, n)
		if err != nil {
			return nil, err
		}
		ours, byHand = append(ours, mine), append(byHand, hand)
	}
	return []Cell{compare("median", "µs", median(ours), median(byHand), 1.3, true)}, nil
}

func askOurs(ctx context.Context, l *lab, n int) (float64, error) {
	host, err := l.host(ctx, fmt.Sprintf(`
script "pong" {
  plugin     = %[1]q
  parameters = { role = "pong" }
}

script "ask" {
  plugin     = %[1]q
  parameters = { role = "ask", n = %[2]d }
  autostart  = false
}
`, l.plugin, n))
	if err != nil {
		return 0, err
	}
	defer host.down()
	if _, err := host.Act(ctx, "ask", "start"); err != nil {
		return 0, err
	}
	run, err := host.timed(ctx, "ask")
	if err != nil {
		return 0, err
	}
	return number(run, "median_us")
}

func askByHand(ctx context.Context, l *lab, n int) (float64, error) {
	from, to := l.socket(), l.socket()
	pong, err := startPart(ctx, "pong", to)
	if err != nil {
		return 0, err
	}
	defer pong.end()
	ask, err := startPart(ctx, "ask", from, fmt.Sprint(n))
	if err != nil {
		return 0, err
	}
	relay, err := startPart(ctx, "relay", from, to)
	if err != nil {
		ask.end()
		return 0, err
	}
	defer relay.end()
	var took []float64
	if err := ask.wait(&took); err != nil {
		return 0, err
	}
	return median(took[len(took)/10:]) / 1e3, nil // without the first, cold ones
}

// broadcastRow compares deliveries a second. There are enough of them for about
// half a second: a burst of a tenth ends before all processes are at work.
func broadcastRow(ctx context.Context, l *lab) ([]Cell, error) {
	var cells []Cell
	for _, scripts := range []int{1, 10, 100} {
		messages := l.scaled(200_000) / scripts
		var ours, byHand []float64
		for range 3 {
			mine, err := shoutOurs(ctx, l, scripts, messages)
			if err != nil {
				return cells, err
			}
			hand, err := shoutByHand(ctx, l, scripts, messages)
			if err != nil {
				return cells, err
			}
			ours, byHand = append(ours, mine), append(byHand, hand)
		}
		cells = append(cells, compare(fmt.Sprintf("%d scripts", scripts), "/s", median(ours), median(byHand), 0.7, false))
	}
	return cells, nil
}

func shoutOurs(ctx context.Context, l *lab, scripts, messages int) (float64, error) {
	var config strings.Builder
	for i := range scripts {
		fmt.Fprintf(&config, `
script "listen%d" {
  plugin     = %q
  parameters = { role = "listen", n = %d }
}
`, i, l.plugin, messages)
	}
	fmt.Fprintf(&config, `
script "shout" {
  plugin     = %q
  parameters = { role = "shout", n = %d }
  autostart  = false
}
`, l.plugin, messages)
	host, err := l.host(ctx, config.String())
	if err != nil {
		return 0, err
	}
	defer host.down()
	if _, err := host.Act(ctx, "shout", "start"); err != nil {
		return 0, err
	}
	run, err := host.timed(ctx, "shout")
	if err != nil {
		return 0, err
	}
	began, err := number(run, "began")
	if err != nil {
		return 0, err
	}
	last := began
	for i := range scripts {
		name := fmt.Sprintf("listen%d", i)
		run, err := host.timed(ctx, name)
		if err != nil {
			vars, _ := host.Variables(ctx, name) // says how far it came
			return 0, fmt.Errorf("%w; %v", err, vars.Variables)
		}
		done, err := number(run, "done")
		if err != nil {
			return 0, err
		}
		last = max(last, done)
	}
	return float64(scripts*messages) / (last - began), nil
}

func shoutByHand(ctx context.Context, l *lab, scripts, messages int) (float64, error) {
	socket := l.socket()
	server, err := startPart(ctx, "broadcast", socket, fmt.Sprint(scripts), fmt.Sprint(messages))
	if err != nil {
		return 0, err
	}
	var failed error
	listeners := make([]*part, 0, scripts)
	for range scripts {
		p, err := startPart(ctx, "listen", socket, fmt.Sprint(messages))
		if err != nil {
			failed = err
			server.end()
			break
		}
		listeners = append(listeners, p)
	}
	for _, p := range listeners {
		failed = errors.Join(failed, p.wait(nil))
	}
	if failed != nil {
		return 0, failed
	}
	var seconds float64
	if err := server.wait(&seconds); err != nil {
		return 0, err
	}
	return float64(scripts*messages) / seconds, nil
}
