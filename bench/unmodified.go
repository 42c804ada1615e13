package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlhost/mlhost/wrappers/python"
)

// setUnmodified measures sets of a global in a script that knows nothing of
// mlhost, beside a bare pending call in a script that waits for it.
func setUnmodified(ctx context.Context, l *lab) ([]Cell, error) {
	var cells []Cell
	for loop, calls := range map[string]int{"tight": 500, "sleeping": 500, "computing": 200} {
		cell, err := setPythonLoop(ctx, l, "plain.py", loop, calls)
		if err != nil {
			return cells, err
		}
		if loop == "computing" {
			cell.Case = "loop of 20 ms C calls, median"
		}
		cells = append(cells, cell)
	}
	slices.SortFunc(cells, func(a, b Cell) int { return strings.Compare(b.Case, a.Case) })
	return cells, nil
}

// unmodified compares a script's loop, and its start, with and without mlhost.
func unmodified(ctx context.Context, l *lab) ([]Cell, error) {
	loop, err := loopCost(ctx, l)
	if err != nil {
		return nil, err
	}
	start, err := startCost(ctx, l)
	return []Cell{loop, start}, err
}

// loopCost compares the time that a pure Python loop takes, in turns. The least
// of each counts: whatever else the machine does can only add to it.
func loopCost(ctx context.Context, l *lab) (Cell, error) {
	steps := strconv.Itoa(l.scaled(300_000))
	var ours, bare []float64
	for range 5 {
		file := l.file("bare")
		if out, err := exec.CommandContext(ctx, l.python, filepath.Join(l.dir, "work.py"), file, steps).CombinedOutput(); err != nil {
			return Cell{}, fmt.Errorf("plain python: %w: %s", err, out)
		}
		seconds, err := secondsIn(file)
		if err != nil {
			return Cell{}, err
		}
		bare = append(bare, seconds)
		if seconds, err = l.hostedLoop(ctx, steps); err != nil {
			return Cell{}, err
		}
		ours = append(ours, seconds)
	}
	return compare("loop", "s", slices.Min(ours), slices.Min(bare), 1.01, true), nil
}

// hostedLoop runs the loop under a host and returns the seconds that it took.
func (l *lab) hostedLoop(ctx context.Context, steps string) (float64, error) {
	file := l.file("hosted")
	h, err := l.host(ctx, fmt.Sprintf("script \"target\" {\n  source = \"work.py\"\n  args = [%q, %q]\n}\n", file, steps))
	if err != nil {
		return 0, err
	}
	defer h.down()
	if _, _, err := h.finished(ctx, "target"); err != nil {
		return 0, err
	}
	return secondsIn(file)
}

func secondsIn(file string) (float64, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(string(text), 64)
}

// startCost measures what the shim adds from the start of the interpreter to the
// end of a script that does nothing.
func startCost(ctx context.Context, l *lab) (Cell, error) {
	dir, err := python.Extract(filepath.Join(l.dir, "python"))
	if err != nil {
		return Cell{}, err
	}
	script := l.file("nothing.py")
	if err := os.WriteFile(script, nil, 0o644); err != nil {
		return Cell{}, err
	}
	var ours, bare []float64
	for round := range max(10, l.scaled(40)) {
		plain, err := timed(exec.CommandContext(ctx, l.python, script), false)
		if err != nil {
			return Cell{}, err
		}
		shimmed, err := timed(exec.CommandContext(ctx, l.python, filepath.Join(dir, python.ShimName), script), true)
		if err != nil {
			return Cell{}, err
		}
		if round > 0 { // the first one compiles the modules
			ours, bare = append(ours, shimmed), append(bare, plain)
		}
	}
	cell := against("added to the start, median", "ms", median(ours)-median(bare), 20, true)
	cell.Note = fmt.Sprintf("plain python takes %.0f ms", median(bare))
	return cell, nil
}

// timed runs a command and returns the milliseconds that it took. With speak it
// gets one end of the line protocol, with the line that every script gets first.
func timed(command *exec.Cmd, speak bool) (float64, error) {
	if speak {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			return 0, err
		}
		unix.CloseOnExec(pair[0])
		unix.CloseOnExec(pair[1])
		ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
		defer ours.Close()
		defer theirs.Close()
		if _, err := ours.WriteString(`{"op":"start","version":1,"run":"r","script":"s","parameters":{},"revision":0}` + "\n"); err != nil {
			return 0, err
		}
		command.ExtraFiles = []*os.File{theirs}
		command.Env = append(os.Environ(), "MLHOST_FD=3")
	}
	start := time.Now()
	out, err := command.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%s: %w: %s", strings.Join(command.Args, " "), err, out)
	}
	return float64(time.Since(start).Nanoseconds()) / 1e6, nil
}
