package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// terminal is a real program on a pseudo-terminal, and the screen that its
// output makes.
type terminal struct {
	t       *testing.T
	cmd     *exec.Cmd
	file    *os.File
	changed chan struct{} // closed when the screen changes
	done    chan struct{} // closed when the program has ended and its output is read

	mu     sync.Mutex
	screen *vt.Emulator
	raw    bytes.Buffer
}

// newTerminal starts a program with so many columns and rows.
func newTerminal(t *testing.T, columns, rows int, cmd *exec.Cmd) *terminal {
	t.Helper()
	file, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(columns), Rows: uint16(rows)})
	if err != nil {
		t.Fatal(err)
	}
	x := &terminal{
		t: t, cmd: cmd, file: file, screen: vt.NewEmulator(columns, rows), changed: make(chan struct{}), done: make(chan struct{}),
	}
	replies := make(chan struct{})
	go func() { // what the program asks of the terminal
		defer close(replies)
		_, _ = io.Copy(file, x.screen) // ends with the emulator
	}()
	go func() {
		defer close(x.done)
		x.read()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-x.done
		_ = cmd.Wait() // its exit code was looked at where it counts
		_ = x.screen.Close()
		<-replies
		_ = file.Close()
	})
	return x
}

func (x *terminal) read() {
	buf := make([]byte, 32<<10)
	for {
		n, err := x.file.Read(buf)
		x.mu.Lock()
		x.raw.Write(buf[:n])
		_, _ = x.screen.Write(buf[:n]) // the emulator takes everything
		close(x.changed)
		x.changed = make(chan struct{})
		x.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// text returns what stands on the screen, and what is closed when that
// changes.
func (x *terminal) text() (string, <-chan struct{}) {
	x.mu.Lock()
	defer x.mu.Unlock()
	lines := strings.Split(x.screen.String(), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \r")
	}
	return strings.Join(lines, "\n"), x.changed
}

// output returns everything that the program has written.
func (x *terminal) output() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.raw.String()
}

// await waits until the screen matches all patterns, and returns it.
func (x *terminal) await(patterns ...string) string {
	x.t.Helper()
	deadline := time.After(60 * time.Second)
	for {
		text, changed := x.text()
		missing := ""
		for _, p := range patterns {
			if !regexp.MustCompile(`(?m)` + p).MatchString(text) {
				missing = p
			}
		}
		if missing == "" {
			return text
		}
		select {
		case <-changed:
		case <-deadline:
			x.t.Fatalf("no match for %q on the screen:\n%s", missing, text)
		}
	}
}

// press types keys.
func (x *terminal) press(keys ...string) {
	x.t.Helper()
	for _, k := range keys {
		if named, ok := namedKeys[k]; ok {
			k = named
		}
		if _, err := x.file.WriteString(k); err != nil {
			x.t.Fatal(err)
		}
	}
}

// back presses esc and waits until that has shown: what follows an esc at once
// belongs to the same key.
func (x *terminal) back(patterns ...string) {
	x.t.Helper()
	x.press("esc")
	x.await(patterns...)
}

var namedKeys = map[string]string{
	"enter": "\r", "esc": "\x1b", "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "tab": "\t", "space": " ", "ctrl+c": "\x03", "ctrl+u": "\x15",
}

// resize changes the size of the terminal.
func (x *terminal) resize(columns, rows int) {
	x.t.Helper()
	x.mu.Lock()
	x.screen.Resize(columns, rows)
	x.mu.Unlock()
	if err := pty.Setsize(x.file, &pty.Winsize{Cols: uint16(columns), Rows: uint16(rows)}); err != nil {
		x.t.Fatal(err)
	}
}

// end waits until the program has ended and returns its exit code.
func (x *terminal) end() int {
	x.t.Helper()
	select {
	case <-x.done:
	case <-time.After(60 * time.Second):
		text, _ := x.text()
		x.t.Fatalf("the program does not end:\n%s", text)
	}
	_ = x.cmd.Wait() // the state has the exit code
	return x.cmd.ProcessState.ExitCode()
}
