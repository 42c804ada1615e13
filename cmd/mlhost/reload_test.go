package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// builds are the executables of the turner, by the version that was given to
// the linker.
var builds = struct {
	sync.Mutex
	dir  string
	made map[string]string
}{made: map[string]string{}}

// turner builds the plugin for hot reloads, puts it into the place of the one
// that is there, and appends lines that change what it does:
//
//	turner [-ldflags VERSION] [-into|-rename|-link] FILE [KEY=VALUE…]
//
// -into writes over the file that is there, -link makes FILE a link to another
// file; otherwise the new file is renamed to FILE.
func turner(ts *testscript.TestScript, _ bool, args []string) {
	version, how := "1", "-rename"
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		if args[0] == "-ldflags" {
			version, args = args[1], args[2:]
			continue
		}
		how, args = args[0], args[1:]
	}
	base, err := buildTurner(version)
	ts.Check(err)
	data, err := os.ReadFile(base)
	ts.Check(err)
	for _, turn := range args[1:] {
		key, value, _ := strings.Cut(turn, "=")
		data = fmt.Appendf(data, "\n#turner %s %s\n", key, value)
	}
	file := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(file), 0o755))
	if how == "-into" {
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_TRUNC, 0)
		ts.Check(err)
		_, err = f.Write(data)
		ts.Check(err)
		ts.Check(f.Close())
		return
	}
	f, err := os.CreateTemp(filepath.Dir(file), "build-*")
	ts.Check(err)
	_, err = f.Write(data)
	ts.Check(err)
	ts.Check(f.Chmod(0o755))
	ts.Check(f.Close())
	if how == "-link" {
		ts.Check(os.Symlink(filepath.Base(f.Name()), f.Name()+".link"))
		ts.Check(os.Rename(f.Name()+".link", file))
		return
	}
	ts.Check(os.Rename(f.Name(), file))
}

func buildTurner(version string) (string, error) {
	builds.Lock()
	defer builds.Unlock()
	if path := builds.made[version]; path != "" {
		return path, nil
	}
	if builds.dir == "" {
		dir, err := os.MkdirTemp("", "mlhost-turner-")
		if err != nil {
			return "", err
		}
		builds.dir = dir
		atEnd = append(atEnd, func() error { return os.RemoveAll(dir) })
	}
	path := filepath.Join(builds.dir, version)
	out, err := exec.Command("go", "build", "-ldflags", "-s -w -X main.version="+version, "-o", path, "./testdata/turner").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build turner: %w\n%s", err, out)
	}
	builds.made[version] = path
	return path, nil
}

// slowly writes a build over the one that is there, in pieces:
//
//	slowly FILE [KEY=VALUE…]
func slowly(ts *testscript.TestScript, _ bool, args []string) {
	base, err := buildTurner("1")
	ts.Check(err)
	data, err := os.ReadFile(base)
	ts.Check(err)
	for _, turn := range args[1:] {
		key, value, _ := strings.Cut(turn, "=")
		data = fmt.Appendf(data, "\n#turner %s %s\n", key, value)
	}
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_WRONLY|os.O_TRUNC, 0)
	ts.Check(err)
	for piece := range slices.Chunk(data, len(data)/4+1) {
		_, err = f.Write(piece)
		ts.Check(err)
		time.Sleep(400 * time.Millisecond) // longer than a save takes to settle
	}
	ts.Check(f.Close())
}

// alone tests that no process of the turner is left.
func alone(ts *testscript.TestScript, _ bool, _ []string) {
	if pids := marked(ts); len(pids) > 0 {
		ts.Fatalf("left: processes %v", pids)
	}
	runs, err := filepath.Glob(ts.MkAbs("state/lab/runs/*"))
	ts.Check(err)
	for _, run := range runs {
		for _, pattern := range []string{"p", "*/p", "instance.json", "*/spool.jsonl", "handover.json"} {
			left, err := filepath.Glob(filepath.Join(run, pattern))
			ts.Check(err)
			if len(left) > 0 {
				ts.Fatalf("left: %v", left)
			}
		}
	}
}

func processes(ts *testscript.TestScript) []string {
	entries, err := os.ReadDir("/proc")
	ts.Check(err)
	var pids []string
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, e.Name())
		}
	}
	return pids
}

// single tests that one process of the turner lives.
func single(ts *testscript.TestScript, _ bool, _ []string) {
	if pids := marked(ts); len(pids) != 1 {
		ts.Fatalf("processes: %v", pids)
	}
}

// marked lists the processes that carry the mark of a run.
func marked(ts *testscript.TestScript) []string {
	runs, err := filepath.Glob(ts.MkAbs("state/lab/runs/*"))
	ts.Check(err)
	var found []string
	for _, pid := range processes(ts) {
		env, err := os.ReadFile(filepath.Join("/proc", pid, "environ"))
		if err != nil {
			continue // gone, or another user's
		}
		for _, run := range runs {
			if i := strings.Index(string(env), "MLHOST_RUN="+filepath.Base(run)); i >= 0 {
				mark, _, _ := strings.Cut(string(env)[i:], "\x00")
				status, _ := os.ReadFile(filepath.Join("/proc", pid, "status"))
				state, _, _ := strings.Cut(string(status[max(0, strings.Index(string(status), "State:")):]), "\n")
				found = append(found, pid+" "+mark+" "+state)
			}
		}
	}
	return found
}

// killing replaces the turner's binary again and again, and kills the host at
// some moment behind each time:
//
//	killing TIMES
func killing(ts *testscript.TestScript, _ bool, args []string) {
	times, err := strconv.Atoi(args[0])
	ts.Check(err)
	for i := range times {
		overlap := "yes"
		if i%2 == 0 {
			overlap = "no"
		}
		turner(ts, false, []string{"bin/turner", fmt.Sprintf("version=k%d", i), "overlap=" + overlap})
		time.Sleep(200*time.Millisecond + time.Duration(rand.IntN(400))*time.Millisecond) // any moment
		killPID(ts, false, []string{"KILL", "state/lab/host.lock"})
		await(ts, false, []string{"no host is running", "mlhost", "ps"})
		ts.Check(ts.Exec("mlhost", "run", "config.hcl", "-d"))
		await(ts, false, []string{fmt.Sprintf("k%d$", i), "mlhost", "call", "turner", "writers", "1"})
		single(ts, false, nil)
	}
}
