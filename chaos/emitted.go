//go:build linux

package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// A counter counts 1, 2, 3, … as samples of "n" until a file tells it to end.
// Then it writes down, where mlhost has no part in it, how far it came: that is
// what the samples found are compared with.

// ender is the file that tells a counter to end.
func (h *host) ender(name string) string { return filepath.Join(h.dir, name+".end") }

// ledger is the file into which a counter writes how far it came.
func (h *host) ledger(name string) string { return filepath.Join(h.dir, name+".count") }

// counter writes the block of a plugin that counts, with further parameters
// and lines.
func (h *host) counter(name, parameters string, lines ...string) string {
	return fmt.Sprintf("script %q {\n  plugin = %q\n  parameters = { until = %q, ledger = %q%s }\n%s}\n",
		name, h.plugin, h.ender(name), h.ledger(name), parameters, strings.Join(lines, ""))
}

// never is for the block of a script that is not started again.
const never = "  restart {\n    policy = \"never\"\n  }\n"

// counters writes blocks of scripts that count: every third in bash, every
// third in Python, the rest as plugins. They end with exit code 3, plugins with 1.
func (h *host) counters(n int) (string, error) {
	err := h.write("count.sh", `for ((n = 1; ; n++)); do
  echo "n=$n"
  [ -e "$UNTIL" ] && echo "$n" > "$LEDGER" && exit 3
  sleep 0.1
done
`)
	if err != nil {
		return "", err
	}
	err = h.write("count.py", `import os, sys, time, mlhost
n = 0
while True:
    n += 1
    mlhost.log(n=n, step=n)
    if os.path.exists(os.environ["UNTIL"]):
        with open(os.environ["LEDGER"], "w") as ledger:
            ledger.write(str(n))
        sys.exit(3)
    time.sleep(0.1)
`)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for i := range n {
		name := fmt.Sprintf("s%d", i)
		env := fmt.Sprintf("  env = { UNTIL = %q, LEDGER = %q }\n", h.ender(name), h.ledger(name)) + never
		switch i % 3 {
		case 0:
			b.WriteString(h.counter(name, ", fail_at_end = true, pause = 0.1", never))
		case 1:
			fmt.Fprintf(&b, "script %q {\n  source = \"count.sh\"\n  interpreter = \"bash\"\n  variable \"n\" {\n    pattern = \"n=(.*)\"\n  }\n%s}\n", name, env)
		default:
			fmt.Fprintf(&b, "script %q {\n  source = \"count.py\"\n%s}\n", name, env)
		}
	}
	return b.String(), nil
}

// counting starts a host with scripts that count and waits until all do.
func counting(ctx context.Context, l *lab, n int) (*host, map[string]v1.Script, error) {
	h, err := l.newHost()
	if err != nil {
		return nil, nil, err
	}
	config, err := h.counters(n)
	if err != nil {
		return nil, nil, err
	}
	before, err := h.begin(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	err = until(ctx, time.Minute, "every interpreter is known", func() (bool, error) {
		before, err = h.all(ctx)
		for _, s := range before {
			if s.PID == nil || s.Plugin == "interpreter" && *s.PID == *s.PluginPID {
				return false, err
			}
		}
		return err == nil, err
	})
	return h, before, err
}

// account ends counters that run, and looks that what each has emitted in its
// run is there once and in order, to the last.
func (h *host) account(ctx context.Context, o *outcome, scripts map[string]v1.Script) error {
	o.at("comparing what was emitted with what is there")
	names := slices.Sorted(maps.Keys(scripts))
	for _, name := range names {
		if err := os.WriteFile(h.ender(name), nil, 0o600); err != nil {
			return err
		}
	}
	if err := h.reach(ctx, 2*time.Minute, []script.State{script.Finished, script.Failed}, names...); err != nil {
		return err
	}
	emitted, found, gaps, doubles, results := 0, 0, 0, 0, 0
	for _, name := range names {
		last, err := h.counted(name)
		if err != nil {
			return err
		}
		run, err := h.Run(ctx, scripts[name].Run, "n")
		if err != nil {
			return err
		}
		t := tallied(run.Samples["n"], last)
		emitted, found, gaps, doubles = emitted+last, found+t.found, gaps+t.gaps, doubles+t.doubles
		if r, ok := run.Results["n"]; ok {
			if n, _ := r.Int(); n != int64(last) {
				results++
				o.breaks("the last result of %s is %d, it emitted %d", name, n, last)
			}
		}
	}
	o.count("samples emitted", float64(emitted))
	o.count("found", float64(found))
	o.zero("gaps", gaps)
	o.zero("doubles", doubles)
	o.zero("last results that are not the last", results)
	if emitted == 0 || found != emitted {
		o.breaks("%d samples were emitted, %d are there", emitted, found)
	}
	return nil
}

// counted reads how far a counter came.
func (h *host) counted(name string) (int, error) {
	text, err := os.ReadFile(h.ledger(name))
	if err != nil {
		return 0, fmt.Errorf("%s did not write down how far it came: %w", name, err)
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// tally is how samples compare with 1, 2, 3, … up to the last one emitted.
type tally struct{ found, gaps, doubles int }

func tallied(samples []v1.Point, last int) (t tally) {
	want := 1
	for _, p := range samples {
		n, _ := p.Value.Int()
		switch got := int(n); {
		case got < want:
			t.doubles++ // or out of order
		default:
			t.gaps += got - want
			want = got + 1
		}
		t.found++
	}
	t.gaps += max(0, last+1-want)
	return t
}
