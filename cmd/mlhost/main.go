// Command mlhost runs machine-learning scripts as one system: it starts and
// watches them, changes their parameters while they run, and shows and keeps
// what they report. `mlhost help` lists its verbs.
package main

import (
	"context"
	"os"
	"runtime/debug"

	"github.com/mlhost/mlhost/wrappers/interpreter"
)

// version is set by the build.
var version = ""

func main() { os.Exit(run()) }

// run is the whole program; its result is the exit code.
func run() int {
	a := &app{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		getenv: os.LookupEnv,
	}
	args := os.Args[1:]
	if launch, ok := wrapperLaunch(args); ok {
		err := interpreter.Serve(launch)
		a.report(err)
		return exitCode(err)
	}
	return a.main(context.Background(), args)
}

// buildVersion returns the version and the commit that this binary was built
// from, as far as they are known.
func buildVersion() (v, commit string) {
	v = version
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v, ""
	}
	if v == "" {
		v = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			commit = s.Value
		}
	}
	if v == "" {
		v = "(devel)"
	}
	return v, commit
}
