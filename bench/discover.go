package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mlhost/mlhost/wrappers/python"
)

// discoverRow measures the reading of scripts: those of examples/, and argparse
// scripts that are written for it. Nothing is kept from one round to the next;
// the start of the reader is counted by itself, with one empty script.
func discoverRow(ctx context.Context, l *lab) ([]Cell, error) {
	shipped, err := filepath.Glob("examples/*/*.py")
	if err != nil {
		return nil, err
	}
	empty := filepath.Join(l.dir, "empty.py")
	if err := os.WriteFile(empty, nil, 0o644); err != nil {
		return nil, err
	}
	written, err := l.argparseScripts(l.scaled(100))
	if err != nil {
		return nil, err
	}
	var starts, ships, writes []float64
	for range 5 {
		start, err := l.reading(ctx, []string{empty})
		if err != nil {
			return nil, err
		}
		ship, err := l.reading(ctx, shipped)
		if err != nil {
			return nil, err
		}
		write, err := l.reading(ctx, written)
		if err != nil {
			return nil, err
		}
		starts = append(starts, start)
		ships = append(ships, max(0, ship-start)/float64(len(shipped)))
		writes = append(writes, max(0, write-start)/float64(len(written)))
	}
	start := against("start of the reader", "ms", median(starts), 1000, true)
	shippedCell := against("examples", "ms", median(ships), 30, true)
	shippedCell.Note = fmt.Sprintf("%d scripts", len(shipped))
	writtenCell := against("argparse, 100 options", "ms", median(writes), 30, true)
	writtenCell.Note = fmt.Sprintf("%d scripts", len(written))
	return []Cell{shippedCell, writtenCell, start}, nil
}

// reading reads the scripts with an empty cache, and returns milliseconds.
func (l *lab) reading(ctx context.Context, scripts []string) (float64, error) {
	began := time.Now()
	found, err := python.Discover(ctx, python.DiscoverOptions{Python: l.python, Cache: l.file(".discovered")}, scripts)
	if err != nil {
		return 0, err
	}
	took := time.Since(began)
	for _, f := range found {
		if f.Unreadable {
			return 0, fmt.Errorf("%s: %s", f.Path, f.Problems[0].Message)
		}
	}
	return float64(took.Microseconds()) / 1000, nil
}

// argparseScripts writes n scripts with a hundred options each, half of them
// added by a helper in another file.
func (l *lab) argparseScripts(n int) ([]string, error) {
	dir := filepath.Join(l.dir, "argparse")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	var helper strings.Builder
	helper.WriteString("def add(parser):\n")
	for i := range 50 {
		fmt.Fprintf(&helper, "    parser.add_argument('--helped-%d', type=float, default=%d.5, help='the option %d')\n", i, i, i)
	}
	if err := os.WriteFile(filepath.Join(dir, "helper.py"), []byte(helper.String()), 0o644); err != nil {
		return nil, err
	}
	var out []string
	for s := range n {
		var b strings.Builder
		b.WriteString("import argparse\nfrom helper import add\n\ndef main():\n    parser = argparse.ArgumentParser()\n    add(parser)\n")
		for i := range 50 {
			fmt.Fprintf(&b, "    parser.add_argument('--own-%d', type=int, default=%d, choices=[%d, %d], help='the option %d')\n", i, i, i, i+s+1, i)
		}
		b.WriteString("    args = parser.parse_args()\n    for step in range(args.own_1):\n        print(args.helped_1)\n\nmain()\n")
		path := filepath.Join(dir, fmt.Sprintf("s%d.py", s))
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			return nil, err
		}
		out = append(out, path)
	}
	return out, nil
}
