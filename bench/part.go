package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// part is a process of package byhand. It ends when its standard input does.
type part struct {
	name   string
	cmd    *exec.Cmd
	stdin  io.Closer
	stdout bytes.Buffer
	stderr bytes.Buffer
}

// startPart starts one part of the work by hand: this very program, again.
func startPart(ctx context.Context, args ...string) (*part, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &part{name: args[0], cmd: exec.CommandContext(ctx, self, append([]string{"byhand"}, args...)...)}
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	return p, p.cmd.Start()
}

// wait waits until the part ends by itself and decodes what it printed.
func (p *part) wait(result any) error {
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("by hand, %s: %w: %s", p.name, err, bytes.TrimSpace(p.stderr.Bytes()))
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(p.stdout.Bytes(), result)
}

// end tells the part to end and waits for that.
func (p *part) end() {
	p.stdin.Close()
	_ = p.cmd.Wait() // how it ends does not matter any more
}
