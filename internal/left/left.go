// Package left tells what the tests of a package leave behind: goroutines,
// child processes, sockets, and files that are open.
package left

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.uber.org/goleak"
)

// patience is how long what is about to end may take for it.
const patience = 2 * time.Second

// Main runs a package's tests, cleans up, and fails them where something is
// left. It does not return.
func Main(m interface{ Run() int }, cleanup ...func() error) {
	code, err := Run(m, cleanup...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// Run is Main for who has more to do before the process ends. The code is not
// 0 where there is an error.
func Run(m interface{ Run() int }, cleanup ...func() error) (code int, err error) {
	before := open()
	code = m.Run()
	if code == 0 { // what failed first counts
		err = find(before)
	}
	for _, clean := range cleanup {
		err = errors.Join(err, clean())
	}
	if err != nil && code == 0 {
		code = 1
	}
	return code, err
}

func find(before map[string]bool) error {
	err := goleak.Find()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		left := children()
		for name := range open() {
			if !before[name] {
				left = append(left, "open: "+name)
			}
		}
		if len(left) == 0 {
			return err
		}
		if time.Now().After(end) {
			return errors.Join(err, fmt.Errorf("the tests left behind:\n%s", strings.Join(left, "\n")))
		}
	}
}

// children lists the processes that this one has started and that live.
// Without /proc there are none to be seen.
func children() []string {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	var out []string
	for _, file := range stats {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		end := strings.LastIndexByte(string(text), ')') // a command may hold anything
		fields := strings.Fields(string(text[end+1:]))
		if len(fields) < 2 || fields[1] != strconv.Itoa(os.Getpid()) || fields[0] == "Z" {
			continue
		}
		command, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline")) // for people
		out = append(out, fmt.Sprintf("process %s: %s", filepath.Base(filepath.Dir(file)), strings.ReplaceAll(string(command), "\x00", " ")))
	}
	return out
}

// open lists the sockets of this process, and its files below the directory
// for temporary ones.
func open() map[string]bool {
	out := map[string]bool{}
	links, _ := filepath.Glob("/proc/self/fd/*") // the pattern is right
	for _, link := range links {
		to, err := os.Readlink(link)
		if err != nil {
			continue // it is the one that the list was read with
		}
		temporary := strings.HasPrefix(to, os.TempDir()+"/") && !strings.Contains(to, "/go-build")
		if temporary || strings.HasPrefix(to, "socket:") {
			out[to] = true
		}
	}
	return out
}
