//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// connection stalls and breaks what lies between the host and a plugin, and
// between the host and a viewer.
func connection(ctx context.Context, l *lab, o *outcome) error {
	h, err := l.newHost()
	if err != nil {
		return err
	}
	proxied := filepath.Join(h.dir, "proxy.pid")
	config := h.counter("far", ", pause = 0.01", fmt.Sprintf("  env = { CHAOS_PROXY = %q }\n", proxied)) + h.counter("near", "")
	before, err := h.begin(ctx, config)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(proxied)
	if err != nil {
		return err
	}
	proxy, err := strconv.Atoi(string(text))
	if err != nil {
		return err
	}
	viewer, err := newViewer(ctx, h)
	if err != nil {
		return err
	}
	defer viewer.end()
	n := l.scaled(20, 3)
	for i := range n {
		o.at("break %d of %d", i+1, n)
		if err := syscall.Kill(proxy, syscall.SIGHUP); err != nil {
			return err
		}
		viewer.gate.cut()
		if err := h.hears(ctx, "far"); err != nil {
			return err
		}
	}
	o.count("connections broken", float64(2*n))
	stalls := l.scaled(5, 1)
	slowest := 0.0
	for i := range stalls {
		o.at("stall %d of %d", i+1, stalls)
		took, err := h.stall(ctx, o, proxy, viewer)
		if err != nil {
			return err
		}
		slowest = max(slowest, took)
	}
	o.count("connections stalled until the script is stuck", float64(stalls))
	o.atMost("seconds until an ask of half a second ends, at most", slowest, 10)
	after, err := h.all(ctx)
	if err != nil {
		return err
	}
	o.zero("processes replaced", replaced(o, before, after))
	if err := viewer.finish(ctx, h, o); err != nil {
		return err
	}
	return h.account(ctx, o, after)
}

// stall holds up a plugin's connections and a viewer's until the script is
// stuck, and looks that each call of it ends, others go on, and it comes back.
// It returns how many seconds the call took.
func (h *host) stall(ctx context.Context, o *outcome, proxy int, viewer *viewer) (float64, error) {
	viewer.gate.stall()
	defer viewer.gate.flow()
	if err := syscall.Kill(proxy, syscall.SIGUSR1); err != nil {
		return 0, err
	}
	if err := h.reach(ctx, 30*time.Second, []script.State{script.Stuck}, "far"); err != nil {
		return 0, err
	}
	began := time.Now()
	if _, err := h.Ask(ctx, "far", v1.Ask{Topic: "echo", Timeout: 0.5}); err == nil {
		o.breaks("an ask is answered over a connection that stalls")
	}
	took := time.Since(began).Seconds()
	if _, err := h.Ask(ctx, "near", v1.Ask{Topic: "echo", Data: script.Int(1), Timeout: 10}); err != nil {
		o.breaks("another script does not answer meanwhile: %v", err)
	}
	if err := syscall.Kill(proxy, syscall.SIGUSR2); err != nil {
		return 0, err
	}
	viewer.gate.flow()
	if err := h.reach(ctx, 30*time.Second, running, "far"); err != nil {
		return 0, err
	}
	return took, h.hears(ctx, "far")
}

// hears waits until the host hears of steps that the script makes from now on.
func (h *host) hears(ctx context.Context, name string) error {
	var first int64
	return until(ctx, 30*time.Second, "the host hears of "+name, func() (bool, error) {
		now, err := h.all(ctx)
		if err != nil || now[name].Step == nil {
			return false, err
		}
		step := *now[name].Step
		if first == 0 {
			first = step
		}
		return step > first+2, nil // the next one may have been on its way
	})
}

// viewer reads a script's results over a gate, and comes back where it was
// whenever that breaks.
type viewer struct {
	gate *gate
	stop context.CancelFunc
	over chan struct{}

	mu    sync.Mutex // guards what follows
	seen  []int64    // results in their order
	told  uint64     // events that it was told to have missed
	comes int        // connections
	err   error
}

func newViewer(ctx context.Context, h *host) (*viewer, error) {
	g, err := newGate(ctx, filepath.Join(h.dir, "gate"), filepath.Join(h.state, "c", "api.sock"))
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	v := &viewer{gate: g, stop: stop, over: make(chan struct{})}
	go func() {
		defer close(v.over)
		v.view(ctx)
	}()
	return v, nil
}

func (v *viewer) end() {
	v.stop()
	v.gate.close()
	<-v.over
}

// view reads until ctx ends.
func (v *viewer) view(ctx context.Context) {
	after := uint64(0)
	for ctx.Err() == nil {
		c := client.New(v.gate.path)
		s, err := c.Events(ctx, client.EventFilter{Script: "far", Kinds: []string{"result", v1.KindGap}, After: after})
		if err == nil {
			v.note(func() { v.comes++ })
			after = v.read(s, after)
			s.Close()
		} else if !errors.Is(err, context.Canceled) {
			v.note(func() { v.err = err })
		}
		c.Close()
	}
}

// read takes in events until the stream ends, and returns the last one's id.
func (v *viewer) read(s *client.Stream, after uint64) uint64 {
	for {
		e, err := s.Next()
		if err != nil {
			return after
		}
		after = max(after, e.ID)
		v.note(func() {
			var gap v1.GapData
			var result v1.ResultData
			switch e.Kind {
			case v1.KindGap:
				v.err = errors.Join(v.err, json.Unmarshal(e.Data, &gap))
				if gap.Dropped != nil {
					v.told += *gap.Dropped
				}
			default:
				v.err = errors.Join(v.err, json.Unmarshal(e.Data, &result))
				n, _ := result.Value.Int()
				v.seen = append(v.seen, n)
			}
		})
	}
}

func (v *viewer) note(f func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f()
}

// finish waits until the viewer has what the host has, and looks that it saw
// everything once.
func (v *viewer) finish(ctx context.Context, h *host, o *outcome) error {
	results, err := h.Results(ctx, "far")
	if err != nil {
		return err
	}
	var last int64
	for _, r := range results.Results {
		last, _ = r.Value.Int()
	}
	err = until(ctx, 30*time.Second, "the viewer has caught up", func() (bool, error) {
		v.mu.Lock()
		defer v.mu.Unlock()
		return len(v.seen) > 0 && v.seen[len(v.seen)-1] >= last, v.err
	})
	v.end()
	if err != nil {
		return err
	}
	gaps, doubles := int64(0), 0
	for i := 1; i < len(v.seen); i++ {
		switch step := v.seen[i] - v.seen[i-1]; {
		case step > 1:
			gaps += step - 1
		case step < 1:
			doubles++
		}
	}
	o.count("times that the viewer came back", float64(v.comes-1))
	o.count("results that it saw", float64(len(v.seen)))
	o.zero("results that it missed without being told", int(max(0, gaps-int64(v.told))))
	o.zero("results that it saw again", doubles)
	return nil
}

// gate passes on what goes between the clients of one socket and the server of
// another, until it is told not to.
type gate struct {
	path     string
	listener net.Listener

	mu    sync.Mutex // guards what follows
	open  chan struct{}
	conns map[net.Conn]struct{}
}

func newGate(ctx context.Context, path, to string) (*gate, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	g := &gate{path: path, listener: l, open: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	close(g.open)
	go func() { // ends with the listener
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := (&net.Dialer{}).DialContext(ctx, "unix", to)
			if err != nil {
				client.Close()
				continue
			}
			g.mu.Lock()
			g.conns[client], g.conns[server] = struct{}{}, struct{}{}
			g.mu.Unlock()
			go g.pass(client, server)
			go g.pass(server, client)
		}
	}()
	return g, nil
}

// pass copies until either side is closed, and closes both.
func (g *gate) pass(to, from net.Conn) {
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		to.Close()
		from.Close()
		delete(g.conns, from)
	}()
	_, _ = io.Copy(to, &gated{from, g}) // it ends when either side does
}

// gated reads only while the gate is open.
type gated struct {
	net.Conn
	g *gate
}

func (r *gated) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	r.g.mu.Lock()
	open := r.g.open
	r.g.mu.Unlock()
	<-open
	return n, err
}

func (g *gate) stall() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
		g.open = make(chan struct{})
	default:
	}
}

func (g *gate) flow() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
	default:
		close(g.open)
	}
}

// cut closes every connection.
func (g *gate) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		c.Close()
	}
}

func (g *gate) close() {
	g.listener.Close()
	g.flow()
	g.cut()
}
