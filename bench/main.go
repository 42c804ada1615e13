// The benchmark measures what mlhost adds: the first rows of the performance
// promises, each beside the same work done by hand (package byhand) in the
// same run on the same machine. It prints a table and writes JSON.
//
//	go run ./bench [-rows message,broadcast] [-scale 0.2] [-json FILE]
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/mlhost/mlhost/bench/byhand"
	"github.com/mlhost/mlhost/internal/proc"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "byhand" {
		exit(byhand.Main(os.Args[2:]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// row is one line of the promises: a measurement of one or several cells.
type row struct {
	name    string
	what    string
	against string
	measure func(context.Context, *lab) ([]Cell, error)
}

var rows = []row{
	{"set-go", "set a parameter in a Go plugin, API to answer",
		"HTTP on a unix socket, gRPC unary, one synced SQLite transaction", setGo},
	{"set-python", "set a parameter in a Python script, API to applied",
		"the same hops, with a pending call on the same script", setPython},
	{"set-unmodified", "set a global of an unmodified Python script, API to applied",
		"the same hops, with a bare pending call", setUnmodified},
	{"unmodified", "an unmodified Python script under mlhost", "plain python", unmodified},
	{"message", "message A → host → B and back, Go plugins", "two bare bidi ping-pongs", messageRow},
	{"broadcast", "broadcast to 1, 10, 100 scripts", "bare gRPC server streams to as many clients", broadcastRow},
	{"reload", "hot reload under 1,000 calls a second", "the same with no reload", reloadRow},
	{"samples-go", "variable samples: Go plugin → registry, store, bus", "SQLite alone, 1,000-row transactions", samplesGo},
	{"discover", "discovery of Python scripts, a script", "the limits themselves", discoverRow},
	{"start", "start of many plugins, `run` to all running", "bare go-plugin starts, 8 at a time", startRow},
	{"memory", "private memory", "a bare go-plugin plugin", memoryRow},
	{"idle", "the host's processor time while nothing happens", "the limit itself; ten scripts", idleRow},
	{"samples-python", "variable samples: Python script → store", "the limits themselves", samplesPython},
}

func run(ctx context.Context) error {
	only := flag.String("rows", "", "measure these rows only, by name, separated by commas")
	scale := flag.Float64("scale", 1, "do this much of the usual work")
	out := flag.String("json", "bench/results.json", "write the results to this file")
	flag.Parse()

	l, err := newLab(ctx, *scale)
	if err != nil {
		return err
	}
	defer l.close()
	report := Report{Machine: proc.ThisMachine()}
	fmt.Println(report.Machine)
	for _, r := range rows {
		if *only != "" && !strings.Contains(","+*only+",", ","+r.name+",") {
			continue
		}
		cells, err := r.measure(ctx, l)
		result := Result{Name: r.name, What: r.what, Against: r.against, Cells: cells}
		if err != nil {
			result.Error = err.Error()
		}
		result.print(os.Stdout)
		report.Rows = append(report.Rows, result)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	data, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Clean(*out), append(data, '\n'), 0o644); err != nil {
		return err
	}
	fmt.Printf("\nwritten: %s\n", *out)
	return report.err()
}
