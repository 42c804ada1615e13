package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	v1 "github.com/mlhost/mlhost/host/api/v1"
)

// asked decodes what mlhost answers to a command with --json.
func asked(ts *testscript.TestScript, into any, args ...string) {
	path, err := exec.LookPath("mlhost")
	ts.Check(err)
	cmd := exec.Command(path, append(args, "--json")...)
	cmd.Dir, cmd.Env = ts.MkAbs("."), ts.Value(envKey{}).(*testscript.Env).Vars
	out, err := cmd.Output()
	if err != nil {
		ts.Fatalf("mlhost %s: %v", strings.Join(args, " "), err)
	}
	ts.Check(json.Unmarshal(out, into))
}

func scriptNamed(ts *testscript.TestScript, name string) v1.Script {
	var all v1.Scripts
	asked(ts, &all, "ps")
	for _, s := range all.Scripts {
		if s.Name == name {
			return s
		}
	}
	ts.Fatalf("there is no script %s", name)
	return v1.Script{}
}

// identities writes which run and which processes scripts have:
//
//	identities FILE SCRIPT…
func identities(ts *testscript.TestScript, _ bool, args []string) {
	var b bytes.Buffer
	for _, name := range args[1:] {
		s := scriptNamed(ts, name)
		if s.PID == nil || s.PluginPID == nil || s.Started == nil {
			ts.Fatalf("%s does not run: %+v", name, s)
		}
		fmt.Fprintln(&b, name, s.Run, *s.PID, *s.PluginPID, s.Restarts, s.Started.UnixNano())
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o600))
}

// unbroken checks that a variable has gone 1, 2, 3 … in a script's run, and
// its output too, with lines that begin with the variable's name:
//
//	unbroken SCRIPT VARIABLE
func unbroken(ts *testscript.TestScript, _ bool, args []string) {
	var run v1.RunDetail
	asked(ts, &run, "runs", "show", scriptNamed(ts, args[0]).Run, "--samples", args[1])
	points := run.Samples[args[1]]
	for i, p := range points {
		if n, _ := p.Value.Int(); n != int64(i+1) {
			ts.Fatalf("sample %d of %s is %v", i+1, args[1], p.Value)
		}
	}
	lines := 0
	for line := range strings.Lines(ts.ReadFile(filepath.Join("state", "lab", "runs", run.ID, "log.jsonl"))) {
		var l struct{ Text string }
		ts.Check(json.Unmarshal([]byte(line), &l))
		if n, ok := strings.CutPrefix(l.Text, args[1]+"="); ok {
			if lines++; n != strconv.Itoa(lines) {
				ts.Fatalf("line %d is %s", lines, l.Text)
			}
		}
	}
	if len(points) == 0 || lines == 0 {
		ts.Fatalf("%d samples, %d lines", len(points), lines)
	}
}

// forge puts the process id from a file into the record of a script's process:
//
//	forge SCRIPT FILE
func forge(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(filepath.Join("state", "lab", "runs", scriptNamed(ts, args[0]).Run, "instance.json"))
	text, err := os.ReadFile(path)
	ts.Check(err)
	var record map[string]any
	ts.Check(json.Unmarshal(text, &record))
	record["pid"], err = strconv.Atoi(strings.TrimSpace(ts.ReadFile(args[1])))
	ts.Check(err)
	text, err = json.Marshal(record)
	ts.Check(err)
	ts.Check(os.WriteFile(path, text, 0o600))
}

// tamper damages the record of a script's process:
//
//	tamper SCRIPT truncate|empty|boot|seal
//
// Boot and seal give it the checksum that it would have had.
func tamper(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(filepath.Join("state", "lab", "runs", scriptNamed(ts, args[0]).Run, "instance.json"))
	text, err := os.ReadFile(path)
	ts.Check(err)
	switch args[1] {
	case "truncate":
		text = text[:len(text)/2]
	case "empty":
		text = nil
	case "boot":
		var record map[string]any
		ts.Check(json.Unmarshal(text, &record))
		boot, _ := record["boot_id"].(string)
		text = seal(bytes.Replace(text, []byte(boot), []byte("00000000-0000-0000-0000-000000000000"), 1))
	case "seal":
		text = seal(text)
	}
	ts.Check(os.WriteFile(path, text, 0o600))
}

// stray starts a process that carries the mark of a script's run, and writes its
// id into the file stray:
//
//	stray SCRIPT
func stray(ts *testscript.TestScript, _ bool, args []string) {
	cmd := exec.Command("sleep", "1000")
	cmd.Env = append(os.Environ(), "MLHOST_RUN="+scriptNamed(ts, args[0]).Run)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	ts.Check(os.WriteFile(ts.MkAbs("stray"), strconv.AppendInt(nil, int64(cmd.Process.Pid), 10), 0o600))
}

// seal gives the record of a process its checksum.
func seal(text []byte) []byte {
	sum := regexp.MustCompile(`"sum": "[0-9a-f]{64}"`)
	text = bytes.TrimRight(sum.ReplaceAll(text, fmt.Appendf(nil, `"sum": "%064d"`, 0)), "\n")
	return sum.ReplaceAll(text, fmt.Appendf(nil, `"sum": "%x"`, sha256.Sum256(text)))
}
