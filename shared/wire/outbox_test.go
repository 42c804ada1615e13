package wire

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	pb "github.com/mlhost/mlhost/shared/proto/mlhost/plugin/v1"
	"github.com/mlhost/mlhost/shared/script"
)

func call(id string) Frame { return Frame{Body: Call{ID: id, Data: script.Null()}} }

func TestOutboxWritesInOrderAndTogetherWhatGathered(t *testing.T) {
	writing, goOn := make(chan struct{}), make(chan struct{})
	var got []string
	writes := 0
	o := newOutbox(t.Context(), func(frames []*pb.Frame) error {
		if writes == 0 {
			close(writing)
			<-goOn
		}
		writes++
		for _, f := range frames {
			c, _ := frameFromProto(f).Body.(Call)
			got = append(got, c.ID)
		}
		return nil
	})
	var want []string
	for i := range 100 {
		id := fmt.Sprint(i)
		want = append(want, id)
		if err := o.send(call(id)); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			<-writing
		}
	}
	close(goOn)
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
	o := newOutbox(ctx, func([]*pb.Frame) error {
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
	o := newOutbox(t.Context(), func([]*pb.Frame) error { return nil })
	defer o.close()
	huge := Frame{Body: Call{ID: "huge", Data: script.String(strings.Repeat("x", MaxMessageSize))}}
	if err := o.send(huge); script.CodeOf(err) != script.CodeRejected {
		t.Errorf("got %v", err)
	}
	if err := o.send(call("next")); err != nil {
		t.Errorf("the next one: %v", err)
	}
}
