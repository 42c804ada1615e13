package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/mlhost/mlhost/bench/byhand"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/internal/proc"
)

// startRow measures the start of many plugins, from `mlhost run` until all run,
// beside bare go-plugin starts, eight at a time, as the host does: the time that
// it takes, and the processor time, which other work on the machine moves less.
func startRow(ctx context.Context, l *lab) ([]Cell, error) {
	n := l.scaled(100)
	var ours, hand []float64
	var oursCPU, handCPU []cost
	for range 3 {
		began, used := time.Now(), ownCPU()
		plugins, err := byhand.StartPlugins(ctx, l.bare, n, 8)
		if err != nil {
			return nil, err
		}
		hand = append(hand, time.Since(began).Seconds())
		used = ownCPU() - used
		handCPU = append(handCPU, costOf(n, used, plugins.PIDs()))
		plugins.End()
		began = time.Now()
		h, err := l.host(ctx, l.many(n))
		if err != nil {
			return nil, err
		}
		ours = append(ours, time.Since(began).Seconds())
		c, err := h.cost(ctx, n)
		h.down()
		if err != nil {
			return nil, err
		}
		oursCPU = append(oursCPU, c)
	}
	cells := []Cell{compare(fmt.Sprintf("%d plugins", n), "s", median(ours), median(hand), 1.2, true)}
	if o, h := middle(oursCPU), middle(handCPU); o.plugin > 0 && h.plugin > 0 {
		cell := compare("processor time, each", "ms", o.host+o.plugin, h.host+h.plugin, 1.2, true)
		cell.Note = fmt.Sprintf("the host %.1f and the plugin %.1f, by hand %.1f and %.1f", o.host, o.plugin, h.host, h.plugin)
		cells = append(cells, cell)
	}
	return cells, nil
}

// cost is the processor time of the start of one plugin of many, in ms: in the
// host, and in the plugin itself. The plugin's is 0 where it cannot be measured.
type cost struct{ host, plugin float64 }

func costOf(n int, host time.Duration, pids []int) cost {
	var plugins time.Duration
	for _, pid := range pids {
		used, err := proc.CPU(pid)
		if err != nil {
			return cost{}
		}
		plugins += used
	}
	each := func(d time.Duration) float64 { return d.Seconds() * 1000 / float64(n) }
	return cost{each(host), each(plugins)}
}

// middle is the cost whose sum is the median.
func middle(costs []cost) cost {
	slices.SortFunc(costs, func(a, b cost) int { return cmp.Compare(a.host+a.plugin, b.host+b.plugin) })
	return costs[len(costs)/2]
}

// cost is that of a host that has started n plugins and nothing else.
func (h *benchHost) cost(ctx context.Context, n int) (cost, error) {
	scripts, err := h.Scripts(ctx)
	if err != nil {
		return cost{}, err
	}
	var pids []int
	for _, s := range scripts.Scripts {
		pids = append(pids, pidsOf(s)...)
	}
	pid, err := h.pid()
	if err != nil {
		return cost{}, err
	}
	host, err := proc.CPU(pid)
	if err != nil {
		return cost{}, nil //nolint:nilerr // not on this system
	}
	return costOf(n, h.launched+host, pids), nil
}

// ownCPU is the processor time that this process has used.
func ownCPU() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// many writes script blocks of n idle plugins.
func (l *lab) many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "script \"p%d\" {\n  plugin = %q\n}\n", i, l.plugin)
	}
	return b.String()
}

// memoryRow measures what a plugin, a wrapped script and the host keep to
// themselves.
func memoryRow(ctx context.Context, l *lab) ([]Cell, error) {
	const n = 10
	plugins, err := byhand.StartPlugins(ctx, l.bare, n, 8)
	if err != nil {
		return nil, err
	}
	hand, err := proc.Private(plugins.PIDs()...)
	plugins.End()
	if err != nil {
		return nil, err
	}
	sleeper := filepath.Join(l.dir, "sleeper.py")
	if err := os.WriteFile(sleeper, []byte("import time\nprint('up', flush=True)\nwhile True:\n    time.sleep(3600)\n"), 0o644); err != nil {
		return nil, err
	}
	bare, err := l.barePython(ctx, sleeper, n)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString(l.many(n))
	for i := range n {
		fmt.Fprintf(&b, "script \"w%d\" {\n  source = %q\n}\n", i, sleeper)
	}
	h, err := l.host(ctx, b.String())
	if err != nil {
		return nil, err
	}
	defer h.down()
	own, wrapped, err := h.memoryOf(ctx, n)
	if err != nil {
		return nil, err
	}
	pid, err := h.pid()
	if err != nil {
		return nil, err
	}
	host, err := proc.Private(pid)
	if err != nil {
		return nil, err
	}
	return []Cell{
		compare("a plugin, private", "MB", own, hand/n, 1.3, true),
		against("a wrapped script over its bare interpreter", "MB", wrapped-bare, 5, true),
		against("the idle host", "MB", host, 60, true),
	}, nil
}

// memoryOf returns the private memory of a plugin and of a wrapped script with
// its wrapper, in MB, as means.
func (h *benchHost) memoryOf(ctx context.Context, n float64) (plugin, wrapped float64, err error) {
	scripts, err := h.Scripts(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, s := range scripts.Scripts {
		if strings.HasPrefix(s.Name, "w") {
			if s, err = h.up(ctx, s.Name); err != nil {
				return 0, 0, err
			}
		}
		mb, err := proc.Private(pidsOf(s)...)
		if err != nil {
			return 0, 0, err
		}
		if strings.HasPrefix(s.Name, "w") {
			wrapped += mb / n
		} else {
			plugin += mb / n
		}
	}
	return plugin, wrapped, nil
}

// up waits until the script has printed something: then all of it is there.
func (h *benchHost) up(ctx context.Context, name string) (v1.Script, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		s, err := h.Script(ctx, name)
		if err != nil {
			return s, err
		}
		info, err := os.Stat(filepath.Join(h.state, "bench", "runs", s.Run, "stdout.log"))
		if err == nil && info.Size() > 0 {
			return s, nil
		}
		if err := pause(ctx); err != nil {
			return s, fmt.Errorf("script %s prints nothing: %w", name, err)
		}
	}
}

func pidsOf(s v1.Script) []int {
	var pids []int
	if s.PluginPID != nil {
		pids = append(pids, *s.PluginPID)
	}
	if s.PID != nil && (s.PluginPID == nil || *s.PID != *s.PluginPID) {
		pids = append(pids, *s.PID)
	}
	return pids
}

// barePython returns the private memory, in MB, of the script under its
// interpreter alone: the mean of n at the same time, as what several processes
// share counts for none of them.
func (l *lab) barePython(ctx context.Context, path string, n int) (mb float64, err error) {
	pids := make([]int, 0, n)
	for range n {
		cmd := exec.CommandContext(ctx, l.python, path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			return 0, err
		}
		if err := cmd.Start(); err != nil {
			return 0, err
		}
		defer func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // it was killed
		}()
		if _, err := out.Read(make([]byte, 2)); err != nil {
			return 0, err
		}
		pids = append(pids, cmd.Process.Pid)
	}
	mb, err = proc.Private(pids...)
	return mb / float64(n), err
}

// idleRow measures the host's processor time with few and with many scripts
// that do nothing.
func idleRow(ctx context.Context, l *lab) ([]Cell, error) {
	few, many := 10, l.scaled(1000)
	small, err := l.idleCost(ctx, few)
	if err != nil {
		return nil, err
	}
	large, err := l.idleCost(ctx, many)
	if err != nil {
		return nil, err
	}
	return []Cell{
		against(fmt.Sprintf("%d scripts, of a core", many), "%", large, 2, true),
		compare(fmt.Sprintf("a script of %d, of %d", many, few), "%", large/float64(many), max(small, 0.01)/float64(few), 1.5, true),
	}, nil
}

// idleCost is the host's processor time with so many scripts, in percent of a
// core, over ten seconds.
func (l *lab) idleCost(ctx context.Context, scripts int) (float64, error) {
	h, err := l.host(ctx, l.many(scripts))
	if err != nil {
		return 0, err
	}
	defer h.down()
	pid, err := h.pid()
	if err != nil {
		return 0, err
	}
	before, err := proc.CPU(pid)
	if err != nil {
		return 0, err
	}
	const seconds = 10
	select {
	case <-time.After(seconds * time.Second): // what is measured is time
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	after, err := proc.CPU(pid)
	return 100 * (after - before).Seconds() / seconds, err
}

// pid is the host's process.
func (h *benchHost) pid() (int, error) {
	text, err := os.ReadFile(filepath.Join(h.state, "bench", "host.lock"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}
