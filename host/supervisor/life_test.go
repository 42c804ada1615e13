package supervisor

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/shared/script"
)

// bodies returns the bodies of one type of a script's events.
func bodies[T script.Body](events []script.Event, name string) []T {
	var out []T
	for _, e := range events {
		if b, ok := e.Body.(T); ok && e.Script == name {
			out = append(out, b)
		}
	}
	return out
}

func stateNames(events []script.Event, name string) []script.State {
	var out []script.State
	for _, s := range states(events, name) {
		if len(out) == 0 || out[len(out)-1] != s.State {
			out = append(out, s.State)
		}
	}
	return out
}

func TestRunFromStartToEnd(t *testing.T) {
	r := newRig(t, Options{}, testPlugin("trainer", "steps"))
	idle := r.Idle()
	r.start()
	end := r.state("trainer", script.Finished, 1)
	<-idle
	if end.ExitCode == nil || *end.ExitCode != 0 {
		t.Errorf("exit code %v", end.ExitCode)
	}
	events := r.seen("end", func([]script.Event) bool { return true })
	started := bodies[script.RunStarted](events, "trainer")
	if len(started) != 1 || !started[0].Parameters["steps"].Equal(script.Int(3)) || len(started[0].Binary) != 64 {
		t.Errorf("started %+v", started)
	}
	if d := bodies[script.Described](events, "trainer"); len(d) != 1 || len(d[0].Description.Parameters) != 3 {
		t.Errorf("described %+v", d)
	}
	results := bodies[script.ResultSet](events, "trainer")
	if len(results) != 1 || !results[0].Value.Equal(script.Float(0.5)) {
		t.Errorf("results %+v", results)
	}
	var samples int
	for _, s := range bodies[script.Samples](events, "trainer") {
		samples += len(s.Samples)
	}
	if samples != 3 {
		t.Errorf("%d samples", samples)
	}
	// Everything that the run said stands before its end.
	last := events[len(events)-1]
	if s, ok := last.Body.(script.StateChanged); !ok || s.State != script.Finished {
		t.Errorf("the last event is %+v", last)
	}
	if got := stateNames(events, "trainer"); got[0] != script.Starting || got[len(got)-1] != script.Finished {
		t.Errorf("states %v", got)
	}
}

func TestEverySampleComesBeforeTheEnd(t *testing.T) {
	const want = 200_000
	r := newRig(t, Options{}, testPlugin("trainer", "many:200000"))
	r.start()
	r.state("trainer", script.Finished, 1)
	events := r.seen("end", func([]script.Event) bool { return true })
	next := 0.0
	for _, b := range bodies[script.Samples](events, "trainer") {
		for _, s := range b.Samples {
			if v, _ := s.Value.Float(); v != next {
				t.Fatalf("sample %v, not %v", v, next)
			}
			next++
		}
	}
	if next != want {
		t.Errorf("%v samples, not %v", next, want)
	}
}

// The files of what a plugin prints hold that, and nothing of the handshake.
func TestOutputFilesHoldOutput(t *testing.T) {
	r := newRig(t, Options{}, testPlugin("trainer", "waits"), testPlugin("silent", "silent"))
	r.start()
	r.log("trainer", "waiting")
	r.state("silent", script.Starting, 2) // a foreign plugin: its handshake is there
	got, err := os.ReadFile(filepath.Join(r.process("trainer").dir, stdoutFile))
	if err != nil || string(got) != "waiting\n" {
		t.Errorf("the file holds %q, %v", got, err)
	}
	foreign := r.process("silent").dir
	if err := r.StopAll(r.soon(), nil); err != nil {
		t.Fatal(err)
	}
	got, err = os.ReadFile(filepath.Join(foreign, stdoutFile))
	if err != nil || !strings.HasPrefix(string(got), "1|1|unix|") {
		t.Errorf("the file holds %q, %v", got, err)
	}
	for _, l := range bodies[script.LogLine](r.seen("", func([]script.Event) bool { return true }), "silent") {
		if l.Stream == "stdout" {
			t.Errorf("the handshake is in the log: %+v", l)
		}
	}
}

func TestStopWaitsForTheGrace(t *testing.T) {
	r := newRig(t, Options{}, testPlugin("trainer", "waits"))
	r.start()
	r.log("trainer", "waiting")
	p := r.process("trainer")
	if err := r.Stop(r.soon(), "trainer"); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	end := r.state("trainer", script.Stopped, 1)
	if end.Reason != "on request" {
		t.Errorf("reason %q", end.Reason)
	}
	if _, ok := r.Process("trainer"); ok {
		t.Error("there is a process")
	}
	if err := r.Stop(r.soon(), "trainer"); err != nil {
		t.Errorf("stop again: %v", err)
	}
	r.checkNothingLeft()
}

func TestStopKillsWhatIsDeaf(t *testing.T) {
	conf := testPlugin("trainer", "deaf")
	conf.StopGrace = 50 * time.Millisecond
	r := newRig(t, Options{}, conf)
	r.start()
	r.log("trainer", "deaf")
	if err := r.Stop(r.soon(), "trainer"); err != nil {
		t.Fatal(err)
	}
	end := r.state("trainer", script.Stopped, 1)
	if end.ExitCode == nil || *end.ExitCode != 128+int(syscall.SIGKILL) {
		t.Errorf("exit code %v", end.ExitCode)
	}
	wantText(t, end.Reason, "on request", "was killed")
}

func TestHurry(t *testing.T) {
	conf := testPlugin("trainer", "deaf")
	conf.StopGrace = time.Hour
	r := newRig(t, Options{}, conf)
	r.start()
	r.log("trainer", "deaf")
	hurry := make(chan struct{})
	stopped := make(chan error, 1)
	go func() { stopped <- r.StopAll(r.soon(), hurry) }()
	r.state("trainer", script.Stopping, 1)
	close(hurry)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	want := "the host stops; it was hurried, and killed before its grace of 1h was over"
	if end := r.state("trainer", script.Stopped, 1); end.Reason != want {
		t.Errorf("reason %q", end.Reason)
	}
}

func TestStopEndsTheWholeFamily(t *testing.T) {
	r := newRig(t, Options{}, testPlugin("trainer", "family"), testPlugin("other", "family:ends"))
	r.start()
	r.log("trainer", "first")
	r.log("trainer", "second")
	r.log("trainer", "waiting")
	run := r.process("trainer").Run()
	if found, err := marked(run); err != nil || len(found) < 4 {
		t.Fatalf("%d processes, %v", len(found), err)
	} else {
		for _, h := range found {
			h.close()
		}
	}
	if err := r.Stop(r.soon(), "trainer"); err != nil {
		t.Fatal(err)
	}
	r.state("other", script.Finished, 1)
	r.checkNothingLeft()
}

func TestKilledPluginFails(t *testing.T) {
	r := newRig(t, Options{}, testPlugin("trainer", "waits"))
	r.start()
	r.log("trainer", "waiting")
	if err := syscall.Kill(r.process("trainer").PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	end := r.state("trainer", script.Failed, 1)
	if end.ExitCode == nil || *end.ExitCode != 137 {
		t.Errorf("exit code %v", end.ExitCode)
	}
	wantText(t, end.Reason, "killed by signal 9")
	r.checkNothingLeft()
}

func TestExitCodesAndCrashes(t *testing.T) {
	r := newRig(t, Options{}, testPlugin("fails", "fails:7"), testPlugin("panics", "panics"))
	r.start()
	end := r.state("fails", script.Failed, 1)
	if end.ExitCode == nil || *end.ExitCode != 7 || end.Reason != "exit code 7" {
		t.Errorf("fails: %v, %q", end.ExitCode, end.Reason)
	}
	end = r.state("panics", script.Failed, 1)
	if end.ExitCode == nil || *end.ExitCode != 2 {
		t.Errorf("panics: exit code %v", end.ExitCode)
	}
	wantText(t, end.Reason, "exit code 2", "panic: no more memory")
}

// go-plugin's reader of plugin output panics on this line.
func TestPoisonLogLine(t *testing.T) {
	r := newRig(t, Options{}, testPlugin("trainer", "poison"))
	r.start()
	r.log("trainer", `{"@message": 1}`)
	r.state("trainer", script.Finished, 1)
}

// go-plugin's reader of plugin output stops at such a line, and the plugin then
// blocks.
func TestLongLineOnStdout(t *testing.T) {
	r := newRig(t, Options{}, testPlugin("trainer", "long"))
	r.start()
	r.state("trainer", script.Finished, 1)
	events := r.seen("end", func([]script.Event) bool { return true })
	var text strings.Builder
	for _, l := range bodies[script.LogLine](events, "trainer") {
		text.WriteString(l.Text)
		if !l.Partial {
			text.WriteByte('\n')
		}
	}
	line := strings.Repeat("x", 70<<10) + "\n"
	if diff := cmp.Diff(len(line)*3+len("after\n"), text.Len()); diff != "" || !strings.HasSuffix(text.String(), "x\nafter\n") {
		t.Errorf("output: %s", diff)
	}
}

// go-plugin's own server refuses more than 4 MiB.
func TestLargeMessagesBothWays(t *testing.T) {
	r := newRig(t, Options{}, testPlugin("trainer", "echo"))
	r.start()
	r.log("trainer", "waiting")
	large := script.List(script.String(strings.Repeat("a", 1<<20)))
	parts := make([]script.Value, 6)
	for i := range parts {
		parts[i] = large
	}
	reply, err := r.SetParameters(r.soon(), "trainer", script.Batch{ID: "1", Author: "user:t", Values: map[string]script.Value{
		"text": script.String(strings.Repeat("b", 1<<20)), "rate": script.Float(0.25),
	}})
	if err != nil || reply.Rejected() {
		t.Fatalf("%+v, %v", reply, err)
	}
	p := r.process("trainer")
	values := map[string]script.Value{}
	for i := range parts {
		values[strings.Repeat("n", i+1)] = parts[i]
	}
	_, err = p.client.Validate(r.soon(), values) // 6 MiB there, answered
	if err != nil {
		t.Errorf("6 MiB: %v", err)
	}
	r.seen("the large result", func(events []script.Event) bool {
		results := bodies[script.ResultSet](events, "trainer")
		if len(results) == 0 {
			return false
		}
		s, _ := results[0].Value.Text()
		return len(s) == 1<<20
	})
}

// A plugin that prints with no host attached neither blocks nor dies.
func TestPrintsWithoutAHost(t *testing.T) {
	dir := t.TempDir()
	stop := filepath.Join(dir, "stop")
	r := newRig(t, Options{Dir: filepath.Join(dir, "state")}, testPlugin("trainer", "prints:"+stop))
	ended := make(chan error, 1)
	go func() { ended <- r.Run(t.Context()) }()
	r.state("trainer", script.Running, 1)
	p := r.process("trainer")
	r.Leave()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	size := func() int64 {
		info, err := os.Stat(filepath.Join(p.dir, stdoutFile))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	for until := size() + 200<<10; size() < until; {
		if _, err := startTime(p.PID()); err != nil {
			t.Fatalf("the plugin is gone: %v", err)
		}
		time.Sleep(time.Millisecond) // there is no signal of a file's growth without a host
	}
	if !fileExists(filepath.Join(p.dir, instanceFile)) {
		t.Error("there is no record of the process")
	}
	if err := os.WriteFile(stop, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	next := r.next(r.conf["trainer"])
	next.start()
	next.state("trainer", script.Finished, 1)
}
