package host

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/internal/testkit"
	"github.com/mlhost/mlhost/shared/script"
)

// BenchmarkSet sets a parameter of a Go plugin: by way of Send, and of the
// API's socket.
func BenchmarkSet(b *testing.B) {
	r := run(b, testkit.ShortDir(b), b.TempDir(), fmt.Sprintf(`
script "target" {
  plugin     = %q
  parameters = { role = "idle" }
}
`, player(b)))
	r.awaitState(b, "target", script.Running)
	c := client.New(r.Socket())
	defer c.Close()
	value := 0.0
	values := func() map[string]script.Value {
		value += 0.001 // every set is a change
		return map[string]script.Value{"learning_rate": script.Float(value)}
	}
	b.Run("send", func(b *testing.B) {
		for b.Loop() {
			_, err := r.Send(context.Background(), script.Message{
				ID: "m", Kind: script.SetParameter, Source: "user:ann", Target: "target", Time: time.Now(),
				Batch: &script.Batch{Values: values(), Author: "user:ann"},
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("api", func(b *testing.B) {
		for b.Loop() {
			if _, err := c.Set(b.Context(), "target", v1.Set{Values: values()}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
