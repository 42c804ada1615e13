package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	remains "github.com/mlhost/mlhost/internal/left"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

// kindName is the variable that makes this test binary a plugin of a kind.
const kindName = "MLHOST_TEST_PLUGIN"

func TestMain(m *testing.M) {
	if kind := os.Getenv(kindName); kind != "" {
		bePlugin(kind)
		return
	}
	if host := os.Getenv(hostName); host != "" {
		dir, step, _ := strings.Cut(host, ":")
		beHost(dir, step)
		return
	}
	remains.Main(m)
}

// rig is a Supervisor with real plugin processes and a list for a store.
type rig struct {
	t *testing.T
	*Supervisor
	conf  map[string]*config.Script
	procs []*Process // of a host that has gone

	mu       sync.Mutex
	events   []script.Event
	changed  chan struct{}
	fail     error // of Emit
	refuse   func([]script.Event) error
	refusals int
}

// patience bounds a test's wait for something that must come.
const patience = 30 * time.Second

func newRig(t *testing.T, options Options, scripts ...*config.Script) *rig {
	t.Helper()
	r := &rig{t: t, conf: map[string]*config.Script{}, changed: make(chan struct{})}
	if options.Dir == "" {
		options.Dir = t.TempDir()
	}
	options.Emit = r.emit
	r.Supervisor = New(options)
	r.binaries.dir = "" // a copy of this test for each test takes long
	for _, conf := range scripts {
		r.conf[conf.Name] = conf
		if err := r.Add(conf); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// testPlugin is the configuration of a script whose plugin is this binary.
func testPlugin(name, kind string) *config.Script {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return &config.Script{
		Name: name, Plugin: exe, Env: map[string]string{kindName: kind}, Directory: filepath.Dir(exe),
		Restart: config.Restart{Policy: config.RestartNever}, StopGrace: 5 * time.Second, Autostart: true,
		Range: hcl.Range{Filename: "main.hcl", Start: hcl.Pos{Line: 3, Column: 1}},
	}
}

// start runs the supervisor until the test ends, and tests then that nothing
// is left.
func (r *rig) start() {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	r.t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				r.t.Errorf("run: %v", err)
			}
		case <-time.After(patience):
			r.t.Fatal("Run does not return")
		}
		r.checkNothingLeft()
	})
}

func (r *rig) checkNothingLeft() {
	r.t.Helper()
	dirs, err := filepath.Glob(filepath.Join(r.options.Dir, "runs", "*"))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, dir := range dirs {
		if left, err := marked(filepath.Base(dir)); err != nil || len(left) > 0 {
			r.t.Errorf("processes left of %s: %v, %v", dir, left, err)
		}
		files, err := os.ReadDir(dir)
		if err != nil {
			r.t.Error(err)
		}
		for _, f := range files {
			if f.Name() == oldSocketDir || f.Name() == instanceFile || f.Type()&os.ModeSocket != 0 {
				r.t.Errorf("%s is left in %s", f.Name(), dir)
			}
		}
	}
}

func (r *rig) emit(_ context.Context, events ...script.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return r.fail
	}
	if r.refuse != nil {
		if err := r.refuse(events); err != nil {
			return err
		}
	}
	r.events = append(r.events, events...)
	close(r.changed)
	r.changed = make(chan struct{})
	return nil
}

// seen waits until what was emitted satisfies ok.
func (r *rig) seen(what string, ok func([]script.Event) bool) []script.Event {
	r.t.Helper()
	deadline := time.After(patience)
	for {
		r.mu.Lock()
		events, changed := r.events, r.changed
		r.mu.Unlock()
		if ok(events) {
			return events
		}
		select {
		case <-changed:
		case <-deadline:
			r.t.Fatalf("no %s; there was:\n%s", what, show(events))
		}
	}
}

// states lists a script's states in order.
func states(events []script.Event, name string) []script.StateChanged {
	var out []script.StateChanged
	for _, e := range events {
		if s, ok := e.Body.(script.StateChanged); ok && e.Script == name {
			out = append(out, s)
		}
	}
	return out
}

// state waits for the nth time (from 1) that the script is in the state.
func (r *rig) state(name string, want script.State, nth int) script.StateChanged {
	r.t.Helper()
	var found script.StateChanged
	r.seen(fmt.Sprintf("state %s of %s (%d)", want, name, nth), func(events []script.Event) bool {
		n := 0
		for _, s := range states(events, name) {
			if s.State == want {
				if n++; n == nth {
					found = s
					return true
				}
			}
		}
		return false
	})
	return found
}

// log waits for a line of output.
func (r *rig) log(name, text string) {
	r.t.Helper()
	r.seen(fmt.Sprintf("line %q of %s", text, name), func(events []script.Event) bool {
		for _, e := range events {
			if l, ok := e.Body.(script.LogLine); ok && e.Script == name && l.Text == text {
				return true
			}
		}
		return false
	})
}

func bodiesOf(r *rig, name string, state script.State) []script.StateChanged {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []script.StateChanged
	for _, s := range states(r.events, name) {
		if s.State == state {
			out = append(out, s)
		}
	}
	return out
}

func (r *rig) soon() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	r.t.Cleanup(cancel)
	return ctx
}

func (r *rig) process(name string) *Process {
	r.t.Helper()
	p, ok := r.Process(name)
	if !ok {
		r.t.Fatalf("%s has no process", name)
	}
	return p
}

func show(events []script.Event) string {
	var b strings.Builder
	for _, e := range events {
		fmt.Fprintf(&b, "  %s %s %s %+v\n", e.Script, e.Run, script.KindOf(e.Body), clip(fmt.Sprintf("%+v", e.Body), 200))
	}
	return b.String()
}

// wantError tests that an error says all of what is given.
func wantError(t *testing.T, err error, code script.Code, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if got := script.CodeOf(err); code != "" && got != code {
		t.Errorf("code %s, not %s: %v", got, code, err)
	}
	wantText(t, err.Error(), parts...)
}

func wantText(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q does not say %q", text, part)
		}
	}
}

var errTest = errors.New("the test says so")
