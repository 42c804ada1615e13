package interpreter

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/shared/script"
)

// TestRelease has a script that can give parameters back do so; one that did
// not say that it can is not asked.
func TestRelease(t *testing.T) {
	const body = `
say() { printf '%s\n' "$1" >&$MLHOST_FD; }
say '{"op":"parameter","name":"lr","default":0.1}'; say '{"op":"step","step":4}'
read -r start <&$MLHOST_FD
while read -r line <&$MLHOST_FD; do
  echo "$line"; id=${line#*'"id":"'}; id=${id%%'"'*}
  case $line in
    *'"op":"release"'*) say '{"op":"done","id":"'"$id"'","outcomes":[{"name":"lr","status":"released","old":0.5,"value":0.1,"step":4}]}' ;;
    *) say '{"op":"done","id":"'"$id"'"}' ;;
  esac
done`
	for _, c := range []struct {
		name, hello string
		want        []script.Outcome
	}{
		{"releases", `printf '%s\n' '{"op":"hello","version":1,"language":"bash","releases":true}' >&$MLHOST_FD`,
			[]script.Outcome{{Name: "lr", Status: script.Released, Old: script.Float(0.5), Value: script.Float(0.1), Step: 4}}},
		{"does not", `printf '%s\n' '{"op":"hello","version":1,"language":"bash"}' >&$MLHOST_FD`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t)
			j := launch(t, h, "bash", c.hello+body, withLines)
			wait(h, func(s script.Stepped) bool { return s.Step == 4 })
			reply, err := j.release(t.Context(), script.Batch{ID: "b", Release: []string{"lr"}, Author: "user:ann"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, reply.Outcomes); diff != "" {
				t.Error(diff)
			}
			if c.want != nil {
				h.waitLine("stdout", `"names":["lr"]`)
			}
			j.stop(t.Context(), time.Second)
		})
	}
}
