package byhand

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

//go:embed script.py
var script string

// serveWrapper answers Set by one JSON line to a Python script and one back,
// over a socket pair. Loop is "tight",
// "sleeping" or "computing".
func serveWrapper(ctx context.Context, socket, python, loop string) error {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return fmt.Errorf("make socket pair: %w", err)
	}
	syscall.CloseOnExec(pair[0])
	syscall.CloseOnExec(pair[1])
	ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	defer ours.Close()
	command := exec.CommandContext(ctx, python, "-c", script, loop)
	command.ExtraFiles = []*os.File{theirs} // descriptor 3
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		return err
	}
	defer command.Wait() //nolint:errcheck // it is killed with ctx
	theirs.Close()

	var mu sync.Mutex // one set at a time on the line
	lines := bufio.NewReader(ours)
	h := &handlers{set: func(_ context.Context, in *message) (*message, error) {
		mu.Lock()
		defer mu.Unlock()
		line, err := json.Marshal(in.AsMap())
		if err != nil {
			return nil, err
		}
		if _, err := ours.Write(append(line, '\n')); err != nil {
			return nil, err
		}
		answer, err := lines.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		out := new(message)
		return out, json.Unmarshal(answer, out)
	}}
	return h.serve(ctx, socket)
}
