package interpreter

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	plugin "github.com/hashicorp/go-plugin"
	"golang.org/x/sys/unix"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk"
	"github.com/mlhost/mlhost/shared/wire"
	"github.com/mlhost/mlhost/shared/wire/goplugin"
)

// watched is a host that knows only a stream of events.
func watched(t *testing.T, run, dir string, server interface {
	Events(context.Context, uint64, func([]script.Event) error) error
}) *host {
	t.Helper()
	h := newHost(t)
	h.run, h.dir = run, dir
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Events(ctx, 0, func(events []script.Event) error { // ends with the plugin, which a test may kill
			for _, e := range events {
				h.Emit(e.Body)
			}
			return nil
		})
	}()
	t.Cleanup(func() { cancel(); <-done })
	return h
}

// bashLaunch is a launch of a bash script.
func bashLaunch(t *testing.T, source string) script.Launch {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "fit.sh")
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	return script.Launch{Script: "fit", Source: path, Interpreter: []string{"bash"}, Profile: "generic", Directory: dir}
}

func TestPluginInProcess(t *testing.T) {
	l := bashLaunch(t, `
say() { printf '%s\n' "$1" >&$MLHOST_FD; }
read -r start <&$MLHOST_FD; echo "$start"
say '{"op":"parameter","name":"lambda","type":"float","default":0.1,"value":0.2,"mutability":"boundary"}'
say '{"op":"variable","name":"note","value":""}'
while read -r line <&$MLHOST_FD; do
  id=$(sed -E 's/.*"id":"([^"]*)".*/\1/' <<<"$line")
  case $line in
    *'"op":"set"'*) say '{"op":"done","id":"'$id'","outcomes":[{"name":"lambda","status":"pending","old":0.2,"value":0.3,"reason":"next epoch"}]}'
      say '{"op":"changed","changes":[{"name":"lambda","old":0.2,"value":0.3,"step":5}]}'
      say '{"op":"changed","changes":[{"name":"lambda","old":0.3,"value":0.4,"step":6}]}' ;;
    *'"op":"set_variables"'*) say '{"op":"done","id":"'$id'"}'; say '{"op":"samples","samples":[["note",7,null,"hi"]]}' ;;
    *) say '{"op":"done","id":"'$id'"}'; exit 3 ;;
  esac
done`)
	l.Protocol = "lines"
	l.Parameters = []script.LaunchParameter{set("lambda", script.Float(0.2))}
	p, err := sdk.NewPlugin(New(l))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(false)
	dir := t.TempDir()
	h := watched(t, "inprocess1", dir, p)
	err = p.Start(t.Context(), wire.StartRequest{Run: "inprocess1", Script: "fit", Revision: 4, RunDir: dir,
		Parameters: map[string]script.Value{"lambda": script.Float(0.2)}})
	if err != nil {
		t.Fatal(err)
	}
	h.waitLine("stdout", `"parameters":{"lambda":0.2},"revision":4}`)
	wait(h, func(s script.StateChanged) bool { return s.State == script.Running && s.PID != s.PluginPID })
	wait(h, func(d script.Described) bool { return len(d.Description.Variables) == 1 })
	reply, err := p.SetParameters(t.Context(), script.Batch{ID: "1", Values: map[string]script.Value{"lambda": script.Float(0.3)}})
	if err != nil || reply.Revision != 5 || reply.Outcomes[0].Status != script.Pending {
		t.Fatalf("%+v, %v", reply, err)
	}
	wait(h, func(o script.ParametersObserved) bool { return o.Value.Equal(script.Float(0.3)) && o.Step == 5 })
	own := wait(h, func(script.ParametersChanged) bool { return true })
	if own.Revision != 6 || own.Author != "script:fit" || !own.Changes[0].New.Equal(script.Float(0.4)) {
		t.Errorf("%+v", own)
	}
	if _, err := p.SetVariables(t.Context(), script.Batch{ID: "2", Values: map[string]script.Value{"note": script.Int(3)}}); err != nil {
		t.Error(err)
	}
	wait(h, func(s script.Samples) bool { return s.Samples[0].Step == 7 })
	if err := p.Stop(t.Context(), limit, "enough"); err != nil {
		t.Error(err)
	}
	end := wait(h, func(s script.StateChanged) bool { return s.State.Ended() })
	if end.State != script.Stopped || end.ExitCode == nil || *end.ExitCode != 3 || end.Reason != "enough" {
		t.Errorf("%+v", end)
	}
}

func TestPluginThatCannotStart(t *testing.T) {
	l := bashLaunch(t, "")
	l.Source = "/nowhere/fit.sh"
	p, err := sdk.NewPlugin(New(l))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(false)
	dir := t.TempDir()
	h := watched(t, "cannot", dir, p)
	if err := p.Start(t.Context(), wire.StartRequest{Run: "cannot", Script: "fit", RunDir: dir}); err != nil {
		t.Fatal(err)
	}
	end := wait(h, func(s script.StateChanged) bool { return s.State.Ended() })
	if end.State != script.Failed || !strings.Contains(end.Reason, "source /nowhere/fit.sh does not exist") {
		t.Errorf("%+v", end)
	}
}

// wrapperProcess runs the wrapper in a process of its own, as a host does.
func wrapperProcess(t *testing.T, l script.Launch, run, dir string) (*exec.Cmd, *wire.Client) {
	t.Helper()
	data, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "launch.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), launchVariable+"="+file)
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: goplugin.Handshake, Plugins: goplugin.ClientPlugins(), Cmd: cmd, SkipHostEnv: true,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, Logger: hclog.NewNullLogger(),
	})
	t.Cleanup(client.Kill)
	conn, err := client.Client()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := conn.Dispense(wire.PluginName)
	if err != nil {
		t.Fatal(err)
	}
	server := raw.(*wire.Client)
	if err := server.Start(t.Context(), wire.StartRequest{Run: run, Script: "fit", RunDir: dir}); err != nil {
		t.Fatal(err)
	}
	return cmd, server
}

func TestKilledWrapperTakesTheScriptAlong(t *testing.T) {
	dir := t.TempDir()
	run := "killed" + filepath.Base(dir) + filepath.Base(filepath.Dir(dir))
	cmd, server := wrapperProcess(t, bashLaunch(t, "trap '' TERM HUP INT; echo up; while :; do :; done"), run, dir)
	h := watched(t, run, dir, server)
	h.waitLine("stdout", "up")
	pids := h.alive()
	if len(pids) != 1 {
		t.Fatalf("of the run there are %v", pids)
	}
	fd, err := unix.PidfdOpen(pids[0], 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(poll, int(limit.Milliseconds()))
	for err == unix.EINTR {
		n, err = unix.Poll(poll, int(limit.Milliseconds()))
	}
	if n != 1 || err != nil {
		t.Fatalf("the script lives on: %v", err)
	}
}

func TestWrapperProcessBuriesAndKillsWhatHasNoMark(t *testing.T) {
	dir := t.TempDir()
	run := "orphans" + filepath.Base(filepath.Dir(dir))
	l := bashLaunch(t, `
for i in 1 2 3; do (setsid true &); done
(env -i setsid bash -c 'trap "" TERM; echo orphan $$; exec sleep 1000' &)
sleep 1000`)
	cmd, server := wrapperProcess(t, l, run, dir)
	h := watched(t, run, dir, server)
	h.waitLine("stdout", "orphan")
	if err := server.Stop(t.Context(), time.Second, "test"); err != nil {
		t.Fatal(err)
	}
	end := wait(h, func(s script.StateChanged) bool { return s.State.Ended() })
	if end.State != script.Stopped || *end.ExitCode != 143 {
		t.Errorf("%+v", end)
	}
	pids, err := processes()
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids {
		if parent, state := processStat(pid); parent == cmd.Process.Pid {
			t.Errorf("process %d in state %c is left below the wrapper", pid, state)
		}
	}
	if got, err := os.ReadFile(filepath.Join(dir, wire.ExitFile)); err != nil || !strings.Contains(string(got), "143") {
		t.Errorf("exit record: %s, %v", got, err)
	}
}

// TestNobodyListens: a script prints and reports as much as it likes while
// there is no host, and ends as if there were one.
func TestNobodyListens(t *testing.T) {
	l := bashLaunch(t, `seq 1 20000; head -c 10000000 /dev/zero | tr '\0' x
for i in {1..2000}; do echo '{"op":"samples","samples":[["loss",'$i',null,0.5]]}' >&$MLHOST_FD; done; exit 3`)
	l.Protocol = "lines"
	p, err := sdk.NewPlugin(New(l))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := p.Start(t.Context(), wire.StartRequest{Run: "alone", Script: "fit", RunDir: dir}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
	case <-time.After(2 * limit):
		t.Fatal("the script waits for a host")
	}
	p.Close(true)
	exit, err := wire.ReadExit(dir)
	if err != nil || *exit.ExitCode != 3 {
		t.Errorf("%+v, %v", exit, err)
	}
	spool, err := wire.OpenSpool(filepath.Join(dir, wire.SpoolFile))
	if err != nil {
		t.Fatal(err)
	}
	defer spool.Close()
	samples := 0
	for after := uint64(0); ; {
		events, err := spool.Next(after, 1<<20)
		if err != nil || len(events) == 0 {
			break
		}
		for _, e := range events {
			after = e.Seq
			if s, ok := e.Body.(script.Samples); ok {
				samples += len(s.Samples)
			}
		}
	}
	if samples != 2000 {
		t.Errorf("%d samples are kept for the host", samples)
	}
}
