package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// leaving is how long what was killed may take to go.
const leaving = 10 * time.Second

// checkLeft fails a script that has left something behind: a process that
// carries the mark of one of its runs, or works in its directory, or has a file
// of it open; a socket, or a file that was to be renamed when it is whole.
func checkLeft(t testscript.T, dir string) {
	if failed, ok := t.(interface{ Failed() bool }); ok && failed.Failed() {
		return // what failed first counts
	}
	for end := time.Now().Add(leaving); ; time.Sleep(20 * time.Millisecond) {
		left := append(leftProcesses(dir), leftFiles(dir)...)
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("left behind:\n" + strings.Join(left, "\n"))
		}
	}
}

// leftProcesses lists the processes that belong to a script's directory,
// without those that the script runs in the background.
func leftProcesses(dir string) []string {
	runs, err := filepath.Glob(filepath.Join(dir, "state*", "*", "runs", "*"))
	if err != nil {
		return []string{err.Error()}
	}
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return []string{err.Error()}
	}
	var left []string
	for _, p := range all {
		pid, err := strconv.Atoi(filepath.Base(p))
		if err != nil || pid == os.Getpid() || parent(p) == os.Getpid() {
			continue
		}
		why := ""
		env, _ := os.ReadFile(filepath.Join(p, "environ")) // another user's cannot be read, and is not ours
		for _, run := range runs {
			if strings.Contains("\x00"+string(env), "\x00MLHOST_RUN="+filepath.Base(run)+"\x00") {
				why = "has the mark of run " + filepath.Base(run)
			}
		}
		links, _ := filepath.Glob(filepath.Join(p, "fd", "*"))
		for _, link := range append(links, filepath.Join(p, "cwd"), filepath.Join(p, "exe")) {
			if to, err := os.Readlink(link); err == nil && within(dir, to) {
				why = "has " + to + " as its " + strings.TrimPrefix(link, p+"/")
			}
		}
		if why != "" {
			command, _ := os.ReadFile(filepath.Join(p, "cmdline"))
			left = append(left, fmt.Sprintf("process %d (%s) %s", pid, strings.ReplaceAll(string(command), "\x00", " "), why))
		}
	}
	return left
}

// parent is the parent of a process by its folder in /proc, 0 for one that is gone.
func parent(proc string) int {
	stat, err := os.ReadFile(filepath.Join(proc, "stat"))
	_, rest, ok := strings.Cut(string(stat), ") ")
	if fields := strings.Fields(rest); err == nil && ok && len(fields) > 1 {
		pid, _ := strconv.Atoi(fields[1])
		return pid
	}
	return 0
}

// leftFiles lists what a host that has ended clears away.
func leftFiles(dir string) []string {
	var left []string
	states, err := filepath.Glob(filepath.Join(dir, "state*"))
	if err != nil {
		return []string{err.Error()}
	}
	for _, state := range states {
		err := filepath.WalkDir(state, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			name := e.Name()
			switch {
			case e.Type()&fs.ModeSocket != 0, name == "instance.json", name == "listen.json", name == "spool.jsonl", name == "handover.json",
				strings.HasPrefix(name, ".new-"), strings.HasSuffix(name, ".new"):
				left = append(left, path)
			}
			return nil
		})
		if err != nil {
			left = append(left, err.Error())
		}
	}
	return left
}

func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}
