package supervisor

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// What is wrong with a plugin is said with its name and its place, and the
// others start.
func TestBadPlugins(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	foreign := "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9) + "\x02\x00\xb6\x00\x01\x00\x00\x00" + strings.Repeat("\x00", 40)
	tests := []struct {
		name, kind, path, pin string
		code                  script.Code
		says                  []string
	}{
		{name: "missing", path: filepath.Join(dir, "nothing"), code: script.CodeNotFound, says: []string{"there is no plugin", "nothing"}},
		{name: "directory", path: dir, says: []string{"is a directory"}},
		{name: "plain", path: file("plain", "#!/bin/sh\n", 0o644), says: []string{"not executable", "chmod +x"}},
		{name: "empty", path: file("empty", "", 0o755), says: []string{"is empty"}},
		{name: "foreign", path: file("foreign", foreign, 0o755), says: []string{"built for another processor", "GOARCH"}},
		{name: "windows", path: file("windows", "MZ\x90\x00 and so on", 0o755), says: []string{"built for Windows"}},
		{name: "garbage", path: file("garbage", "no program at all", 0o755), says: []string{"cannot be executed", "exec format error"}},
		{name: "lost", path: file("lost", "#!/no/such/interpreter\n", 0o755), says: []string{"cannot be executed"}},
		{name: "pinned", kind: "steps", pin: strings.Repeat("0", 64), says: []string{"not the pinned one", strings.Repeat("0", 64)}},
		{name: "noisy", kind: "noisy", says: []string{"before the handshake", `hello\x1b[2J, I am no plugin`}},
		{name: "early", kind: "early", says: []string{"ended before the handshake", "exit code 3", "no such device"}},
		{name: "old", kind: "old", says: []string{"version 7 of the plugin protocol", "speaks 1"}},
		{name: "dies", kind: "describe-dies", says: []string{"ended before it could describe itself", "exit code 4", "out of luck"}},
		{name: "refuses", kind: "no-start", says: []string{"this machine has no GPU"}},
	}
	r := newRig(t, Options{StartTimeout: patience}, testPlugin("good", "waits"))
	for _, tt := range tests {
		conf := testPlugin(tt.name, tt.kind)
		if tt.path != "" {
			conf.Plugin = tt.path
		}
		conf.SHA256 = tt.pin
		if err := r.Add(conf); err != nil {
			t.Fatal(err)
		}
	}
	r.start()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			end := r.state(tt.name, script.Failed, 1)
			wantText(t, end.Reason, tt.says...)
			wantText(t, end.Reason, "main.hcl:3,1")
			err := r.Start(r.soon(), tt.name)
			wantError(t, err, tt.code, tt.says...)
			wantError(t, err, tt.code, tt.name)
		})
	}
	r.log("good", "waiting")
}

// A plugin that hangs in its handshake or in Describe is given up, and can be
// stopped while it hangs.
func TestHangingPlugins(t *testing.T) {
	slow := testPlugin("stopped", "mute")
	r := newRig(t, Options{StartTimeout: 500 * time.Millisecond}, testPlugin("mute", "mute"), testPlugin("describe", "describe-hangs"))
	r.start()
	end := r.state("mute", script.Failed, 1)
	wantText(t, end.Reason, "did not shake hands in time", "importing torch")
	end = r.state("describe", script.Failed, 1)
	wantText(t, end.Reason, "did not describe itself in time")

	patient := newRig(t, Options{StartTimeout: time.Hour}, slow)
	patient.start()
	patient.state("stopped", script.Starting, 1)
	if err := patient.Stop(patient.soon(), "stopped"); err != nil {
		t.Fatal(err)
	}
	patient.state("stopped", script.Stopped, 1)
}

// A stopped (SIGSTOP) plugin is stuck; calls to it end at their deadline, and
// it can be stopped.
func TestStuckPlugin(t *testing.T) {
	conf := testPlugin("trainer", "waits")
	conf.StopGrace = 100 * time.Millisecond
	r := newRig(t, Options{Heartbeat: 400 * time.Millisecond, CallTimeout: time.Second}, conf)
	r.start()
	r.log("trainer", "waiting")
	pid := r.process("trainer").PID()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stuck := r.state("trainer", script.Stuck, 1)
	wantText(t, stuck.Reason, "no sign of life")
	_, err := r.SetParameters(context.Background(), "trainer", script.Batch{ID: "1", Values: map[string]script.Value{"rate": script.Float(1)}})
	wantError(t, err, script.CodeDeadline, `script "trainer" did not answer`)
	running := len(bodiesOf(r, "trainer", script.Running))
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	r.state("trainer", script.Running, running+1)
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	r.state("trainer", script.Stuck, 2)
	if err := r.Stop(r.soon(), "trainer"); err != nil {
		t.Fatal(err)
	}
	r.state("trainer", script.Stopped, 1)
}

// A plugin that starts and then never says anything is stuck too, and does not
// keep others from starting.
func TestSilentPlugin(t *testing.T) {
	conf := testPlugin("silent", "silent")
	conf.StopGrace = 100 * time.Millisecond
	r := newRig(t, Options{Heartbeat: 100 * time.Millisecond, StartLimit: 1}, conf, testPlugin("trainer", "waits"))
	r.start()
	r.state("silent", script.Stuck, 1)
	r.log("trainer", "waiting")
	if err := r.Stop(r.soon(), "silent"); err != nil {
		t.Fatal(err)
	}
	r.state("silent", script.Stopped, 1)
}

func TestSocketPathTooLong(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("deep", 30))
	r := newRig(t, Options{Dir: dir}, testPlugin("trainer", "steps"))
	r.start()
	end := r.state("trainer", script.Failed, 1)
	wantText(t, end.Reason, "too long for unix sockets", "107", "--state")
}

func TestBinaryIsCopied(t *testing.T) {
	r := newRig(t, Options{}, testPlugin("trainer", "waits"), testPlugin("other", "waits"))
	r.binaries.dir = filepath.Join(r.options.Dir, "plugins")
	r.start()
	r.log("trainer", "waiting")
	r.log("other", "waiting")
	p := r.process("trainer")
	exe, err := os.Readlink(filepath.Join("/proc", joinInts([]int{p.PID()}), "exe"))
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(r.binaries.dir, p.program.sum); exe != want {
		t.Errorf("it runs from %s, not %s", exe, want)
	}
	info, err := os.Stat(exe)
	if err != nil || info.Mode().Perm() != 0o500 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(r.binaries.dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("files %v, %v", entries, err)
	}
}

// A hash is taken from the file only for the file that it is of.
func TestSums(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "plugin")
	write := func(text string) fileKey {
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return keyOf(path, info)
	}
	key := write("one")
	sums := readSums(dir)
	sums.put(key, "1")
	if got := readSums(dir).get(key); got != "1" {
		t.Errorf("read back %q", got)
	}
	if got := readSums(dir).get(write("two")); got != "" {
		t.Errorf("a changed file has the sum %q", got)
	}
	if err := os.WriteFile(filepath.Join(dir, sumsFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := readSums(dir).get(key); got != "" {
		t.Errorf("a torn file says %q", got)
	}
}

func TestDescribe(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	r := newRig(t, Options{})
	conf := testPlugin("trainer", "steps")
	for range 2 {
		d, err := r.Describe(r.soon(), conf)
		if err != nil || len(d.Parameters) != 3 || !d.Parameters[0].Default.Equal(script.Float(0.5)) {
			t.Fatalf("%+v, %v", d, err)
		}
	}
	r.binaries.dir = filepath.Join(r.options.Dir, "plugins")
	first, err := r.Describe(r.soon(), conf)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(r.binaries.dir, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("cache %v, %v", files, err)
	}
	second, ok := readDescription(files[0])
	if !ok || len(second.Parameters) != len(first.Parameters) || !second.Parameters[0].Max.Equal(script.Float(1)) {
		t.Errorf("read back %+v", second)
	}
	_, err = r.Describe(r.soon(), testPlugin("bad", "describe-dies"))
	wantError(t, err, script.CodeUnavailable, `script "bad"`, "exit code 4", "main.hcl:3,1")
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Whatever a plugin prints first is either understood or refused with its
// words bounded and escaped.
func FuzzHandshake(f *testing.F) {
	f.Add([]byte("1|1|unix|/tmp/p/plugin1|grpc|"))
	f.Add([]byte("1|7|unix|/tmp/p/plugin1|grpc|"))
	f.Add([]byte("1|1|tcp|127.0.0.1:1234|netrpc"))
	f.Add([]byte("hello\x1b[2J"))
	f.Fuzz(func(t *testing.T, line []byte) {
		err := checkHandshake(line, 1)
		if err == nil {
			if !strings.HasPrefix(strings.TrimSpace(string(line)), "1|") && !strings.HasPrefix(strings.TrimSpace(string(line)), "+1|") {
				t.Fatalf("%q is taken", line)
			}
			return
		}
		if text := err.Error(); len(text) > 2000 || strings.ContainsAny(text, "\x1b\r\n\x00") {
			t.Fatalf("%q is refused with %q", line, text)
		}
	})
}

// A full disk does not keep a script from being stopped.
func TestStopWhileNothingCanBeKept(t *testing.T) {
	r := newRig(t, Options{}, testPlugin("trainer", "counts"))
	r.start()
	r.seen("samples", func(events []script.Event) bool { return len(bodies[script.Samples](events, "trainer")) > 3 })
	r.mu.Lock()
	r.fail = errTest
	r.mu.Unlock()
	hurry := make(chan struct{})
	close(hurry)
	if err := r.StopAll(r.soon(), hurry); err != nil {
		t.Fatal(err)
	}
	r.checkNothingLeft()
}
