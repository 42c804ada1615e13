// Package proc reads what Linux tells of processes in /proc, for the programs
// that measure mlhost and put it to the test. Elsewhere its functions return
// errors.
package proc

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Lives reports whether a process is there, and not only its remains.
func Lives(pid int) bool {
	fields, err := stat(pid)
	if err != nil {
		return false
	}
	if fields[0] != "Z" {
		return true
	}
	// The first thread may be gone while others still hold files.
	threads, err := os.ReadDir(path(pid, "task"))
	return err == nil && len(threads) > 1
}

// Runs reports whether a process lives and is not stopped by a signal.
func Runs(pid int) bool {
	fields, err := stat(pid)
	return err == nil && Lives(pid) && fields[0] != "T"
}

// Start is when a process was started, in ticks since the machine was.
func Start(pid int) (uint64, error) {
	fields, err := stat(pid)
	if err != nil {
		return 0, err
	}
	if len(fields) < 20 {
		return 0, fmt.Errorf("process %d: %d fields", pid, len(fields))
	}
	return strconv.ParseUint(fields[19], 10, 64)
}

// CPU is the processor time that a process has used so far, to the
// nanosecond where the kernel counts that for each thread.
func CPU(pid int) (time.Duration, error) {
	fields, err := stat(pid)
	if err != nil {
		return 0, err
	}
	if len(fields) < 13 {
		return 0, fmt.Errorf("process %d: %d fields", pid, len(fields))
	}
	var ticks float64
	for _, field := range fields[11:13] { // of the user, of the kernel
		n, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return 0, fmt.Errorf("process %d: %w", pid, err)
		}
		ticks += n
	}
	const perSecond = 100 // on every machine that Go runs on
	if exact := exactCPU(pid); exact > 0 {
		return exact, nil
	}
	return time.Duration(ticks / perSecond * float64(time.Second)), nil
}

// exactCPU sums the threads' times, which not every kernel tells; 0 where it
// does not.
func exactCPU(pid int) (sum time.Duration) {
	threads, _ := filepath.Glob(path(pid, "task/*/schedstat")) // the pattern is right
	for _, t := range threads {
		text, _ := os.ReadFile(t) // one that has just ended has none
		ns, _, _ := strings.Cut(string(text), " ")
		n, _ := strconv.ParseInt(ns, 10, 64) // 0 of nothing
		sum += time.Duration(n)
	}
	return sum
}

// Resident is the memory of a process that is in use now, in MB.
func Resident(pid int) (float64, error) { return mb(pid, "status", "VmRSS") }

// Peak is the most that Resident has ever been.
func Peak(pid int) (float64, error) { return mb(pid, "status", "VmHWM") }

// Private sums what processes keep to themselves, in MB.
func Private(pids ...int) (float64, error) {
	sum := 0.0
	for _, pid := range pids {
		n, err := mb(pid, "smaps_rollup", "Private_Clean", "Private_Dirty")
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// Files is the number of descriptors that a process has open.
func Files(pid int) (int, error) {
	entries, err := os.ReadDir(path(pid, "fd"))
	return len(entries), err
}

// Process is one that was found.
type Process struct {
	PID     int
	Command string
}

// String shows the process's id and its command.
func (p Process) String() string { return strconv.Itoa(p.PID) + " " + p.Command }

// WithEnv finds the processes that live and were started with NAME=VALUE in
// their environment.
func WithEnv(name, value string) []Process {
	var found []Process
	want := []byte(name + "=" + value)
	environs, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is right
	for _, file := range environs {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended, or is another user's
		}
		for entry := range bytes.SplitSeq(text, []byte{0}) {
			if !bytes.Equal(entry, want) {
				continue
			}
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			if err == nil && Lives(pid) {
				line, _ := os.ReadFile(path(pid, "cmdline")) // it is for people
				found = append(found, Process{pid, string(bytes.TrimSpace(bytes.ReplaceAll(line, []byte{0}, []byte(" "))))})
			}
			break
		}
	}
	return found
}

// Field returns the first value of a "name: value" file, "unknown" where
// there is none.
func Field(file, name string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func path(pid int, file string) string { return fmt.Sprintf("/proc/%d/%s", pid, file) }

// stat returns the fields behind the process's name, which may hold anything.
func stat(pid int) ([]string, error) {
	text, err := os.ReadFile(path(pid, "stat"))
	if err != nil {
		return nil, err
	}
	i := bytes.LastIndex(text, []byte(") "))
	if i < 0 {
		return nil, fmt.Errorf("process %d: %q is no stat", pid, text)
	}
	return strings.Fields(string(text[i+2:])), nil
}

// mb sums fields that are in kB.
func mb(pid int, file string, names ...string) (float64, error) {
	sum := 0.0
	for _, name := range names {
		value := Field(path(pid, file), name)
		kb, err := strconv.ParseFloat(strings.TrimSuffix(value, " kB"), 64)
		if err != nil {
			return 0, fmt.Errorf("process %d has no %s", pid, name)
		}
		sum += kb / 1024
	}
	return sum, nil
}
