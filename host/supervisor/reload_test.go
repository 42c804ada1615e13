package supervisor

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk"
	"github.com/mlhost/mlhost/shared/wire"
)

// turns is a plugin that can be handed over. What it does stands behind its
// executable.
type turns struct{ does string }

func beTurns() {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	data, err := os.ReadFile(exe)
	if err != nil {
		panic(err)
	}
	tail := string(data[max(0, len(data)-100):])
	t := turns{does: tail[strings.LastIndex(tail, "#")+1:]}
	if t.does == "hang" {
		time.Sleep(time.Hour)
	}
	sdk.Serve(t)
}

func (turns) Describe() script.Description {
	return script.Description{Name: "turns", MayOverlap: true}
}

func (turns) Run(ctx context.Context, s *sdk.Session) error {
	for {
		s.Set("n", 1)
		if err := s.Step(ctx); err != nil {
			return err
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-s.Due():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (t turns) Checkpoint(context.Context) ([]byte, error) {
	if t.does == "hang at checkpoint" {
		time.Sleep(time.Hour)
	}
	return []byte("x"), nil
}

func (t turns) Restore(context.Context, []byte) error {
	if t.does == "hang at restore" {
		time.Sleep(time.Hour)
	}
	return nil
}

// turning is a rig with a plugin whose binary is replaced.
type turning struct {
	*rig
	path     string
	original []byte
}

func newTurning(t *testing.T, first string) *turning {
	t.Helper()
	conf := testPlugin("trainer", "turns")
	original, err := os.ReadFile(conf.Plugin)
	if err != nil {
		t.Fatal(err)
	}
	conf.Plugin = filepath.Join(t.TempDir(), "plugin")
	w := &turning{path: conf.Plugin, original: original}
	w.rig = newRig(t, Options{StartTimeout: 3 * time.Second}, conf)
	w.binaries.dir = filepath.Join(w.options.Dir, "plugins")
	w.put(first)
	return w
}

// put builds a plugin that does what it is told.
func (w *turning) put(does string) {
	w.t.Helper()
	if err := os.WriteFile(w.path+".new", append(bytes.Clone(w.original), "#"+does...), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Rename(w.path+".new", w.path); err != nil {
		w.t.Fatal(err)
	}
}

// refuses tests that what is there now is not used, and that the run goes on.
func (w *turning) refuses(parts ...string) {
	w.t.Helper()
	before := w.process("trainer")
	samples := func(events []script.Event) int { return len(bodies[script.Samples](events, "trainer")) }
	_, err := w.Reload(w.soon(), "trainer", ReloadOptions{})
	wantError(w.t, err, script.CodeRejected, parts...)
	if now := w.process("trainer"); now != before {
		w.t.Error("another process")
	}
	had := samples(w.said())
	w.seen("more samples", func(events []script.Event) bool { return samples(events) > had })
}

// A new binary that hangs is given up, and the old one has never stopped.
func TestReloadHangs(t *testing.T) {
	r := newTurning(t, "1")
	r.start()
	r.state("trainer", script.Running, 1)
	before := r.process("trainer")
	r.put("hang")
	r.refuses("is not used", "did not shake hands in time")
	r.put("hang at restore")
	r.refuses("is not used", "it did not restore the state", "in time")
	r.put("2")
	if how, err := r.Reload(r.soon(), "trainer", ReloadOptions{}); err != nil || how != HandedOver && how != Unchanged {
		t.Errorf("%s, %v", how, err)
	}
	now := r.process("trainer")
	if now.Run() != before.Run() || now.PID() == before.PID() {
		t.Errorf("run %s of process %d, after %s of %d", now.Run(), now.PID(), before.Run(), before.PID())
	}
	r.seen("the new binary", func(events []script.Event) bool {
		return len(bodies[script.BinaryChanged](events, "trainer")) == 1
	})
	if err := r.Stop(r.soon(), "trainer"); err != nil {
		t.Error(err)
	}
}

// A checkpoint that does not come is not waited for, and its script goes on.
func TestCheckpointHangs(t *testing.T) {
	r := newTurning(t, "hang at checkpoint")
	r.start()
	r.state("trainer", script.Running, 1)
	r.put("2")
	r.refuses("the one that runs made no checkpoint")
	if err := r.Stop(r.soon(), "trainer"); err != nil {
		t.Error(err)
	}
}

// A plugin that somebody still writes to cannot be executed; a start waits a
// moment for that.
func TestBusyBinary(t *testing.T) {
	conf := testPlugin("trainer", "turns")
	original, err := os.ReadFile(conf.Plugin)
	if err != nil {
		t.Fatal(err)
	}
	conf.Plugin = filepath.Join(t.TempDir(), "plugin")
	if err := os.WriteFile(conf.Plugin, original, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(conf.Plugin, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := exec.Command(conf.Plugin).Start(); !errors.Is(err, syscall.ETXTBSY) {
		t.Fatalf("it is not busy: %v", err)
	}
	tried := make(chan struct{})
	go func() {
		<-tried
		_ = f.Close()
	}()
	times := 0
	cmd, err := startRetrying(t.Context(), func() *exec.Cmd {
		if times++; times == 2 {
			close(tried)
		}
		return exec.Command(conf.Plugin, "-test.run=^$")
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if times < 2 {
		t.Errorf("%d tries", times)
	}
}

// pipe is a wire.Link whose other end is the test.
type pipe struct {
	sent chan wire.Frame
	come chan wire.Frame
	ctx  context.Context
}

func newPipe() (*pipe, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	return &pipe{sent: make(chan wire.Frame, 16), come: make(chan wire.Frame, 16), ctx: ctx}, cancel
}

func (p *pipe) Send(f wire.Frame) error { p.sent <- f; return nil }

func (p *pipe) Recv() (wire.Frame, error) {
	select {
	case f := <-p.come:
		return f, nil
	case <-p.ctx.Done():
		return wire.Frame{}, io.EOF
	}
}

// Messages that come during a hand-over go to the new process, in order, and
// nothing of the old one's calls does.
func TestLineHolds(t *testing.T) {
	l := newLine()
	old, endOld := newPipe()
	l.attach(old, endOld, 1)
	var reading sync.WaitGroup
	frames := make(chan wire.Frame, 16)
	reading.Go(func() {
		for f, err := l.Recv(); err == nil; f, err = l.Recv() {
			frames <- f
		}
	})
	deliver := func(id string) {
		t.Helper()
		if err := l.Send(wire.Frame{Body: wire.Deliver{ID: id, Kind: script.Ask, Timeout: time.Minute}}); err != nil {
			t.Fatal(err)
		}
	}
	deliver("1")
	<-old.sent
	l.hold()
	deliver("2")
	deliver("3")
	old.come <- wire.Frame{Body: wire.Call{ID: "c1"}}
	if call := (<-frames).Body.(wire.Call); call.ID != "c1" {
		t.Errorf("call %s", call.ID)
	}
	old.come <- wire.Frame{Body: wire.Reply{ID: "1"}}
	<-frames
	if err := l.drained(t.Context()); err != nil {
		t.Fatal(err)
	}
	next, endNext := newPipe()
	l.attach(next, endNext, 2)
	if err := l.Send(wire.Frame{Body: wire.Reply{ID: "c1"}}); err != nil { // of the old one
		t.Error(err)
	}
	l.release()
	for _, want := range []string{"2", "3"} {
		if f := <-next.sent; f.Body.(wire.Deliver).ID != want || f.Epoch != 2 {
			t.Errorf("%+v, not %s", f, want)
		}
	}
	next.come <- wire.Frame{Epoch: 1, Body: wire.Call{ID: "late"}}
	next.come <- wire.Frame{Body: wire.Call{ID: "c1"}}
	call := (<-frames).Body.(wire.Call)
	if !strings.HasSuffix(call.ID, "/c1") {
		t.Errorf("call %s", call.ID)
	}
	if err := l.Send(wire.Frame{Body: wire.Reply{ID: call.ID}}); err != nil {
		t.Error(err)
	}
	if reply := (<-next.sent).Body.(wire.Reply); reply.ID != "c1" {
		t.Errorf("reply %s", reply.ID)
	}
	l.close()
	reading.Wait()
}
