package sdk

import (
	"os"
	"runtime"
	"runtime/debug"

	"github.com/mlhost/mlhost/shared/script"
)

// Recorder is a script that reports by itself what its run needs to be
// understood later: a wrapper. Of any other the session records the machine,
// and what the program was built of.
type Recorder interface {
	// RecordsItself is never called.
	RecordsItself()
}

// recordFacts reports what a Go plugin's run needs to be understood later.
func (p *Plugin) recordFacts() {
	if _, itself := p.script.(Recorder); itself {
		return
	}
	record := map[string]script.Value{"machine": Machine(), "language": script.String("go")}
	if dir, err := os.Getwd(); err == nil {
		record["directory"] = script.String(dir)
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		addBuild(record, info)
	}
	p.recorder.emit(script.Recorded{Record: record})
}

// addBuild adds what a program was built of: its modules as packages, and the
// commit that its sources were at.
func addBuild(record map[string]script.Value, info *debug.BuildInfo) {
	record["build"] = script.Map(map[string]script.Value{
		"go": script.String(info.GoVersion), "path": script.String(info.Path), "version": script.String(info.Main.Version),
	})
	packages := map[string]script.Value{}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		packages[m.Path] = script.String(m.Version)
	}
	record["packages"] = script.Map(packages)
	git := map[string]script.Value{}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			git["commit"] = script.String(s.Value)
		case "vcs.modified":
			git["dirty"] = script.Bool(s.Value == "true")
		}
	}
	if len(git) > 0 {
		record["git"] = script.Map(git)
	}
}

// Machine tells where this process runs, in the form that a run's record has
// it in.
func Machine() script.Value {
	m := map[string]script.Value{
		"os": script.String(runtime.GOOS), "arch": script.String(runtime.GOARCH), "cpus": script.Int(int64(runtime.NumCPU())),
	}
	if name, err := os.Hostname(); err == nil {
		m["name"] = script.String(name)
	}
	return script.Map(m)
}
