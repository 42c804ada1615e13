//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/internal/proc"
	"github.com/mlhost/mlhost/shared/script"
)

// counters writes blocks of scripts that count: every third in bash, every
// third in Python, the rest as plugins. Those whose number is below brief end
// with exit code 3 when the file "end" is there.
func (h *host) counters(n, brief int) (string, error) {
	err := h.write("count.sh", `for ((n = 1; ; n++)); do
  echo "n=$n"
  [ -n "$UNTIL" ] && [ -e "$UNTIL" ] && exit 3
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
    until = os.environ.get("UNTIL")
    if until and os.path.exists(until):
        sys.exit(3)
    time.sleep(0.1)
`)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for i := range n {
		end := ""
		if i < brief {
			end = filepath.Join(h.dir, "end")
		}
		fmt.Fprintf(&b, "script \"s%d\" {\n", i)
		switch i % 3 {
		case 0:
			code := ""
			if end != "" {
				code = fmt.Sprintf("code = 3, until = %q, ", end)
			}
			fmt.Fprintf(&b, "  plugin = %q\n  parameters = { %s pause = 0.1 }\n", h.lab.plugin, code)
		case 1:
			fmt.Fprintf(&b, "  source = \"count.sh\"\n  interpreter = \"bash\"\n  env = { UNTIL = %q }\n  variable \"n\" {\n    pattern = \"n=(.*)\"\n  }\n", end)
		default:
			fmt.Fprintf(&b, "  source = \"count.py\"\n  env = { UNTIL = %q }\n", end)
		}
		b.WriteString("  restart {\n    policy = \"never\"\n  }\n}\n")
	}
	return b.String(), nil
}

// counting starts a host with scripts that count and waits until all do.
func counting(ctx context.Context, l *lab, n, brief int) (*host, map[string]v1.Script, error) {
	h, err := l.newHost("")
	if err != nil {
		return nil, nil, err
	}
	config, err := h.counters(n, brief)
	if err == nil {
		err = h.configure(config)
	}
	if err == nil {
		err = h.start(ctx)
	}
	if err == nil {
		err = h.reach(ctx, time.Minute, running)
	}
	if err != nil {
		return nil, nil, err
	}
	var before map[string]v1.Script
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

// adoption kills the host again and again while scripts count, and then looks
// whether each count is there once.
func adoption(ctx context.Context, l *lab, o *outcome) error {
	n, kills := l.scaled(50, 6), l.scaled(20, 3)
	h, before, err := counting(ctx, l, n, 0)
	if err != nil {
		return err
	}
	slowest := 0.0
	for i := range kills {
		o.at("kill %d of %d", i+1, kills)
		pause := time.Duration(rand.Int64N(int64(time.Second)))
		select {
		case <-time.After(pause): // a random moment is what this is about
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := h.kill(ctx); err != nil {
			return err
		}
		began := time.Now()
		if err := h.start(ctx); err != nil {
			return err
		}
		if err := h.reach(ctx, 30*time.Second, running); err != nil {
			return err
		}
		slowest = max(slowest, time.Since(began).Seconds())
	}
	after, err := h.all(ctx)
	if err != nil {
		return err
	}
	o.count("scripts", float64(n))
	o.count("kills", float64(kills))
	o.zero("processes replaced", replaced(o, before, after))
	o.atMost("seconds to adopt, at most", slowest, 2)
	return h.sequences(ctx, o, after)
}

// replaced counts scripts whose process or run is another one.
func replaced(o *outcome, before, after map[string]v1.Script) int {
	n := 0
	for name, was := range before {
		is := after[name]
		if is.Run != was.Run || is.PID == nil || was.PID == nil || *is.PID != *was.PID || is.Restarts != 0 {
			n++
			o.breaks("%s was %s and is %s (%s)", name, identity(was), identity(is), is.Reason)
		}
	}
	return n
}

func identity(s v1.Script) string {
	pid := 0
	if s.PID != nil {
		pid = *s.PID
	}
	return fmt.Sprintf("%s, run %s, process %d, restarted %d times", s.State, s.Run, pid, s.Restarts)
}

// sequences checks that the samples of every script go 1, 2, 3, …
func (h *host) sequences(ctx context.Context, o *outcome, scripts map[string]v1.Script) error {
	samples, gaps, doubles := 0, 0, 0
	for _, s := range scripts {
		run, err := h.Run(ctx, s.Run, "n")
		if err != nil {
			return err
		}
		want := int64(1)
		for _, p := range run.Samples["n"] {
			got, _ := p.Value.Int()
			switch {
			case got < want:
				doubles++
			case got > want:
				gaps++
			}
			want = got + 1
			samples++
		}
	}
	o.count("samples found", float64(samples))
	o.zero("gaps", gaps)
	o.zero("doubles", doubles)
	if samples == 0 {
		o.breaks("nothing was kept")
	}
	return nil
}

// finished lets scripts end while no host runs.
func finished(ctx context.Context, l *lab, o *outcome) error {
	n := l.scaled(30, 6)
	h, before, err := counting(ctx, l, n, n)
	if err != nil {
		return err
	}
	if err := h.kill(ctx); err != nil {
		return err
	}
	if err := h.write("end", ""); err != nil {
		return err
	}
	for _, s := range before {
		pid := *s.PluginPID
		if err := until(ctx, 20*time.Second, "the scripts have ended", func() (bool, error) { return !proc.Lives(pid), nil }); err != nil {
			return err
		}
	}
	if err := h.start(ctx); err != nil {
		return err
	}
	ended := []script.State{script.Failed}
	if err := h.reach(ctx, 30*time.Second, ended); err != nil {
		return err
	}
	runs, err := h.Runs(ctx, allRuns)
	if err != nil {
		return err
	}
	wrong := 0
	for _, r := range runs.Runs {
		want := 3
		if i, err := strconv.Atoi(r.Script[1:]); err == nil && i%3 == 0 {
			want = 1 // of a plugin whose Run returns an error
		}
		if r.ExitCode == nil || *r.ExitCode != want {
			wrong++
		}
	}
	after, err := h.all(ctx)
	if err != nil {
		return err
	}
	o.count("scripts that ended meanwhile", float64(n))
	o.zero("runs begun again", len(runs.Runs)-n)
	o.zero("wrong exit codes", wrong)
	return h.sequences(ctx, o, after)
}

// strange puts another process's id into the record of a run.
func strange(ctx context.Context, l *lab, o *outcome) error {
	h, before, err := counting(ctx, l, 3, 0)
	if err != nil {
		return err
	}
	if err := h.kill(ctx); err != nil {
		return err
	}
	other, err := l.bystander(ctx)
	if err != nil {
		return err
	}
	defer other.end()
	victim := before["s0"]
	if err := forge(filepath.Join(h.state, "c", "runs", victim.Run, "instance.json"), *victim.PluginPID, other.pid); err != nil {
		return err
	}
	if err := h.start(ctx); err != nil {
		return err
	}
	if err := h.reach(ctx, 30*time.Second, []script.State{script.Lost}, "s0"); err != nil {
		return err
	}
	if err := h.reach(ctx, 30*time.Second, running, "s1", "s2"); err != nil {
		return err
	}
	hurt := 0
	if !proc.Lives(other.pid) {
		hurt++
	}
	o.zero("strange processes that were signalled", hurt)
	// Nobody knows the process whose record was forged; by its mark it is ended.
	return until(ctx, 20*time.Second, "the process of the forged record is ended by its mark", func() (bool, error) { return !proc.Lives(*victim.PluginPID), nil })
}

// forge replaces a process id in a file.
func forge(path string, from, to int) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	forged := strings.Replace(string(text), fmt.Sprintf(`"pid":%d,`, from), fmt.Sprintf(`"pid":%d,`, to), 1)
	if forged == string(text) {
		forged = strings.Replace(string(text), fmt.Sprintf(`"pid": %d,`, from), fmt.Sprintf(`"pid": %d,`, to), 1)
	}
	if forged == string(text) {
		return fmt.Errorf("%s does not name the process %d", path, from)
	}
	return os.WriteFile(path, []byte(forged), 0o600)
}
