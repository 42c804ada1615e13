package script

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestError(t *testing.T) {
	e := &Error{Code: CodeRejected, Message: "too large", Hint: "try 1", At: "a.hcl:3,5"}
	if got := e.Error(); got != "a.hcl:3,5: too large (try 1)" {
		t.Errorf("%q", got)
	}
	plain := Errorf(CodeNotFound, "no %s", "x")
	if hinted := plain.WithHint("did you mean %q?", "y"); hinted.Hint != `did you mean "y"?` || plain.Hint != "" {
		t.Errorf("%+v, %+v", hinted, plain)
	}
	for _, test := range []struct {
		err  error
		want Code
	}{
		{nil, ""}, {plain, CodeNotFound}, {fmt.Errorf("get: %w", plain), CodeNotFound}, {errors.New("x"), CodeInternal},
		{fmt.Errorf("call: %w", context.DeadlineExceeded), CodeDeadline}, {context.Canceled, CodeInternal},
	} {
		if got := CodeOf(test.err); got != test.want {
			t.Errorf("the code of %v is %q, want %q", test.err, got, test.want)
		}
	}
}

func TestStates(t *testing.T) {
	for _, s := range []State{Waiting, Starting, Ready, Running, Paused, Stalled, Stuck, Stopping, Stopped, Finished, Failed, Backoff, Lost} {
		if s.Live() && s.Ended() {
			t.Errorf("%s is live and over", s)
		}
		if s != Waiting && !s.Live() && !s.Ended() {
			t.Errorf("%s is neither live nor over", s)
		}
	}
}

func TestKinds(t *testing.T) {
	seen := map[string]bool{}
	for _, b := range []Body{
		StateChanged{}, RunStarted{}, BinaryChanged{}, Described{}, Samples{}, Progress{}, Stepped{}, ResultSet{}, LogLine{}, ParametersChanged{},
		ParametersObserved{}, OwnerChanged{}, CheckpointMade{}, Heartbeat{}, Gap{}, MessageRouted{}, RouteFired{}, Notified{}, Warned{},
	} {
		if kind := KindOf(b); kind == "" || seen[kind] {
			t.Errorf("the kind of %T is %q, which another has", b, kind)
		}
		seen[KindOf(b)] = true
	}
}
