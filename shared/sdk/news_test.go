package sdk

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// sink is a link that takes everything and gives nothing.
type sink struct{ sent chan wire.Frame }

func (s sink) Send(f wire.Frame) error {
	s.sent <- f
	return nil
}

func (s sink) Recv() (wire.Frame, error) { return wire.Frame{}, context.Canceled }

func TestBroadcastsAreHandledInTheirOrderAndDropsAreCounted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	begun, goOn := make(chan struct{}), make(chan struct{})
	var got []string
	done := make(chan struct{})
	const all = maxNews + 1 // one is in hand while the others wait
	b := newSwitchboard(ctx, func(_ context.Context, m script.Message) (script.Value, error) {
		if len(got) == 0 {
			close(begun)
			<-goOn
		}
		got = append(got, m.ID)
		if len(got) == all {
			close(done)
		}
		return script.Null(), nil
	}, func(n uint64) {
		if n != 3 {
			t.Errorf("%d were dropped", n)
		}
	})
	l := &line{link: sink{make(chan wire.Frame, 10)}}
	var want []string
	for i := range all + 3 {
		id := fmt.Sprint(i)
		b.deliver(l, 1, wire.Deliver{ID: id, Kind: script.Broadcast})
		if i == 0 {
			<-begun
		}
		if i < all {
			want = append(want, id)
		}
	}
	close(goOn)
	<-done
	if !slices.Equal(got, want) {
		t.Errorf("handled %d broadcasts, not in order or not all", len(got))
	}
}

func TestMessagesBeyondTheLimitAreRefused(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b := newSwitchboard(ctx, func(ctx context.Context, _ script.Message) (script.Value, error) {
		<-ctx.Done()
		return script.Null(), ctx.Err()
	}, nil)
	link := sink{make(chan wire.Frame, deliveries+1)}
	l := &line{link: link}
	for i := range deliveries + 1 {
		b.deliver(l, 1, wire.Deliver{ID: fmt.Sprint(i), Kind: script.Ask})
	}
	refused, _ := (<-link.sent).Body.(wire.Reply)
	if refused.ID != fmt.Sprint(deliveries) || script.CodeOf(refused.Err) != script.CodeUnavailable {
		t.Errorf("got %+v", refused)
	}
	cancel()
	for range deliveries { // every handler ends
		<-link.sent
	}
}
