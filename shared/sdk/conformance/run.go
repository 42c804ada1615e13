package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

const runID = "conformance"

func (k *kit) start() wire.StartRequest {
	return wire.StartRequest{Run: runID, Script: "plugin", Parameters: k.parameters, Revision: 1, FirstSeq: 1, RunDir: k.runDir}
}

func checkStart(ctx context.Context, k *kit) error {
	k.listener = listen(k.client, 0)
	return k.client.Start(ctx, k.start())
}

func checkStartTwice(ctx context.Context, k *kit) error {
	if err := k.client.Start(ctx, k.start()); err == nil {
		return errors.New("a second start is accepted")
	}
	return nil
}

func checkEvents(ctx context.Context, k *kit) error {
	err := k.listener.await(ctx, "the state running", func(events []script.Event, _ int) bool {
		for _, e := range events {
			if s, ok := e.Body.(script.StateChanged); ok && s.State == script.Running {
				return true
			}
		}
		return false
	})
	if err != nil {
		return err
	}
	return k.listener.await(ctx, "a second heartbeat", func(_ []script.Event, beats int) bool {
		return beats >= 2 || k.overLocked()
	})
}

// overLocked is listener.over for callers that hold its mu.
func (k *kit) overLocked() bool {
	for _, e := range k.listener.events {
		if s, ok := e.Body.(script.StateChanged); ok && s.State.Ended() {
			return true
		}
	}
	return false
}

// settable returns a parameter that may change now, and its value.
func (k *kit) settable() (name string, v script.Value, ok bool) {
	for _, spec := range k.description.Parameters {
		if spec.Mutability != script.Live && spec.Mutability != script.Boundary {
			continue
		}
		if v, ok := k.parameters[spec.Name]; ok {
			return spec.Name, v, true
		}
		if !spec.Default.IsNull() {
			return spec.Name, spec.Default, true
		}
	}
	return "", script.Null(), false
}

func (k *kit) set(ctx context.Context, id string, revision *uint64, values map[string]script.Value) (script.BatchReply, error) {
	return k.client.SetParameters(ctx, script.Batch{ID: id, Values: values, IfRevision: revision, Author: "user:conformance"})
}

func checkSet(ctx context.Context, k *kit) error {
	name, v, ok := k.settable()
	if !ok {
		return skip("no parameter can change while the script runs")
	}
	reply, err := k.set(ctx, "set", nil, map[string]script.Value{name: v})
	if err != nil {
		return err
	}
	if len(reply.Outcomes) != 1 || reply.Outcomes[0].Name != name || reply.Rejected() {
		return fmt.Errorf("setting %s to the value that it has gives %+v", name, reply.Outcomes)
	}
	if reply.Revision < 2 {
		return fmt.Errorf("the revision is %d behind the first set on revision 1", reply.Revision)
	}
	return nil
}

func checkSetTwice(ctx context.Context, k *kit) error {
	name, v, ok := k.settable()
	if !ok {
		return skip("no parameter can change while the script runs")
	}
	first, err := k.set(ctx, "twice", nil, map[string]script.Value{name: v})
	if err != nil {
		return err
	}
	second, err := k.set(ctx, "twice", nil, map[string]script.Value{name: v})
	if err != nil {
		return err
	}
	if first.Revision != second.Revision {
		return fmt.Errorf("the same batch was applied twice: revisions %d and %d", first.Revision, second.Revision)
	}
	return nil
}

func checkRevision(ctx context.Context, k *kit) error {
	name, v, ok := k.settable()
	if !ok {
		return skip("no parameter can change while the script runs")
	}
	wrong := uint64(1 << 40)
	_, err := k.set(ctx, "revision", &wrong, map[string]script.Value{name: v})
	switch script.CodeOf(err) {
	case script.CodeConflict:
		return nil
	case "":
		return errors.New("a set on a revision that is not is applied")
	}
	return err
}

func checkBadValues(ctx context.Context, k *kit) error {
	bad := map[string]script.Value{"no such parameter": script.Int(1)}
	if name, v, ok := k.settable(); ok {
		bad[name] = v // must not be set either
	}
	reply, err := k.set(ctx, "bad", nil, bad)
	if err != nil {
		return err
	}
	for _, o := range reply.Outcomes {
		if o.Status != script.Rejected || o.Reason == "" {
			return fmt.Errorf("one value of the batch is bad, and %s is %s (reason %q)", o.Name, o.Status, o.Reason)
		}
	}
	for _, spec := range k.description.Parameters {
		if spec.Type == script.TypeAny {
			continue
		}
		wrong := script.Map(map[string]script.Value{"a": script.Null()})
		if spec.Type == script.TypeMap {
			wrong = script.Bool(true)
		}
		reply, err := k.set(ctx, "type of "+spec.Name, nil, map[string]script.Value{spec.Name: wrong})
		if err != nil {
			return err
		}
		if !reply.Rejected() {
			return fmt.Errorf("parameter %s takes %s, which is no %s", spec.Name, wrong, spec.Type)
		}
	}
	return nil
}

func checkVariables(ctx context.Context, k *kit) error {
	for _, spec := range k.description.Variables {
		if !spec.ReadOnly {
			continue
		}
		reply, err := k.client.SetVariables(ctx, script.Batch{ID: "v " + spec.Name, Values: map[string]script.Value{spec.Name: script.Int(1)}})
		if err != nil {
			return err
		}
		if !reply.Rejected() {
			return fmt.Errorf("the read-only variable %s was set", spec.Name)
		}
	}
	reply, err := k.client.SetVariables(ctx, script.Batch{ID: "v", Values: map[string]script.Value{"no such variable": script.Int(1)}})
	if err != nil {
		return err
	}
	if !reply.Rejected() {
		return errors.New("a variable that is not declared was set")
	}
	return nil
}

func checkLargeMessage(ctx context.Context, k *kit) error {
	large := script.String(strings.Repeat("x", 5<<20))
	reply, err := k.set(ctx, "large", nil, map[string]script.Value{"no such parameter": large})
	if err != nil {
		return fmt.Errorf("a message of 5 MiB is not taken: %w", err)
	}
	if !reply.Rejected() {
		return errors.New("a parameter that is not declared was set")
	}
	return nil
}

func checkPause(ctx context.Context, k *kit) error {
	if !k.description.Has(script.CapabilityPause) {
		return skip("the script does not pause")
	}
	if err := k.client.Pause(ctx); err != nil {
		return err
	}
	id, err := k.client.Identify(ctx)
	if err != nil {
		return err
	}
	if id.State != script.Paused {
		return fmt.Errorf("the state is %s behind a pause", id.State)
	}
	if err := k.client.Resume(ctx); err != nil {
		return err
	}
	return k.client.Resume(ctx) // a second one harms nobody
}

func checkMessage(ctx context.Context, k *kit) error {
	link, err := k.client.Link(ctx)
	if err != nil {
		return err
	}
	ask := wire.Deliver{
		ID: "1", Kind: script.Ask, Source: "user:conformance", Topic: "no such topic",
		Time: time.Now(), Timeout: limit / 2,
	}
	if err := link.Send(wire.Frame{Epoch: 7, Body: ask}); err != nil {
		return err
	}
	for {
		frame, err := link.Recv()
		if err != nil {
			return fmt.Errorf("an ask is not answered: %w", err)
		}
		reply, ok := frame.Body.(wire.Reply)
		if !ok {
			continue
		}
		switch {
		case reply.ID != "1" || frame.Epoch != 7:
			return fmt.Errorf("the reply has id %q and epoch %d, not \"1\" and 7", reply.ID, frame.Epoch)
		case reply.Err == nil && !k.description.Has(script.CapabilityAnswer):
			return errors.New("a script that answers nothing has answered")
		}
		return nil
	}
}

func checkReplay(ctx context.Context, k *kit) error {
	k.listener.close()
	heard := k.listener.events
	again := listen(k.client, 0)
	k.listener = again
	err := again.await(ctx, "what was sent already", func(events []script.Event, _ int) bool {
		return len(heard) == 0 || len(events) > 0 && events[len(events)-1].Seq >= heard[len(heard)-1].Seq
	})
	if err != nil {
		return err
	}
	again.mu.Lock()
	defer again.mu.Unlock()
	next := uint64(1)
	for _, e := range again.events {
		if gap, ok := e.Body.(script.Gap); ok && gap.From == next {
			next = gap.To
		}
		if e.Seq != next {
			return fmt.Errorf("event %d comes where %d is due", e.Seq, next)
		}
		next++
	}
	return nil
}

func checkStop(ctx context.Context, k *kit) error {
	if err := k.client.Stop(ctx, limit/2, "the check is over"); err != nil {
		return err
	}
	return k.listener.await(ctx, "the end of the run", func([]script.Event, int) bool { return k.overLocked() })
}

func checkExitRecord(_ context.Context, k *kit) error {
	state, seq, _ := k.listener.end()
	exit, err := wire.ReadExit(k.runDir)
	switch {
	case err != nil:
		return err
	case exit.Run != runID || exit.State != state.State || exit.LastSeq != seq:
		return fmt.Errorf("it says run %q, state %s, last event %d; the events say %q, %s, %d",
			exit.Run, exit.State, exit.LastSeq, runID, state.State, seq)
	}
	return nil
}

func checkEnd(ctx context.Context, k *kit) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return k.shutdown(ctx)
}
