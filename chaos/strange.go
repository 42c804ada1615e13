//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/mlhost/mlhost/internal/proc"
	"github.com/mlhost/mlhost/shared/script"
)

// bystander is a process that has nothing to do with any host. It writes down
// every signal that it gets.
type bystander struct {
	pid  int
	cmd  *exec.Cmd
	life io.Closer // it ends when nobody holds the other end of its standard input
	file string
}

func (l *lab) bystander(ctx context.Context) (*bystander, error) {
	l.n++
	b := &bystander{file: filepath.Join(l.dir, fmt.Sprintf("signals%d", l.n))}
	b.cmd = exec.CommandContext(ctx, "bash", "-c", `: > "$1.new"
for s in {1..64}; do trap "echo $s >> '$1.new'" $s 2>/dev/null; done
trap - CHLD
mv "$1.new" "$1" && exec 9>>"$1"
for s in {1..64}; do trap "echo $s >&9" $s 2>/dev/null; done
trap - CHLD
echo ready
while read -r _; do :; done`, "bystander", b.file)
	b.cmd.Env = l.environment()
	life, err := b.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	b.life = life
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := b.cmd.Start(); err != nil {
		return nil, err
	}
	b.pid = b.cmd.Process.Pid
	if _, err := out.Read(make([]byte, 1)); err != nil {
		return nil, errors.Join(err, b.end())
	}
	return b, nil
}

func (b *bystander) end() error {
	err := b.life.Close()
	_ = b.cmd.Wait() // how it ends does not matter
	return err
}

// touched counts the signals that it got; one that ended it counts too.
func (b *bystander) touched() (int, error) {
	text, err := os.ReadFile(b.file)
	n := strings.Count(string(text), "\n")
	if !proc.Runs(b.pid) {
		n++
	}
	return n, err
}

// forgeries are the ways in which the record of a run can tell of a process
// that is not the run's.
var forgeries = []struct {
	name  string
	forge func(record map[string]any, other *bystander) (text []byte, err error)
}{
	{"another process's pid", func(r map[string]any, other *bystander) ([]byte, error) {
		r["pid"] = other.pid
		return json.Marshal(r)
	}},
	{"another process's pid and start", func(r map[string]any, other *bystander) (_ []byte, err error) {
		r["pid"] = other.pid
		if r["start_time"], err = proc.Start(other.pid); err != nil {
			return nil, err
		}
		return json.Marshal(r)
	}},
	{"another process's pid, of another boot", func(r map[string]any, other *bystander) (_ []byte, err error) {
		r["pid"], r["boot_id"] = other.pid, "00000000-0000-0000-0000-000000000000"
		if r["start_time"], err = proc.Start(other.pid); err != nil {
			return nil, err
		}
		return json.Marshal(r)
	}},
	{"a sound record of another process's pid", func(r map[string]any, other *bystander) ([]byte, error) {
		r["pid"] = other.pid
		return sealed(r)
	}},
	{"a sound record of another process's pid and start", func(r map[string]any, other *bystander) (_ []byte, err error) {
		r["pid"] = other.pid
		if r["start_time"], err = proc.Start(other.pid); err != nil {
			return nil, err
		}
		return sealed(r)
	}},
	{"another process's pid, truncated", func(r map[string]any, other *bystander) ([]byte, error) {
		r["pid"] = other.pid
		text, err := json.Marshal(r)
		return text[:len(text)/2], err
	}},
	{"nothing", func(map[string]any, *bystander) ([]byte, error) { return nil, nil }},
}

// sealed writes a record with the checksum that fits: what is left when the
// system has given a pid anew.
func sealed(record map[string]any) ([]byte, error) {
	was, ok := record["sum"].(string)
	text, err := json.Marshal(record)
	if !ok || err != nil {
		return nil, errors.Join(err, errors.New("the record has no sum"))
	}
	key := func(sum string) []byte { return []byte(`"sum": "` + sum + `"`) }
	text = bytes.Replace(text, []byte(`"sum":"`+was+`"`), key(noSum), 1)
	sum := sha256.Sum256(text)
	return bytes.Replace(text, key(noSum), key(hex.EncodeToString(sum[:])), 1), nil
}

// noSum stands in a record while its sum is made.
const noSum = "0000000000000000000000000000000000000000000000000000000000000000"

// strange puts another process's id into the record of a run, in several ways.
func strange(ctx context.Context, l *lab, o *outcome) error {
	n := len(forgeries)
	h, before, err := counting(ctx, l, n+2)
	if err != nil {
		return err
	}
	if err := h.kill(ctx); err != nil {
		return err
	}
	other, err := l.bystander(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, other.end()) }()
	var victims []string
	for i, f := range forgeries {
		victims = append(victims, "s"+strconv.Itoa(i))
		path := filepath.Join(h.state, "c", "runs", before[victims[i]].Run, "instance.json")
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var record map[string]any
		if err := json.Unmarshal(text, &record); err != nil {
			return err
		}
		if text, err = f.forge(record, other); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return err
		}
	}
	if err := h.start(ctx); err != nil {
		return err
	}
	if err := h.reach(ctx, 30*time.Second, []script.State{script.Lost}, victims...); err != nil {
		return err
	}
	o.count("forged records", float64(n))
	now, err := h.all(ctx)
	if err != nil {
		return err
	}
	for i, name := range victims {
		if now[name].Reason == "" {
			o.breaks("no reason is told for the run whose record holds %s", forgeries[i].name)
		}
	}
	// Nobody knows the processes whose records were forged: they see that they are given up, and end themselves.
	if err := until(ctx, 20*time.Second, "the processes of the forged records end themselves", func() (bool, error) {
		for _, name := range victims {
			if proc.Lives(*before[name].PluginPID) {
				return false, nil
			}
		}
		return true, nil
	}); err != nil {
		return err
	}
	for _, name := range victims {
		delete(before, name)
	}
	o.zero("other processes replaced", replaced(o, before, now))
	if err := h.account(ctx, o, before); err != nil {
		return err
	}
	touched, err := other.touched()
	o.zero("signals to a strange process", touched)
	return err
}
