package wire_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// server is a wire.Server of funcs; the embedded nil one panics for the rest.
type server struct {
	wire.Server
	describe   func() (script.Description, error)
	start      func(wire.StartRequest) error
	set        func(script.Batch) (script.BatchReply, error)
	checkpoint func() (wire.Checkpoint, error)
	restore    func(wire.Checkpoint) error
	events     func(ctx context.Context, after uint64, send func([]script.Event) error) error
	link       func(ctx context.Context, link wire.Link) error
	pause      func(ctx context.Context) error
}

func (s *server) Describe(context.Context) (script.Description, error) { return s.describe() }
func (s *server) Start(_ context.Context, r wire.StartRequest) error   { return s.start(r) }
func (s *server) Pause(ctx context.Context) error                      { return s.pause(ctx) }
func (s *server) Checkpoint(context.Context) (wire.Checkpoint, error)  { return s.checkpoint() }
func (s *server) Restore(_ context.Context, c wire.Checkpoint) error   { return s.restore(c) }
func (s *server) Link(ctx context.Context, l wire.Link) error          { return s.link(ctx, l) }
func (s *server) Stop(context.Context, time.Duration, string) error    { return nil }
func (s *server) Resume(context.Context) error                         { panic("resume is broken") }
func (s *server) Identify(context.Context) (wire.Identity, error)      { panic(errors.New("who am I")) }
func (s *server) SetParameters(_ context.Context, b script.Batch) (script.BatchReply, error) {
	return s.set(b)
}

func (s *server) Events(ctx context.Context, after uint64, send func([]script.Event) error) error {
	return s.events(ctx, after, send)
}

func connect(t *testing.T, s *server) *wire.Client {
	t.Helper()
	gs := wire.NewGRPCServer(nil)
	wire.Register(gs, s)
	return wire.NewClient(dial(t, gs))
}

func large(n int) script.Value { return script.String(strings.Repeat("x", n)) }

// go-plugin's own server refuses messages over 4 MiB.
func TestLargeMessagesBothWays(t *testing.T) {
	c := connect(t, &server{set: func(b script.Batch) (script.BatchReply, error) {
		return script.BatchReply{Outcomes: []script.Outcome{{Name: "x", Value: b.Values["x"]}}}, nil
	}})
	big := large(30 << 20)
	reply, err := c.SetParameters(t.Context(), script.Batch{Values: map[string]script.Value{"x": big}})
	if err != nil {
		t.Fatal(err)
	}
	if !reply.Outcomes[0].Value.Equal(big) {
		t.Error("30 MiB came back as something else")
	}
	_, err = c.SetParameters(t.Context(), script.Batch{Values: map[string]script.Value{"x": large(65 << 20)}})
	if script.CodeOf(err) != script.CodeRejected {
		t.Errorf("65 MiB give %v", err)
	}
}

func TestErrorsKeepTheirCodes(t *testing.T) {
	long := strings.Repeat("long ", 10_000)
	tests := []struct {
		err  error
		want *script.Error
	}{
		{script.Errorf(script.CodeNotFound, "no %s", "x").WithHint("try y"), &script.Error{Code: script.CodeNotFound, Message: "no x", Hint: "try y"}},
		{&script.Error{Code: script.CodeConfigInvalid, Message: "m", At: "a.hcl:1,2"}, &script.Error{Code: script.CodeConfigInvalid, Message: "m", At: "a.hcl:1,2"}},
		{fmt.Errorf("set: %w", script.Errorf(script.CodeConflict, "other")), &script.Error{Code: script.CodeConflict, Message: "other"}},
		{errors.New("plain"), &script.Error{Code: script.CodeInternal, Message: "plain"}},
		{context.DeadlineExceeded, &script.Error{Code: script.CodeDeadline, Message: "context deadline exceeded"}},
		{script.Errorf("made_up", "a newer one's"), &script.Error{Code: "made_up", Message: "a newer one's"}},
		{script.Errorf(script.CodeIO, "bad \xff text"), &script.Error{Code: script.CodeIO, Message: "bad \uFFFD text"}},
		{errors.New(long), &script.Error{Code: script.CodeInternal, Message: long[:8<<10] + "…"}},
	}
	for _, test := range tests {
		c := connect(t, &server{describe: func() (script.Description, error) { return script.Description{}, test.err }})
		_, err := c.Describe(t.Context())
		if diff := cmp.Diff(test.want, script.AsError(err)); diff != "" {
			t.Errorf("%.60v (-want +got):\n%s", test.err, diff)
		}
	}
}

func TestStartOutcomes(t *testing.T) {
	for _, want := range []*script.Error{
		nil, script.Errorf(script.CodeUnavailable, "GPU busy"), script.Errorf(script.CodeRejected, "lr too large").WithHint("lower it"),
	} {
		c := connect(t, &server{start: func(wire.StartRequest) error {
			if want == nil {
				return nil
			}
			return want
		}})
		err := c.Start(t.Context(), wire.StartRequest{Run: "r"})
		if diff := cmp.Diff(want, script.AsError(err)); diff != "" {
			t.Errorf("start (-want +got):\n%s", diff)
		}
	}
}

func TestPanicsAreErrors(t *testing.T) {
	c := connect(t, &server{})
	if err := c.Resume(t.Context()); script.CodeOf(err) != script.CodeInternal || !strings.Contains(err.Error(), "resume is broken") {
		t.Errorf("resume gives %v", err)
	}
	if _, err := c.Identify(t.Context()); script.CodeOf(err) != script.CodeInternal || !strings.Contains(err.Error(), "who am I") {
		t.Errorf("identify gives %v", err)
	}
}

func TestDeadlineAndCancel(t *testing.T) {
	called := make(chan struct{}, 2)
	c := connect(t, &server{pause: func(ctx context.Context) error {
		called <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := c.Pause(ctx); script.CodeOf(err) != script.CodeDeadline {
		t.Errorf("a passed deadline gives %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	go func() {
		<-called
		cancel()
	}()
	if err := c.Pause(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled call gives %v", err)
	}
}

func TestCheckpointsInPieces(t *testing.T) {
	for _, size := range []int{0, 1, 1 << 20, 1<<20 + 1, 5 << 20} {
		want := wire.Checkpoint{Schema: "s", Version: 3, Data: []byte(strings.Repeat("ab", size/2+1)[:size])}
		var got wire.Checkpoint
		c := connect(t, &server{
			checkpoint: func() (wire.Checkpoint, error) { return want, nil },
			restore:    func(c wire.Checkpoint) error { got = c; return nil },
		})
		made, err := c.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Restore(t.Context(), made); err != nil {
			t.Fatal(err)
		}
		if string(got.Data) != string(want.Data) || got.Schema != "s" || got.Version != 3 {
			t.Errorf("a checkpoint of %d bytes came back as %d", size, len(got.Data))
		}
	}
	c := connect(t, &server{restore: func(wire.Checkpoint) error { return script.Errorf(script.CodeConflict, "too late") }})
	if err := c.Restore(t.Context(), wire.Checkpoint{Data: make([]byte, 5<<20)}); script.CodeOf(err) != script.CodeConflict {
		t.Errorf("a refused restore gives %v", err)
	}
}

func TestEventsStream(t *testing.T) {
	c := connect(t, &server{events: func(ctx context.Context, after uint64, send func([]script.Event) error) error {
		for seq := after + 1; seq <= 1000; seq++ {
			if err := send([]script.Event{{Seq: seq, Body: script.Stepped{Step: int64(seq)}}}); err != nil {
				return err
			}
		}
		if after == 999 {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}})
	next := uint64(501)
	err := c.Events(t.Context(), 500, func(events []script.Event) error {
		for _, e := range events {
			if e.Seq != next {
				return fmt.Errorf("event %d where %d is due", e.Seq, next)
			}
			next++
		}
		return nil
	})
	if err != nil || next != 1001 {
		t.Errorf("the stream ended with %v at %d", err, next)
	}
	enough := errors.New("enough")
	if err := c.Events(t.Context(), 0, func([]script.Event) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("the stream ended with %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = c.Events(ctx, 999, func([]script.Event) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the stream ended with %v", err)
	}
}

// echo answers every message with its data, up to one of topic "end".
func echo(_ context.Context, l wire.Link) error {
	for {
		f, err := l.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		d, _ := f.Body.(wire.Deliver)
		if d.Topic == "end" {
			return nil
		}
		if err := l.Send(wire.Frame{Epoch: f.Epoch, Body: wire.Reply{ID: d.ID, Value: d.Data}}); err != nil {
			return err
		}
	}
}

func TestLinkBothWays(t *testing.T) {
	c := connect(t, &server{link: echo})
	l, err := c.Link(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	big := large(20 << 20)
	for i, v := range []script.Value{script.Int(1), big} {
		id := fmt.Sprint(i)
		if err := l.Send(wire.Frame{Epoch: 9, Body: wire.Deliver{ID: id, Data: v}}); err != nil {
			t.Fatal(err)
		}
		f, err := l.Recv()
		if err != nil {
			t.Fatal(err)
		}
		r, ok := f.Body.(wire.Reply)
		if !ok || f.Epoch != 9 || r.ID != id || !r.Value.Equal(v) {
			t.Errorf("the answer is epoch %d, %T, id %q", f.Epoch, f.Body, r.ID)
		}
	}
	if err := l.Send(wire.Frame{Body: wire.Deliver{Topic: "end"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("the end of the link is %v", err)
	}
}
