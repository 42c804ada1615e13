package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/mlhost/mlhost/cmd/mlhost/text"
	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
)

// progress shows on stderr how far long work is, where that is a terminal. It
// appears only when the work takes a while, and leaves nothing behind.
type progress struct {
	w     io.Writer // nil: nobody looks
	what  string
	unit  func(n int64) string
	width func() int

	mu      sync.Mutex
	done    int64
	total   int64 // 0: not known
	started time.Time
	drawn   time.Time
	shown   bool
}

// How long work is before its progress is shown, and how often it is drawn.
const (
	progressAfter = 400 * time.Millisecond
	progressEvery = 100 * time.Millisecond
)

// progress starts to show how far what is.
func (a *app) progress(what string, total int64, unit func(int64) string) *progress {
	p := &progress{what: what, total: total, unit: unit, started: time.Now()}
	if a.json || !isTerminal(a.stderr) || a.env("TERM") == "dumb" {
		return p
	}
	p.w = a.stderr
	p.width = func() int {
		columns, _ := screen(a.stderr)
		return columns
	}
	return p
}

// inBytes and inItems are units.
func inBytes(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }

func inItems(noun string) func(int64) string {
	return func(n int64) string { return humanize.Comma(n) + " " + noun }
}

// add tells that n more are done.
func (p *progress) add(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	p.draw(time.Now())
}

// expect tells that the work is larger by n.
func (p *progress) expect(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total += n
}

func (p *progress) draw(now time.Time) {
	if p.w == nil || now.Sub(p.started) < progressAfter || now.Sub(p.drawn) < progressEvery {
		return
	}
	p.drawn, p.shown = now, true
	fmt.Fprint(p.w, "\r"+text.Clip(p.line(now), p.width()-1)+"\x1b[K")
}

// line words how far the work is.
func (p *progress) line(now time.Time) string {
	took := now.Sub(p.started).Seconds()
	if p.total <= 0 {
		return fmt.Sprintf("%s: %s, %s", p.what, p.unit(p.done), text.Duration(took))
	}
	const bar = 24
	part := min(1, float64(p.done)/float64(p.total))
	full := int(part * bar)
	line := fmt.Sprintf("%s %s%s %3.0f%%  %s of %s", p.what, strings.Repeat("█", full), strings.Repeat("░", bar-full), 100*part, p.unit(p.done), p.unit(p.total))
	if part > 0.02 && part < 1 {
		line += ", " + text.Duration(took/part-took) + " left"
	}
	return line
}

// waiting runs f; who sees no progress is told that it takes long.
func (p *progress) waiting(a *app, what string, f func() error) error {
	if p.w != nil {
		return f()
	}
	return a.waiting(what, f)
}

// end takes the line away.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
	p.w = nil
}

// countingWriter tells how much was written.
type countingWriter struct {
	io.Writer
	progress *progress
}

func (c countingWriter) Write(b []byte) (int, error) {
	n, err := c.Writer.Write(b)
	c.progress.add(int64(n))
	return n, err
}

// countingReader tells how much was read.
type countingReader struct {
	io.Reader
	progress *progress
}

func (c countingReader) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.progress.add(int64(n))
	return n, err
}

// countingSource tells how many samples of runs were read.
type countingSource struct {
	*client.Client
	progress *progress
}

func (c countingSource) Run(ctx context.Context, id string, samples ...string) (v1.RunDetail, error) {
	run, err := c.Client.Run(ctx, id, samples...)
	for _, s := range run.Series {
		c.progress.expect(s.Count)
	}
	return run, err
}

func (c countingSource) Samples(ctx context.Context, id, name string, after int64, limit int) (v1.Samples, error) {
	page, err := c.Client.Samples(ctx, id, name, after, limit)
	c.progress.add(int64(len(page.Samples)))
	return page, err
}
