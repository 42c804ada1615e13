package host

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlhost/mlhost/host/api"
	"github.com/mlhost/mlhost/internal/testkit"
	"github.com/mlhost/mlhost/shared/script"
)

// player builds the plugin of the benchmarks.
func player(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "player")
	out, err := exec.Command("go", "build", "-o", path, "github.com/mlhost/mlhost/bench/plugin").CombinedOutput()
	if err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return path
}

// play runs the config, starts the named script and waits until it has ended.
func play(b *testing.B, text, name string) {
	b.Helper()
	r := run(b, testkit.ShortDir(b), b.TempDir(), text)
	for _, s := range r.config.Load().Scripts {
		if state, _ := r.registry.State(s.Name); s.Autostart && state != script.Running {
			r.awaitState(b, s.Name, script.Running)
		}
	}
	b.ResetTimer()
	if _, err := r.Do(b.Context(), api.Command{Verb: api.Start, Script: name}); err != nil {
		b.Fatal(err)
	}
	r.awaitState(b, name, script.Finished)
	b.StopTimer()
	r.end(b)
}

func BenchmarkAsk(b *testing.B) {
	play(b, fmt.Sprintf(`
script "pong" {
  plugin     = %[1]q
  parameters = { role = "pong" }
}
script "ask" {
  plugin     = %[1]q
  parameters = { role = "ask", n = %[2]d }
  autostart  = false
}
`, player(b), b.N), "ask")
}

func BenchmarkBroadcast(b *testing.B) {
	for _, listeners := range []int{1, 10} {
		b.Run(fmt.Sprint(listeners), func(b *testing.B) {
			path := player(b)
			var text strings.Builder
			for i := range listeners {
				fmt.Fprintf(&text, "script \"listen%d\" {\n plugin = %q\n parameters = { role = \"listen\", n = 1000000000 }\n}\n", i, path)
			}
			fmt.Fprintf(&text, "script \"shout\" {\n plugin = %q\n parameters = { role = \"shout\", n = %d }\n autostart = false\n}\n", path, b.N)
			play(b, text.String(), "shout")
		})
	}
}
