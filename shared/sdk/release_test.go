package sdk_test

import (
	"context"
	"testing"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk"
	"github.com/mlhost/mlhost/shared/sdk/sdktest"
)

// releaser is a wrapper that can give parameters back to its script.
type releaser struct {
	wrapper
	asked script.Batch
}

func (r *releaser) Release(_ context.Context, b script.Batch) (script.BatchReply, error) {
	r.asked = b
	return script.BatchReply{Outcomes: []script.Outcome{{Name: "lr", Status: script.Released, Value: script.Float(0.1), Step: -1}}}, nil
}

// TestRelease asks a script that can, and one that cannot, to give a parameter back.
func TestRelease(t *testing.T) {
	description := script.Description{
		Parameters: []script.ParameterSpec{{Name: "lr", Type: script.TypeFloat, Default: script.Float(0.3), Mutability: script.Live}},
	}
	wait := func(ctx context.Context, _ *sdk.Session) error { <-ctx.Done(); return ctx.Err() }
	batch := script.Batch{ID: "b1", Release: []string{"lr"}, Author: "user:ann"}

	able := &releaser{}
	able.description, able.run = description, wait
	run := sdktest.Start(t, able, sdktest.Options{Revision: 7})
	for range 2 { // the second is the same batch again
		reply, err := run.Client.SetParameters(t.Context(), batch)
		if err != nil || statuses(reply) != "lr=released" || reply.Revision != 8 {
			t.Fatalf("%+v, %v", reply, err)
		}
	}
	if len(able.asked.Release) != 1 || able.asked.Author != "user:ann" {
		t.Errorf("the script was asked %+v", able.asked)
	}

	unable := &fake{description: description, run: wait}
	run = sdktest.Start(t, unable, sdktest.Options{Revision: 7})
	reply, err := run.Client.SetParameters(t.Context(), batch)
	if err != nil || len(reply.Outcomes) != 0 || reply.Revision != 7 {
		t.Fatalf("%+v, %v", reply, err)
	}
}
