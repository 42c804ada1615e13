package router

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/mlhost/mlhost/shared/script"
)

func TestOutcomesThatAreAlikeAreCounted(t *testing.T) {
	var got []script.Event
	o := newOutcomes(func(_ context.Context, events ...script.Event) error {
		got = append(got, events...)
		return errors.New("is logged")
	}, slog.New(slog.DiscardHandler))
	for i := range 10 {
		o.add(script.Event{Script: "a", Body: script.MessageRouted{ID: fmt.Sprint(i), Target: "b", Code: script.CodeDeadline}})
		o.add(script.Event{Script: "a", Body: script.MessageRouted{ID: fmt.Sprint(i), Target: "c"}})
	}
	go o.run()
	o.close()
	if len(got) != 2 {
		t.Fatalf("%d events", len(got))
	}
	for i, target := range []string{"b", "c"} {
		if b, _ := got[i].Body.(script.MessageRouted); b.Target != target || b.Count != 10 || b.ID != "9" {
			t.Errorf("event %d is %+v", i, b)
		}
	}
}

func TestOutcomesAreBounded(t *testing.T) {
	var got []script.Event
	o := newOutcomes(func(_ context.Context, events ...script.Event) error {
		got = append(got, events...)
		return nil
	}, slog.New(slog.DiscardHandler))
	for i := range maxOutcomes + 5 {
		o.add(script.Event{Script: "a", Body: script.MessageRouted{Topic: fmt.Sprint(i)}})
	}
	go o.run()
	o.close()
	if gap, ok := got[len(got)-1].Body.(script.Gap); !ok || gap.Dropped != 5 || len(got) != maxOutcomes+1 {
		t.Errorf("%d events, the last %+v", len(got), got[len(got)-1].Body)
	}
}
