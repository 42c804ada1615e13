package menu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/mlhost/mlhost/cmd/mlhost/text"
	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// feedKinds are the events that say that what is shown is old. Samples, steps
// and output are not among them: there may be any number of them.
var feedKinds = []string{
	"state", "run", "described", "result", "parameters", "observed", "owner", "route", "message", "notified", "warning", v1.KindGap,
}

// feed reads the events of a host and hands them to the menu in bunches, so
// that a busy host does not keep it drawing.
type feed struct {
	cancel context.CancelFunc
}

// bunch is for how long events are gathered.
const bunch = 100 * time.Millisecond

// most is how many events are handed over at once; of more, the newest.
const most = 200

// follow reads events that filter chooses and hands them to send until it is
// ended. Where the host has gone away it looks for it again.
func follow(ctx context.Context, c *client.Client, filter client.EventFilter, send func([]v1.Event)) *feed {
	ctx, cancel := context.WithCancel(ctx)
	f := &feed{cancel: cancel}
	events := make(chan v1.Event, most)
	go func() {
		defer close(events)
		for ctx.Err() == nil {
			readEvents(ctx, c, filter, events)
			select {
			case <-ctx.Done():
			case <-time.After(refresh): // between two attempts
			}
		}
	}()
	go func() {
		for e := range events {
			all := []v1.Event{e}
			timer := time.NewTimer(bunch)
		gather:
			for {
				select {
				case e, ok := <-events:
					if !ok {
						break gather
					}
					if all = append(all, e); len(all) > most {
						all = all[1:]
					}
				case <-timer.C:
					break gather
				}
			}
			timer.Stop()
			if ctx.Err() == nil {
				send(all)
			}
		}
	}()
	return f
}

func readEvents(ctx context.Context, c *client.Client, filter client.EventFilter, out chan<- v1.Event) {
	stream, err := c.Events(ctx, filter)
	if err != nil {
		return // what the menu asks by itself says so
	}
	defer stream.Close()
	for {
		e, err := stream.Next()
		if errors.Is(err, io.EOF) && stream.Again(false) {
			continue // the host was upgraded
		}
		if err != nil {
			return
		}
		select {
		case out <- e:
		case <-ctx.Done():
			return
		}
	}
}

// end ends a feed. It does not wait: the menu may be what the feed waits for.
func (f *feed) end() {
	if f != nil {
		f.cancel()
	}
}

// listen starts the feed of the host that was entered.
func (m *model) listen() {
	m.feed = nil
	if m.session == nil || !m.session.Live {
		return
	}
	var f *feed
	ready := make(chan struct{})
	f = follow(m.ctx, m.session.Client, client.EventFilter{Kinds: feedKinds}, func(all []v1.Event) {
		<-ready
		m.program.Send(happenedMsg{f, all})
	})
	m.feed = f
	close(ready)
}

// mark is what became of a parameter last.
type mark struct {
	text string
	bad  bool
	time time.Time
}

// flowLine is one thing that went between scripts.
type flowLine struct {
	script string
	text   string
	time   time.Time
	bad    bool
}

// mostFlow is how much of what went between scripts is remembered.
const mostFlow = 500

// note keeps what an event says of parameters and of what goes between
// scripts.
func (m *model) note(e v1.Event) {
	switch e.Kind {
	case "parameters":
		var d v1.ParametersData
		if json.Unmarshal(e.Data, &d) == nil {
			for _, c := range d.Changes {
				m.setMark(e.Script, c.Name, changed(c, d.Author, e.Time))
			}
		}
	case "observed":
		var d v1.ObservedData
		if json.Unmarshal(e.Data, &d) == nil {
			said := "in use: " + text.Value(d.Value, 20)
			if strings.HasPrefix(m.marks[e.Script][d.Name].text, "pending") {
				said = "applied: " + text.Value(d.Value, 20) // what it has waited for
			}
			if d.Overwritten {
				said = "overwritten by the script: " + text.Value(d.Value, 20)
			}
			m.setMark(e.Script, d.Name, mark{said + atStep(d.Step), d.Overwritten, e.Time})
			if d.Overwritten {
				m.tell(fmt.Sprintf("%s.%s was overwritten by the script: %s", e.Script, d.Name, text.Value(d.Value, 30)), true)
			}
		}
	case "owner":
		var d v1.OwnerData
		if json.Unmarshal(e.Data, &d) == nil {
			said := "moved by nobody now"
			if d.Owner != "" {
				said = "moved by " + d.Owner + " now"
			}
			m.setMark(e.Script, d.Name, mark{said, false, e.Time})
		}
	case "route":
		var d v1.RouteData
		if json.Unmarshal(e.Data, &d) == nil {
			m.addFlow(e, fmt.Sprintf("route %s: %s = %s", d.Route, d.Target, text.Value(d.Value, 30)), d.Problem)
		}
	case "message":
		var d v1.MessageData
		if json.Unmarshal(e.Data, &d) == nil {
			times := ""
			if d.Count > 1 {
				times = fmt.Sprintf(" (%d times)", d.Count)
			}
			m.addFlow(e, fmt.Sprintf("%s %s → %s: %s%s", d.Kind, d.Source, d.Target, d.Topic, times), d.Problem)
		}
	case "warning":
		var d v1.WarningData
		if json.Unmarshal(e.Data, &d) == nil {
			m.tell(e.Script+": "+d.Text, true)
		}
	}
}

func (m *model) setMark(name, parameter string, k mark) {
	old := m.marks[name][parameter]
	if short, _, _ := strings.Cut(k.text, " at the next"); strings.HasPrefix(k.text, "pending") && strings.HasPrefix(old.text, short+":") {
		return // the answer to the set said more
	}
	if m.marks[name] == nil {
		m.marks[name] = map[string]mark{}
	}
	m.marks[name][parameter] = k
}

func (m *model) addFlow(e v1.Event, said, problem string) {
	if problem != "" {
		said += ": " + problem
	}
	m.flow = append(m.flow, flowLine{e.Script, text.Cell(said), e.Time, problem != ""})
	m.flow = m.flow[max(0, len(m.flow)-mostFlow):]
}

func changed(c v1.ParameterChange, author string, at time.Time) mark {
	by := ""
	if author != "" {
		by = " by " + author
	}
	return mark{outcome(c.Status, c.New, c.Step, "") + by, false, at}
}

// outcome words what became of a value.
func outcome(status script.OutcomeStatus, value script.Value, step *int64, reason string) string {
	var said string
	switch status {
	case script.Applied:
		said = "applied" + atStep(step)
	case script.Pending:
		said = "pending: " + text.Value(value, 20)
		switch {
		case step != nil:
			said, reason = said+atStep(step), ""
		case reason == "":
			said += " at the next boundary"
		}
	case script.NeedsRestart:
		said = "next run: " + text.Value(value, 20)
	default:
		said = "rejected"
	}
	if reason != "" {
		said += ": " + reason
	}
	return said
}

func atStep(step *int64) string {
	if step == nil {
		return ""
	}
	return fmt.Sprintf(" at step %d", *step)
}
