package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/mlhost/mlhost/shared/script"
)

// framesOf reads a message of the stream.
func framesOf(t *testing.T, message []byte) (frames []Frame) {
	t.Helper()
	in, read := inbox{}, false
	for {
		f, err := in.next(new(outbox), func() ([]byte, error) {
			if read {
				return nil, io.EOF
			}
			read = true
			return message, nil
		})
		if errors.Is(err, io.EOF) {
			return frames
		}
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, f)
	}
}

func call(id string) Frame { return Frame{Body: Call{ID: id, Data: script.Null()}} }

func TestOutboxWritesInOrderAndTogetherWhatGathered(t *testing.T) {
	writing, goOn, first := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	var got []string
	writes := 0
	o := newOutbox(t.Context(), func(message []byte) error {
		if writes == 0 {
			close(writing)
			<-goOn
		}
		writes++
		for _, f := range framesOf(t, message) {
			c, _ := f.Body.(Call)
			got = append(got, c.ID)
		}
		return nil
	})
	var want []string
	for i := range 100 {
		id := fmt.Sprint(i)
		want = append(want, id)
		if i == 0 { // it is written by who sends it
			go func() { first <- o.send(call(id)) }()
			<-writing
			continue
		}
		if err := o.send(call(id)); err != nil {
			t.Fatal(err)
		}
	}
	close(goOn)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	o.close()
	if !slices.Equal(got, want) || writes != 2 {
		t.Errorf("%d writes of %v", writes, got)
	}
	if err := o.send(call("late")); script.CodeOf(err) != script.CodeUnavailable {
		t.Errorf("after close: %v", err)
	}
}

func TestOutboxOfAPeerThatDoesNotReadIsBounded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := newOutbox(ctx, func([]byte) error {
		<-ctx.Done()
		return ctx.Err()
	})
	big := Frame{Body: Call{ID: "big", Data: script.String(strings.Repeat("x", 1<<20))}}
	var err error
	for sent := 0; err == nil; sent++ {
		if sent > 2*maxOutbox>>20 {
			t.Fatal("there is no bound")
		}
		err = o.send(big)
	}
	if script.CodeOf(err) != script.CodeUnavailable || !strings.Contains(err.Error(), "does not read") {
		t.Errorf("full: %v", err)
	}
	cancel()
	<-o.done
	if err := o.send(call("late")); !errors.Is(err, context.Canceled) && script.CodeOf(err) == "" {
		t.Errorf("after the end: %v", err)
	}
}

func TestOutboxRefusesAFrameThatIsTooLarge(t *testing.T) {
	o := newOutbox(t.Context(), func([]byte) error { return nil })
	defer o.close()
	huge := Frame{Body: Call{ID: "huge", Data: script.String(strings.Repeat("x", MaxMessageSize))}}
	if err := o.send(huge); script.CodeOf(err) != script.CodeRejected {
		t.Errorf("got %v", err)
	}
	if err := o.send(call("next")); err != nil {
		t.Errorf("the next one: %v", err)
	}
}

// A sender writes by itself only as much as gRPC takes in at once: it never
// waits for a peer that does not read.
func TestSendersDoNotWaitForAPeerThatDoesNotRead(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	written, blocked := 0, make(chan struct{})
	o := newOutbox(ctx, func(message []byte) error {
		written += len(message)
		if written > maxAhead {
			close(blocked)
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	})
	kb := Frame{Body: Call{ID: "kb", Data: script.String(strings.Repeat("x", 1000))}}
	for range 100 {
		if err := o.send(kb); err != nil { // would block
			t.Fatal(err)
		}
	}
	<-blocked
	cancel()
	<-o.done
}

func TestPostWaitsForRoom(t *testing.T) {
	goOn := make(chan struct{})
	o := newOutbox(t.Context(), func([]byte) error { <-goOn; return nil })
	big := Frame{Body: Call{ID: "big", Data: script.String(strings.Repeat("x", 1<<19))}}
	posted := make(chan error, 1)
	go func() {
		var err error
		for i := 0; i < 8 && err == nil; i++ {
			err = o.post(t.Context(), big)
		}
		posted <- err
	}()
	for range 10 { // it would be over by then if it did not wait
		runtime.Gosched()
	}
	select {
	case err := <-posted:
		t.Fatalf("it did not wait: %v", err)
	default:
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for o.post(ended, big) == nil { // until the queue is full
		runtime.Gosched()
	}
	close(goOn)
	if err := <-posted; err != nil {
		t.Fatal(err)
	}
	o.close()
}
