package interpreter

import (
	"context"

	"github.com/mlhost/mlhost/shared/script"
)

// releaseLine is a release line.
type releaseLine struct {
	Op    string   `json:"op"`
	ID    string   `json:"id"`
	Names []string `json:"names"`
}

// release has a script that said that it can give parameters back to where
// their values came from. Others hold nothing that could be given back.
func (r *run) release(ctx context.Context, batch script.Batch) (script.BatchReply, error) {
	if !r.releases.Load() || !r.speaks() {
		return script.BatchReply{}, nil
	}
	if r.isFrozen() {
		return script.BatchReply{}, script.Errorf(script.CodeUnavailable, "the script is stopped by a signal and cannot answer").WithHint("resume it first")
	}
	ignore := func(any) {}
	done, err := r.order(ctx, ignore, ignore, func(id string) any {
		return releaseLine{Op: "release", ID: id, Names: batch.Release}
	})
	return script.BatchReply{Outcomes: done.outcomes}, err
}
