package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// rounds alternates the work by hand and ours, so that a machine that slows
// down meanwhile slows both.
const rounds = 5

// setter sets one parameter to a value and returns when that has happened.
type setter func(ctx context.Context, value float64) error

// race times both setters in alternating rounds, in microseconds a call.
func race(ctx context.Context, calls int, ours, byHand setter) (a, b float64, err error) {
	var times [2][]float64
	value := 0.0
	for round := range rounds {
		for i, s := range []setter{ours, byHand} {
			for range calls / rounds {
				value += 0.001 // every call is a change
				start := time.Now()
				if err := s(ctx, value); err != nil {
					return 0, 0, err
				}
				if round > 0 { // the first warms up
					times[i] = append(times[i], float64(time.Since(start).Nanoseconds())/1e3)
				}
			}
		}
	}
	return median(times[0]), median(times[1]), nil
}

func setGo(ctx context.Context, l *lab) ([]Cell, error) {
	host, err := l.host(ctx, `
script "target" {
  plugin     = "`+l.plugin+`"
  parameters = { role = "idle" }
}
`)
	if err != nil {
		return nil, err
	}
	defer host.down()
	hand, err := byHandHost(ctx, l, "plugin")
	if err != nil {
		return nil, err
	}
	defer hand.end()
	mine, err := host.setter(ctx, "target", "learning_rate")
	if err != nil {
		return nil, err
	}
	ours, byHand, err := race(ctx, l.scaled(3000), mine, hand.set)
	if err != nil {
		return nil, err
	}
	return []Cell{compare("median", "µs", ours, byHand, 1.25, true)}, nil
}

func setPython(ctx context.Context, l *lab) ([]Cell, error) {
	var cells []Cell
	for _, loop := range []string{"tight", "sleeping"} {
		cell, err := setPythonLoop(ctx, l, "loop.py", loop, 500)
		if err != nil {
			return cells, err
		}
		cells = append(cells, cell)
	}
	return cells, nil
}

// setPythonLoop times sets in a script of bench/scripts that runs a loop of the
// given kind.
func setPythonLoop(ctx context.Context, l *lab, source, loop string, calls int) (Cell, error) {
	host, err := l.host(ctx, `
script "target" {
  source = "`+source+`"
  args   = ["`+loop+`"]
}
`)
	if err != nil {
		return Cell{}, err
	}
	defer host.down()
	hand, err := byHandHost(ctx, l, "wrapper", l.python, loop)
	if err != nil {
		return Cell{}, err
	}
	defer hand.end()
	mine, err := host.setter(ctx, "target", "learning_rate")
	if err != nil {
		return Cell{}, err
	}
	if err := takesSets(ctx, mine); err != nil {
		return Cell{}, err
	}
	ours, byHand, err := race(ctx, l.scaled(calls), mine, hand.set)
	if err != nil {
		return Cell{}, err
	}
	return compare(loop+" loop, median", "µs", ours, byHand, 1.25, true), nil
}

// takesSets waits until the script has come far enough to take a set: what
// reading it has found is known before it runs.
func takesSets(ctx context.Context, set setter) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		err := set(ctx, 0.05)
		if err == nil {
			return nil
		}
		if pause(ctx) != nil {
			return err
		}
	}
}

// handHost is the work of one set by hand: a host part and what it talks to.
type handHost struct {
	parts  []*part
	client *http.Client
}

// byHandHost starts a host by hand with a target part; args are the target's,
// behind its socket.
func byHandHost(ctx context.Context, l *lab, target string, args ...string) (*handHost, error) {
	plugin, socket := l.socket(), l.socket()
	hand := &handHost{client: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}}
	for _, command := range [][]string{
		append([]string{target, plugin}, args...),
		{"host", socket, plugin, l.file("byhand.db")},
	} {
		p, err := startPart(ctx, command...)
		if err != nil {
			hand.end()
			return nil, err
		}
		hand.parts = append(hand.parts, p)
	}
	if err := waitForSocket(ctx, socket); err != nil {
		hand.end()
		return nil, err
	}
	return hand, nil
}

func (h *handHost) set(ctx context.Context, value float64) error {
	body, err := json.Marshal(map[string]float64{"learning_rate": value})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://host/parameters", bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := h.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("by hand: %s: %s", response.Status, answer)
	}
	return err
}

func (h *handHost) end() {
	for _, p := range h.parts {
		p.end()
	}
	h.client.CloseIdleConnections()
}
