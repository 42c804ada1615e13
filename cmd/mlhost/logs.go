package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

func (a *app) logsVerb() *cobra.Command {
	var filter client.LogFilter
	var follow bool
	cmd := &cobra.Command{
		Use:               "logs SCRIPT",
		Short:             "Show what a script has printed and logged",
		Example:           "mlhost logs trainer --tail 20\nmlhost logs trainer -f",
		Args:              args(1, 1, "a script"),
		ValidArgsFunction: a.completeScripts,
	}
	flags := cmd.Flags()
	flags.BoolVarP(&follow, "follow", "f", false, "go on with what comes, until the script has ended")
	flags.IntVar(&filter.Tail, "tail", 0, "only the last so many lines; 0 for all")
	flags.StringVar(&filter.Run, "run", "", "of this run (default: the last one)")
	flags.StringVar(&filter.Stream, "stream", "", "only stdout, stderr or log")
	return a.do(cmd, func(ctx context.Context, got []string) error {
		if filter.Tail < 0 {
			return script.Errorf(script.CodeUsage, "--tail %d: a number from 0 is needed", filter.Tail)
		}
		show := func(c *client.Client) error {
			p := &logPrinter{app: a, stream: filter.Stream, safe: isTerminal(a.stdout)}
			if follow && filter.Run == "" {
				return a.followLogs(ctx, c, got[0], filter, p)
			}
			return p.all(ctx, c, got[0], filter)
		}
		if follow {
			return a.withHost(show)
		}
		return a.withRecord(ctx, show)
	})
}

// logPrinter writes log lines and remembers where it is.
type logPrinter struct {
	app    *app
	stream string // only this one; "" for all
	safe   bool   // escape what a terminal would obey

	run  string
	seq  uint64 // of the last line with one
	time time.Time
	same int  // lines written of that time
	open bool // the last line written waits for its rest
}

func (p *logPrinter) all(ctx context.Context, c *client.Client, name string, f client.LogFilter) error {
	for line, err := range c.Logs(ctx, name, f) {
		if err != nil {
			return err
		}
		if err := p.print(line); err != nil {
			return err
		}
	}
	return p.end()
}

// print writes one line, or one part of a long one.
func (p *logPrinter) print(l v1.Log) error {
	if l.Run != p.run || !l.Time.Equal(p.time) {
		p.same = 0
	}
	p.run, p.time = l.Run, l.Time
	p.same++
	if l.Seq > 0 {
		p.seq = l.Seq
	}
	if p.app.json {
		return p.app.printLine(l)
	}
	text := l.Text
	if p.safe {
		text = escapeLine(lastPart(text))
	}
	if l.Level != "" && !p.open {
		text = strings.ToUpper(l.Level) + " " + text
	}
	if p.open = l.Partial; !p.open {
		text += "\n"
	}
	_, err := io.WriteString(p.app.stdout, text)
	return err
}

// end ends a line that is still open.
func (p *logPrinter) end() error {
	if !p.open {
		return nil
	}
	p.open = false
	_, err := fmt.Fprintln(p.app.stdout)
	return err
}

// fresh reports whether a line of the event stream was not among those read
// from the file: the stream was opened before the file was read.
func (p *logPrinter) fresh(e v1.Event) bool {
	switch {
	case e.Run != p.run:
		return true
	case e.Seq > 0:
		return e.Seq > p.seq
	}
	return e.Time.After(p.time)
}

// followLogs writes what there is and then what comes, until the script has
// ended or the host goes away.
func (a *app) followLogs(ctx context.Context, c *client.Client, name string, f client.LogFilter, p *logPrinter) error {
	stream, err := c.Events(ctx, client.EventFilter{Script: name, Kinds: []string{"log", "state", v1.KindGap}})
	if err != nil {
		return err
	}
	defer stream.Close()
	if err := p.all(ctx, c, name, f); err != nil {
		return err
	}
	now, err := c.Script(ctx, name)
	if err != nil {
		return err
	}
	if over(now.State) {
		return nil
	}
	for {
		e, err := stream.Next()
		if errors.Is(err, io.EOF) && stream.Again(true) { // the host was upgraded
			if err := p.rest(ctx, c, name); err != nil {
				return err
			}
			if now, err := c.Script(ctx, name); err != nil || over(now.State) {
				return errors.Join(err, p.end())
			}
			continue
		}
		if errors.Is(err, io.EOF) {
			return p.end()
		}
		if err != nil {
			return err
		}
		if done, err := p.follow(e); done || err != nil {
			return errors.Join(err, p.end())
		}
	}
}

// rest writes what was written down behind the last line.
func (p *logPrinter) rest(ctx context.Context, c *client.Client, name string) error {
	run, last, seq, same := p.run, p.time, p.seq, p.same
	for l, err := range c.Logs(ctx, name, client.LogFilter{Stream: p.stream}) {
		if err != nil {
			return err
		}
		known := l.Run == run && (l.Seq > 0 && l.Seq <= seq || l.Seq == 0 && l.Time.Before(last))
		if l.Run == run && l.Time.Equal(last) && same > 0 {
			same--
			known = true
		}
		if known {
			continue
		}
		if err := p.print(l); err != nil {
			return err
		}
	}
	return nil
}

// over reports whether a script in this state will say no more by itself.
func over(s script.State) bool { return s.Ended() && s != script.Backoff }

func (p *logPrinter) follow(e v1.Event) (done bool, err error) {
	switch e.Kind {
	case "log":
		var data v1.LogData
		if err := json.Unmarshal(e.Data, &data); err != nil {
			return false, fmt.Errorf("read event: %w", err)
		}
		if !p.fresh(e) || (p.stream != "" && data.Stream != p.stream) {
			return false, nil
		}
		return false, p.print(v1.Log{
			Time: e.Time, Script: e.Script, Run: e.Run, Stream: data.Stream, Level: data.Level,
			Text: data.Text, Partial: data.Partial, Seq: e.Seq,
		})
	case "state":
		var data v1.StateData
		if err := json.Unmarshal(e.Data, &data); err != nil {
			return false, fmt.Errorf("read event: %w", err)
		}
		return over(data.State), nil
	case v1.KindGap:
		p.app.noteGap(e)
	}
	return false, nil
}

// noteGap tells that events are missing.
func (a *app) noteGap(e v1.Event) {
	var data v1.GapData
	if err := json.Unmarshal(e.Data, &data); err != nil {
		return // a gap that says nothing is not worth an error
	}
	if data.Dropped == nil {
		a.note("mlhost: events are missing here: %s", escapeLine(data.Reason))
		return
	}
	a.note("mlhost: %d events are missing here: %s", *data.Dropped, escapeLine(data.Reason))
}
