package supervisor

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk"
	"github.com/mlhost/mlhost/shared/wire"
)

// turns is a plugin that can be handed over. What it does stands behind its
// executable.
type turns struct{}

func beTurns() {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	data, err := os.ReadFile(exe)
	if err != nil {
		panic(err)
	}
	if bytes.HasSuffix(data, []byte("#hang")) {
		time.Sleep(time.Hour)
	}
	sdk.Serve(turns{})
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

func (turns) Checkpoint(context.Context) ([]byte, error) { return []byte("x"), nil }
func (turns) Restore(context.Context, []byte) error      { return nil }

// A new binary that hangs is given up, and the old one has never stopped.
func TestReloadHangs(t *testing.T) {
	conf := testPlugin("trainer", "turns")
	original, err := os.ReadFile(conf.Plugin)
	if err != nil {
		t.Fatal(err)
	}
	conf.Plugin = filepath.Join(t.TempDir(), "plugin")
	put := func(tail string) {
		t.Helper()
		if err := os.WriteFile(conf.Plugin+".new", append(bytes.Clone(original), tail...), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(conf.Plugin+".new", conf.Plugin); err != nil {
			t.Fatal(err)
		}
	}
	put("#1")
	r := newRig(t, Options{StartTimeout: 3 * time.Second}, conf)
	r.binaries.dir = filepath.Join(r.options.Dir, "plugins")
	r.start()
	r.state("trainer", script.Running, 1)
	before := r.process("trainer")
	put("#hang")
	_, err = r.Reload(r.soon(), "trainer", ReloadOptions{})
	wantError(t, err, script.CodeRejected, "is not used", "did not shake hands in time")
	if now := r.process("trainer"); now != before {
		t.Error("another process")
	}
	put("#2")
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
