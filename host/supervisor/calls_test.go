package supervisor

import (
	"context"
	"fmt"
	"testing"

	"github.com/mlhost/mlhost/shared/script"
)

// A call that is under way when its run is ended says that, and not that
// something was cancelled.
func TestCallOfRunThatEnds(t *testing.T) {
	p := &Process{name: "trainer", child: &child{exited: make(chan struct{})}}
	cancelled := fmt.Errorf("call plugin: %w", context.Canceled)
	err := p.explainCall(t.Context(), "the set", cancelled)
	if script.CodeOf(err) != script.CodeUnavailable || err.Error() != `script "trainer" ended before it answered the set` {
		t.Errorf("the error is %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.explainCall(ctx, "the set", cancelled); script.CodeOf(err) == script.CodeUnavailable {
		t.Errorf("the caller's own end is told as %v", err)
	}
}
