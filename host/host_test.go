package host

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mlhost/mlhost/internal/left"

	"github.com/mlhost/mlhost/host/api"
	"github.com/mlhost/mlhost/host/bus"
	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/host/router"
	"github.com/mlhost/mlhost/internal/testkit"
	"github.com/mlhost/mlhost/shared/script"
)

func TestMain(m *testing.M) {
	for _, name := range []string{config.ListenEnv, config.ConnectorListenEnv} {
		if err := os.Setenv(name, ""); err != nil { // tests that want ports name them
			panic(err)
		}
	}
	left.Main(m, func() error {
		if binaryDir == "" {
			return nil
		}
		return os.RemoveAll(binaryDir)
	})
}

// binaryDir is where binary has built the program, "" if it has not.
var binaryDir string

// binary builds the real program once; it serves the wrappers.
var binary = sync.OnceValues(func() (string, error) {
	var err error
	if binaryDir, err = os.MkdirTemp("", "mlhost-test"); err != nil {
		return "", err
	}
	path := filepath.Join(binaryDir, "mlhost")
	out, err := exec.Command("go", "build", "-o", path, "github.com/mlhost/mlhost/cmd/mlhost").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build mlhost: %w\n%s", err, out)
	}
	return path, nil
})

// running is a host that runs in this process, with real scripts.
type running struct {
	*Host
	dir  string // of the configuration
	news *bus.Subscription
	done chan error
}

func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t testing.TB, dir, text string) *config.Config {
	t.Helper()
	c, diags := config.Load(write(t, dir, "config.hcl", text), config.Options{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	c.Host.Name = "test"
	return c
}

// run opens a host on the state directory and runs it until the test ends.
func run(t testing.TB, state, dir, text string) *running {
	t.Helper()
	exe, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	h, err := Open(Options{StateDir: state, Config: load(t, dir, text), Executable: exe, StayUp: true})
	if err != nil {
		t.Fatal(err)
	}
	r := &running{Host: h, dir: dir, news: h.Bus().Subscribe(bus.Filter{}, 10_000), done: make(chan error, 1)}
	go func() {
		_, err := h.Run(context.Background())
		r.done <- err
	}()
	t.Cleanup(func() { r.end(t) })
	<-h.Ready()
	return r
}

// end stops the host; a second call does nothing.
func (r *running) end(t testing.TB) {
	t.Helper()
	if r.done == nil {
		return
	}
	r.Hurry()
	r.Down()
	if err := <-r.done; err != nil {
		t.Error(err)
	}
	r.done = nil
	r.news.Close()
}

// await blocks until an event of the script comes for which ok is true.
func (r *running) await(t testing.TB, name string, ok func(script.Body) bool) {
	t.Helper()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	for {
		select {
		case item := <-r.news.C:
			if item.Script == name && item.Body != nil && ok(item.Body) {
				return
			}
		case <-deadline.C:
			for _, s := range r.Scripts() {
				t.Logf("%s is %s: %s", s.Name, s.State, s.Reason)
			}
			t.Fatalf("%s: what was waited for has not happened", name)
		}
	}
}

func (r *running) awaitState(t testing.TB, name string, state script.State) {
	t.Helper()
	r.await(t, name, func(b script.Body) bool {
		s, ok := b.(script.StateChanged)
		return ok && s.State == state
	})
}

func (r *running) set(name string, values map[string]script.Value) (script.Reply, error) {
	id := router.NewID()
	return r.Send(context.Background(), script.Message{
		ID: id, Kind: script.SetParameter, Source: "user:me", Target: name, Time: time.Now(),
		Batch: &script.Batch{ID: id, Values: values, Author: "user:me"},
	})
}

const trainer = `
import mlhost
lr = mlhost.param("lr", 0.5, min=0, max=1)
epochs = mlhost.param("epochs", 3, min=1)

@mlhost.answers("double")
def double(data):
    return 2 * data

@mlhost.answers("lower")
def lower(data):
    lr.value = data

mlhost.log(ready=1)
for step in mlhost.loop(10**9):
    pass
`

func TestASetIsAppliedByTheScriptAndRecorded(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "trainer.py", trainer)
	r := run(t, testkit.ShortDir(t), dir, `
script "trainer" {
  source     = "trainer.py"
  parameters = { lr = 0.25 }
}
`)
	r.await(t, "trainer", func(b script.Body) bool { _, ok := b.(script.Samples); return ok })
	reply, err := r.set("trainer", map[string]script.Value{"lr": script.Float(0.125), "epochs": script.Int(7)})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range reply.Batch.Outcomes {
		if o.Status != script.Applied {
			t.Errorf("%s: %+v", o.Name, o)
		}
	}
	before := reply.Batch.Revision
	_, err = r.set("trainer", map[string]script.Value{"lr": script.Float(2), "epochs": script.Int(9)})
	if script.CodeOf(err) != script.CodeRejected || !strings.Contains(err.Error(), "above the maximum") {
		t.Errorf("out of range: %v", err)
	}
	s, _ := r.registry.Script("trainer")
	if p, _ := s.Parameter("epochs"); !p.Value.Equal(script.Int(7)) || s.Revision != before {
		t.Errorf("a refused set changed epochs to %s, revision %d to %d", p.Value, before, s.Revision)
	}
	reply, err = r.Send(t.Context(), script.Message{
		ID: "q", Kind: script.Ask, Source: "user:me", Target: "trainer", Topic: "lower", Data: script.Float(0.0625),
	})
	if err != nil {
		t.Fatal(reply, err)
	}
	r.await(t, "trainer", func(b script.Body) bool {
		c, ok := b.(script.ParametersChanged)
		return ok && c.Author == "script:trainer"
	})
	changes, err := r.store.Changes(t.Context(), s.Run)
	if err != nil {
		t.Fatal(err)
	}
	var trace []string
	for _, c := range changes {
		trace = append(trace, fmt.Sprintf("%d %s: %s to %s by %s, %s", c.Revision-before, c.Name, c.Old, c.New, c.Author, c.Status))
	}
	want := []string{
		"0 epochs: 3 to 7 by user:me, applied", "0 lr: 0.25 to 0.125 by user:me, applied",
		"1 lr: 0.125 to 0.0625 by script:trainer, applied",
	}
	if diff := cmp.Diff(want, trace); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestASetWaitsForAScriptThatHasJustBeenStarted(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "trainer.py", trainer)
	r := run(t, testkit.ShortDir(t), dir, `
script "trainer" { source = "trainer.py" }
`)
	r.awaitState(t, "trainer", script.Starting)
	reply, err := r.set("trainer", map[string]script.Value{"lr": script.Float(0.125)})
	if err != nil || reply.Batch.Outcomes[0].Status != script.Applied {
		t.Fatalf("%+v, %v", reply.Batch, err)
	}
}

func TestASetOfAScriptThatDoesNotRunIsKept(t *testing.T) {
	dir, state := t.TempDir(), testkit.ShortDir(t)
	write(t, dir, "trainer.py", trainer)
	const text = `
script "trainer" {
  source     = "trainer.py"
  parameters = { lr = 0.25 }
  autostart  = false
}
`
	r := run(t, state, dir, text)
	reply, err := r.set("trainer", map[string]script.Value{"lr": script.Float(0.125)})
	if err != nil || reply.Batch.Outcomes[0].Status != script.NeedsRestart {
		t.Fatalf("%+v, %v", reply.Batch, err)
	}
	if _, err := r.Do(t.Context(), api.Command{Verb: api.Start, Script: "trainer"}); err != nil {
		t.Fatal(err)
	}
	r.await(t, "trainer", func(b script.Body) bool { _, ok := b.(script.Samples); return ok })
	s, _ := r.registry.Script("trainer")
	if p, _ := s.Parameter("lr"); !p.Value.Equal(script.Float(0.125)) {
		t.Errorf("lr is %s in the run", p.Value)
	}
}

func TestMailSurvivesTheHost(t *testing.T) {
	dir, state := t.TempDir(), testkit.ShortDir(t)
	write(t, dir, "trainer.py", trainer)
	const text = `
script "trainer" {
  source    = "trainer.py"
  autostart = false
}
`
	r := run(t, state, dir, text)
	_, err := r.Send(t.Context(), script.Message{
		ID: "letter", Kind: script.Tell, Source: "user:me", Target: "trainer", Topic: "lower", Data: script.Float(0.5),
	})
	if err != nil {
		t.Fatal(err)
	}
	r.end(t)
	r = run(t, state, dir, text)
	mail, err := r.store.Mail(t.Context(), "trainer", 10)
	if err != nil || len(mail) != 1 || mail[0].ID != "letter" {
		t.Fatalf("%v, %v", mail, err)
	}
}

func TestRoutesOwnWhatTheyMove(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "trainer.py", trainer)
	r := run(t, testkit.ShortDir(t), dir, `
script "trainer" { source = "trainer.py" }
route "r" {
  from  = script.trainer.variable.loss
  to    = script.trainer.parameter.lr
  when  = from > 5
  value = to * 0.5
}
`)
	r.await(t, "trainer", func(b script.Body) bool { _, ok := b.(script.Samples); return ok })
	_, err := r.set("trainer", map[string]script.Value{"lr": script.Float(0.125)})
	if !strings.Contains(fmt.Sprint(err), "route:r") {
		t.Fatalf("a person set it: %v", err)
	}
	id := router.NewID()
	_, err = r.Send(t.Context(), script.Message{
		ID: id, Kind: script.SetParameter, Source: "user:me", Target: "trainer",
		Batch: &script.Batch{Values: map[string]script.Value{"lr": script.Float(0.125)}, Author: "user:me", Take: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	owner := func() string {
		s, _ := r.registry.Script("trainer")
		p, _ := s.Parameter("lr")
		return p.Owner
	}
	if owner() != "user:me" {
		t.Errorf("after taking it the owner is %q", owner())
	}
	if _, err := r.Do(t.Context(), api.Command{Verb: api.Release, Script: "trainer", Parameter: "lr"}); err != nil {
		t.Fatal(err)
	}
	if owner() != "route:r" {
		t.Errorf("after releasing it the owner is %q", owner())
	}
}

func TestReleaseOfWhatNoRouteMoves(t *testing.T) {
	dir, state := t.TempDir(), testkit.ShortDir(t)
	write(t, dir, "trainer.py", trainer)
	r := run(t, state, dir, "script \"trainer\" { source = \"trainer.py\" }\n")
	r.await(t, "trainer", func(b script.Body) bool { _, ok := b.(script.Samples); return ok })
	_, err := r.Send(t.Context(), script.Message{
		ID: router.NewID(), Kind: script.SetParameter, Source: "user:me", Target: "trainer",
		Batch: &script.Batch{Values: map[string]script.Value{"lr": script.Float(0.125)}, Author: "user:me", Take: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Do(t.Context(), api.Command{Verb: api.Release, Script: "trainer", Parameter: "lr"}); err != nil {
		t.Fatal(err)
	}
	s, _ := r.registry.Script("trainer")
	if p, _ := s.Parameter("lr"); p.Owner != "" || !p.Value.Equal(script.Float(0.125)) {
		t.Errorf("after releasing it the owner is %q, the value %s: nothing lies over it that could be taken off", p.Owner, p.Value)
	}
	_, err = r.Do(t.Context(), api.Command{Verb: api.Release, Script: "trainer", Parameter: "rl"})
	if script.CodeOf(err) != script.CodeNotFound {
		t.Errorf("release of a parameter that is not there: %v", err)
	}
}

func TestASecondHostIsRefused(t *testing.T) {
	dir, state := t.TempDir(), testkit.ShortDir(t)
	r := run(t, state, dir, "")
	_, err := Open(Options{StateDir: state, Config: r.config.Load()})
	if script.CodeOf(err) != script.CodeHostRunning || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Fatalf("got %v", err)
	}
	if pid, err := LockHolder(r.Host.dir); err != nil || pid != os.Getpid() {
		t.Errorf("the lock's holder is %d, %v", pid, err)
	}
	r.end(t)
	if pid, err := LockHolder(r.Host.dir); err != nil || pid != 0 {
		t.Errorf("after the end the lock's holder is %d, %v", pid, err)
	}
}

func TestAStateDirectoryThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "file", "")
	_, err := Open(Options{StateDir: file, Config: load(t, dir, "")})
	if script.CodeOf(err) != script.CodeIO || !strings.Contains(err.Error(), "--state") {
		t.Errorf("a file: %v", err)
	}
	deep := filepath.Join(testkit.ShortDir(t), strings.Repeat("d", 100))
	_, err = Open(Options{StateDir: deep, Config: load(t, dir, "")})
	if script.CodeOf(err) != script.CodeIO || !strings.Contains(err.Error(), "107") {
		t.Errorf("a long path: %v", err)
	}
}

func TestAnAskWaitsForAScriptThatHasJustBeenStarted(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "trainer.py", trainer)
	r := run(t, testkit.ShortDir(t), dir, `
script "trainer" { source = "trainer.py" }
`)
	r.awaitState(t, "trainer", script.Starting)
	reply, err := r.Send(t.Context(), script.Message{
		ID: "q", Kind: script.Ask, Source: "user:me", Target: "trainer", Topic: "double", Data: script.Int(21),
		Deadline: time.Now().Add(20 * time.Second),
	})
	if err != nil || !reply.Value.Equal(script.Int(42)) {
		t.Fatalf("%v, %v", reply.Value, err)
	}
}

func TestAHostWhosePartFailsEndsAndSaysWhy(t *testing.T) {
	h, err := Open(Options{StateDir: testkit.ShortDir(t), Config: load(t, t.TempDir(), ""), StayUp: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.listener.Close(); err != nil { // the API cannot be served
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := h.Run(context.Background())
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil {
			t.Error("it ended well")
		}
	case <-time.After(20 * time.Second):
		h.Down()
		<-done
		t.Error("it ran on")
	}
}
