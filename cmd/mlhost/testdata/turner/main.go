// turner is a plugin for the tests of hot reload. It counts, and hands its
// count to its successor. What it does otherwise stands behind its executable:
// a build is made another one by lines that are appended to it.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk"
)

// version is given by -ldflags.
var version = "1"

// mark begins a line that is appended to the executable: #turner KEY VALUE.
const mark = "\n#turner "

// turns are what the executable says of itself.
var turns = readTurns()

func readTurns() map[string]string {
	out := map[string]string{}
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	data, err := os.ReadFile(exe)
	if err != nil {
		panic(err)
	}
	tail := data[max(0, len(data)-1024):]
	for line := range strings.Lines(string(tail[max(0, bytes.Index(tail, []byte(mark))):])) {
		if key, ok := strings.CutPrefix(strings.TrimSpace(line), strings.TrimSpace(mark)+" "); ok {
			key, value, _ := strings.Cut(key, " ")
			out[key] = value
		}
	}
	return out
}

func main() {
	switch turns["main"] {
	case "crash":
		fmt.Fprintln(os.Stderr, "panic: no memory of who I am")
		os.Exit(3)
	case "wait":
		wait(turns["hold"])
	}
	t := &turner{}
	if turns["checkpoint"] == "none" {
		sdk.Serve(plain{t})
	}
	sdk.Serve(t)
}

// wait says that it has begun by FILE.reached, and lasts as long as FILE is there.
func wait(file string) {
	if err := os.WriteFile(file+".reached", []byte("begun"), 0o600); err != nil {
		panic(err)
	}
	for _, err := os.Stat(file); err == nil; _, err = os.Stat(file) {
		time.Sleep(10 * time.Millisecond)
	}
}

// plain is a turner without a checkpoint.
type plain struct{ t *turner }

func (p plain) Describe() script.Description                  { return p.t.Describe() }
func (p plain) Run(ctx context.Context, s *sdk.Session) error { return p.t.Run(ctx, s) }
func (p plain) Answer(ctx context.Context, m script.Message) (script.Value, error) {
	return p.t.Answer(ctx, m)
}

// state is what a turner hands over.
type state struct {
	Count   int      // of its steps
	Heard   int      // of messages
	Writers []string // versions that had the run
}

type turner struct {
	mu    sync.Mutex
	state state
}

// Describe implements sdk.Script.
func (t *turner) Describe() script.Description {
	d := script.Description{
		Name: "turner",
		Parameters: []script.ParameterSpec{
			{Name: "rate", Type: script.TypeFloat, Default: script.Float(0.1)},
			{Name: "end", Type: script.TypeString, Default: script.String("")},
		},
		Variables: []script.VariableSpec{
			{Name: "count", Type: script.TypeInt, ReadOnly: true}, {Name: "rate_in_use", Type: script.TypeFloat, ReadOnly: true},
			{Name: "heard", Type: script.TypeInt, ReadOnly: true},
		},
		Topics:     []script.TopicSpec{{Name: "version", Answers: true}, {Name: "hear", Answers: true}, {Name: "writers", Answers: true}, {Name: "news"}},
		State:      &script.StateSchema{Name: "turner", Version: 1},
		MayOverlap: turns["overlap"] != "no",
	}
	if name := turns["name"]; name != "" {
		d.Name = name
	}
	if turns["rate"] == "gone" {
		d.Parameters[0] = script.ParameterSpec{Name: "pace", Type: script.TypeInt, Default: script.Int(1)}
	}
	if turns["topic"] == "gone" {
		d.Topics = d.Topics[1:]
	}
	switch turns["schema"] {
	case "new":
		d.State = &script.StateSchema{Name: "turner", Version: 2}
	case "newer":
		d.State = &script.StateSchema{Name: "turner", Version: 2, CanRestoreFrom: []int64{1}}
	}
	return d
}

// Validate implements sdk.Validator.
func (t *turner) Validate(values map[string]script.Value) error {
	if f, ok := values["rate"].Float(); turns["rate"] == "small" && ok && f > 0.2 {
		return errors.New("rate is above 0.2")
	}
	return nil
}

// Run implements sdk.Script.
func (t *turner) Run(ctx context.Context, s *sdk.Session) error {
	if turns["run"] == "crash" {
		fmt.Fprintln(os.Stderr, "panic: I cannot run")
		os.Exit(4)
	}
	t.mu.Lock()
	t.state.Writers = append(t.state.Writers, t.version())
	t.mu.Unlock()
	for {
		t.mu.Lock()
		t.state.Count++
		count, heard := t.state.Count, t.state.Heard
		t.mu.Unlock()
		s.Set("count", count)
		s.Set("heard", heard)
		s.Set("rate_in_use", s.Value("rate"))
		fmt.Printf("count=%d\n", count)
		if err := s.Step(ctx); err != nil {
			if turns["stop"] == "wait" {
				wait(turns["hold"])
			}
			return err
		}
		if err := atGate(ctx, s, count); err != nil {
			return err
		}
		if s.Text("end") == "well" {
			s.Result("writers", strings.Join(t.state.Writers, " "))
			return nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-s.Due():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// gate is the step that a turner does not go beyond before the file is there
// that its executable calls gate.
const gate = 20

func atGate(ctx context.Context, s *sdk.Session, count int) error {
	for turns["gate"] != "" && count >= gate {
		if _, err := os.Stat(turns["gate"]); err == nil {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-s.Due():
		}
		if err := s.Yield(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (t *turner) version() string {
	if v := turns["version"]; v != "" {
		return v
	}
	return version
}

// Checkpoint implements sdk.Checkpointer.
func (t *turner) Checkpoint(context.Context) ([]byte, error) {
	if turns["checkpoint"] == "fail" {
		return nil, errors.New("no room for the state")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return json.Marshal(t.state)
}

// Restore implements sdk.Checkpointer.
func (t *turner) Restore(_ context.Context, data []byte) error {
	switch turns["restore"] {
	case "fail":
		return errors.New("the state makes no sense")
	case "panic":
		panic("the state makes me panic")
	case "wait":
		wait(turns["hold"])
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return json.Unmarshal(data, &t.state)
}

// Answer implements sdk.Answerer.
func (t *turner) Answer(_ context.Context, m script.Message) (script.Value, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state.Heard++
	switch m.Topic {
	case "hear":
		return script.Int(int64(t.state.Heard)), nil
	case "writers":
		return script.String(strings.Join(t.state.Writers, " ")), nil
	}
	return script.String(t.version()), nil
}
