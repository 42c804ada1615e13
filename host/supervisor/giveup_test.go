package supervisor

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

// spoil changes the text of a process's record.
func spoil(t *testing.T, p *Process, change func([]byte) []byte) {
	t.Helper()
	path := filepath.Join(p.dir, instanceFile)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

// lost is the reason for which the next host gives the run up. What the process
// has said until it ended itself is kept.
func (r *rig) lost(conf *config.Script) string {
	r.t.Helper()
	next := r.next(conf)
	next.start()
	end := next.state(conf.Name, script.Lost, 1)
	if h, err := openHandle(r.procs[0].PID()); err == nil { // not waited for: it is this test's child
		defer h.close()
		if hasMark(h.pid, r.procs[0].instance.mark()) {
			r.t.Errorf("it goes on though its run is lost: %s", end.Reason)
			if err := r.procs[0].child.kill(); err != nil {
				r.t.Error(err)
			}
		}
	}
	exit, ok, err := readExit(r.procs[0].dir, r.procs[0].run)
	if !ok || exit.State != script.Stopped || !strings.Contains(exit.Reason, "has given the run up") {
		r.t.Errorf("it did not end by itself: %+v, %v", exit, err)
	}
	checkTalk(r.t, conf.Name, r, next)
	return end.Reason
}

// A run whose record was cut short is lost. Nothing is signalled: its process,
// which would survive any signal but SIGKILL, ends itself.
func TestTruncatedRecord(t *testing.T) {
	for _, part := range []float64{0, 0.01, 0.4, 0.98} {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			conf := testPlugin("trainer", "talks")
			r := left(t, conf)
			spoil(t, r.procs[0], func(b []byte) []byte { return b[:int(part*float64(len(b)))] })
			wantText(t, r.lost(conf), "the record of its process is damaged: read instance.json: ")
		})
	}
}

// One byte that is another one makes a record useless, wherever it is.
func TestFlippedRecord(t *testing.T) {
	for _, key := range []string{"run", "script", "nonce", "boot_id", "pid", "start_time", "socket", "sha256", "protocol", "begun", "sum"} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			boot, err := bootID()
			if err != nil {
				t.Fatal(err)
			}
			home := filepath.Join(dir, "runs", "run")
			if err := os.MkdirAll(home, 0o700); err != nil {
				t.Fatal(err)
			}
			in := instance{
				Run: "run", Script: "trainer", Nonce: "n", BootID: boot, PID: os.Getpid(), StartTime: 123, Socket: "unix:/x",
				SHA256: "ab", Protocol: 1, Begun: true,
			}
			if err := writeInstance(home, in, false); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(home, instanceFile)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			at := bytes.Index(b, []byte(`"`+key+`": `)) + len(key) + 5
			for _, bit := range []byte{1, 2, 4, 8, 16, 32, 64, 128} {
				flipped := bytes.Clone(b)
				flipped[at] ^= bit
				if err := os.WriteFile(path, flipped, 0o600); err != nil {
					t.Fatal(err)
				}
				if got, err := readInstance(home); err == nil {
					t.Errorf("bit %d: %+v", bit, got)
				}
			}
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if got, err := readInstance(home); err != nil || !got.summed || got.Script != "trainer" {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// A record that names another process, another boot or another script than it
// did ends nothing: neither the process that it names nor the one that it named.
func TestChangedRecord(t *testing.T) {
	other := exec.CommandContext(t.Context(), "sleep", "1000")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Process.Kill(); _ = other.Wait() }()
	for name, test := range map[string]struct {
		change func(*instance)
		reason string
	}{
		"pid":    {func(in *instance) { in.PID = other.Process.Pid }, "belongs to another process, which was not touched"},
		"boot":   {func(in *instance) { in.BootID = "00000000-0000-0000-0000-000000000000" }, "names another boot of the machine"},
		"script": {func(in *instance) { in.Script = "trainee" }, "the record of its process is damaged: "},
		"run":    {func(in *instance) { in.Run = "another" }, "the record of its process is damaged: "},
	} {
		t.Run(name, func(t *testing.T) {
			conf := testPlugin("trainer", "talks")
			r := left(t, conf)
			was, err := readInstance(r.procs[0].dir)
			if err != nil {
				t.Fatal(err)
			}
			now := was
			test.change(&now)
			a, _ := was.encode()
			b, err := now.encode()
			if err != nil {
				t.Fatal(err)
			}
			sum := func(b []byte) string { return string(b[bytes.Index(b, []byte(`"sum": "`))+8:][:64]) }
			spoil(t, r.procs[0], func([]byte) []byte { return setSum(b, sum(b), sum(a)) })
			wantText(t, r.lost(conf), test.reason, "its checksum does not fit")
			if began, err := startTime(other.Process.Pid); err != nil || began == 0 {
				t.Errorf("the other process: %v", err)
			}
		})
	}
}

// A pid that a process of the same binary has by now, with another run, is not
// the process that was recorded.
func TestSameBinaryOtherRun(t *testing.T) {
	one, two := testPlugin("one", "talks"), testPlugin("two", "talks")
	r := left(t, one, two)
	first, second := r.procs[0], r.procs[1]
	spoil(t, first, func(b []byte) []byte {
		return bytes.Replace(b, fmt.Appendf(nil, `"pid": %d`, first.PID()), fmt.Appendf(nil, `"pid": %d`, second.PID()), 1)
	})
	next := r.next(one, two)
	next.start()
	wantText(t, next.state("one", script.Lost, 1).Reason, "belongs to another process")
	next.state("two", script.Running, 1)
	if p := next.process("two"); p.PID() != second.PID() {
		t.Errorf("process %d, not %d", p.PID(), second.PID())
	}
}

// A process that does not end itself is named, and its script is not started
// beside it.
func TestGivenUpGoesOn(t *testing.T) {
	conf := testPlugin("trainer", "deaf")
	conf.Restart = config.Restart{Policy: config.RestartAlways, MaxAttempts: 3}
	r := newRig(t, Options{}, conf)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(t.Context()) }()
	r.log("trainer", "deaf")
	r.goes(ended)
	spoil(t, r.procs[0], func(b []byte) []byte { return b[:len(b)/2] })

	next := r.next(conf)
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nobody is waited for
	next.sweep(ctx)
	wantText(t, next.state("trainer", script.Lost, 1).Reason,
		"is damaged", fmt.Sprintf("what goes on of it was not touched: process %d", r.procs[0].PID()))
	next.mu.Lock()
	busy := next.Supervisor.units["trainer"].wanted
	next.mu.Unlock()
	if busy {
		t.Error("it is to be started beside the one that goes on")
	}
	if !hasMark(r.procs[0].PID(), r.procs[0].run) {
		t.Error("it was touched")
	}
	if err := r.procs[0].child.kill(); err != nil {
		t.Error(err)
	}
}

// A host on a copy of a state directory leaves the processes of the original
// alone.
func TestCopiedState(t *testing.T) {
	conf := testPlugin("trainer", "talks")
	r := left(t, conf)
	p := r.procs[0]
	b, err := os.ReadFile(filepath.Join(p.dir, instanceFile))
	if err != nil {
		t.Fatal(err)
	}
	other := newRig(t, Options{}, conf)
	home := filepath.Join(other.options.Dir, "runs", p.run)
	if err := os.MkdirAll(home, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, instanceFile), b, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nobody is waited for
	other.sweep(ctx)
	wantText(t, other.state("trainer", script.Lost, 1).Reason, "of which this is a copy", "was not touched")
	next := r.next(conf)
	next.start()
	next.state("trainer", script.Running, 1)
	if now := next.process("trainer"); now.PID() != p.PID() {
		t.Errorf("process %d, not %d", now.PID(), p.PID())
	}
}
