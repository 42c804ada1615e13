package supervisor

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// traffic is what goes between the host and a run, whichever process has it.
type traffic struct {
	current atomic.Pointer[Process] // that has the run
	calls   gate
	line    *line
	swaps   chan *swap // to the goroutine that attends to the run

	records sync.Mutex // held to write the run's instance record
	over    bool       // that is not to be written any more

	ctx     context.Context    // of the message stream
	stop    context.CancelFunc // ends serveLink
	serving sync.WaitGroup
}

func newTraffic(p *Process) *traffic {
	t := &traffic{line: newLine(), swaps: make(chan *swap)}
	t.current.Store(p)
	return t
}

// begin serves the run's message stream until end.
func (t *traffic) begin(p *Process) {
	t.ctx, t.stop = context.WithCancel(context.Background())
	if p.s.options.Link != nil {
		t.serving.Go(func() { t.serveLink(t.ctx) })
	}
}

// end closes the message stream, and lets the run's record be as it is.
func (t *traffic) end() {
	t.records.Lock()
	t.over = true
	t.records.Unlock()
	t.stop()
	t.line.close()
	t.serving.Wait()
}

// serveLink keeps the message stream open as long as the run lasts.
func (t *traffic) serveLink(ctx context.Context) {
	pause := 20 * time.Millisecond
	for {
		began := time.Now()
		p := t.current.Load()
		err := p.openLink(ctx)
		if err == nil {
			err = p.s.options.Link(ctx, p, t.line)
		}
		t.line.settle(ctx)
		if p = t.current.Load(); ctx.Err() != nil || isClosed(p.child.exited) {
			return
		}
		p.logger.Debug("link broke", "run", p.run, "error", err)
		if time.Since(began) > time.Second {
			pause = 20 * time.Millisecond
		}
		if !p.rest(ctx, &pause) {
			return
		}
	}
}

// openLink lets the run's messages go through this process.
func (p *Process) openLink(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	stream, err := p.client.Relay(ctx)
	if err != nil {
		cancel()
		return err
	}
	p.traffic.line.attach(stream, cancel, p.instance.Generation)
	return nil
}
