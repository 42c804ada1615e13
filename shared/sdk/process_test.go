package sdk_test

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk/sdktest"
	"github.com/mlhost/mlhost/shared/wire"
)

// plugin is this test binary, started as a plugin.
type plugin struct {
	t       testing.TB
	cmd     *exec.Cmd
	address string
	runDir  string
	ended   chan error
}

// startPlugin starts one of testPlugins. Its output is a pipe that breaks
// behind the handshake.
func startPlugin(t testing.TB, name string) *plugin {
	t.Helper()
	dir, err := os.MkdirTemp("", "mlhost") // short enough for a socket's path
	if err != nil {
		t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &plugin{t: t, cmd: exec.Command(os.Args[0]), runDir: t.TempDir(), ended: make(chan error, 1)}
	p.cmd.Env = append(os.Environ(), "MLHOST_TEST_PLUGIN="+name, "PLUGIN_UNIX_SOCKET_DIR="+dir,
		wire.Handshake.MagicCookieKey+"="+wire.Handshake.MagicCookieValue,
		"PLUGIN_PROTOCOL_VERSIONS="+strconv.Itoa(wire.ProtocolVersion))
	p.cmd.Stdout, p.cmd.Stderr = write, write
	if err := errors.Join(p.cmd.Start(), write.Close()); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	t.Cleanup(func() {
		if err := p.cmd.Process.Kill(); err == nil {
			<-p.ended
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := read.Close(); err != nil { // from here on its output goes nowhere
		t.Fatal(err)
	}
	p.address = strings.Split(line, "|")[3]
	return p
}

// connect is a host that comes.
func (p *plugin) connect() (client *wire.Client, leave func()) {
	p.t.Helper()
	options := append(wire.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	conn, err := grpc.NewClient("unix:"+p.address, options...)
	if err != nil {
		p.t.Fatal(err)
	}
	return wire.NewClient(conn), func() {
		if err := conn.Close(); err != nil {
			p.t.Error(err)
		}
	}
}

func (p *plugin) start(client *wire.Client) {
	p.t.Helper()
	err := client.Start(p.t.Context(), wire.StartRequest{Run: "r1", Script: "s", RunDir: p.runDir})
	if err != nil {
		p.t.Fatal(err)
	}
}

// wait waits for the process to end well.
func (p *plugin) wait() {
	p.t.Helper()
	select {
	case err := <-p.ended:
		if err != nil {
			p.t.Fatalf("the process ended with %v", err)
		}
		p.ended <- nil
	case <-time.After(sdktest.Timeout):
		p.t.Fatal("the process did not end")
	}
}

// until takes events until wanted says so, and returns the number of the last.
func until(t *testing.T, client *wire.Client, after uint64, wanted func(script.Event) bool) uint64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), sdktest.Timeout)
	defer cancel()
	last, enough := after, errors.New("enough")
	err := client.Events(ctx, after, func(events []script.Event) error {
		for _, e := range events {
			if e.Seq == 0 {
				continue
			}
			if e.Seq != last+1 {
				t.Errorf("event %d where %d is due", e.Seq, last+1)
			}
			last = e.Seq
			if wanted(e) {
				return enough
			}
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatalf("the stream ended with %v", err)
	}
	return last
}

// sampleAbove wants a sample of a variable above a value.
func sampleAbove(name string, least int64) func(script.Event) bool {
	return func(e script.Event) bool {
		b, _ := e.Body.(script.Samples)
		for _, s := range b.Samples {
			if n, _ := s.Value.Int(); s.Name == name && n > least {
				return true
			}
		}
		return false
	}
}

// A script that prints must neither block nor die when nobody reads what it
// prints, and must go on when its host has gone. (go-plugin by itself blocks
// it at 64 KiB, or lets SIGPIPE kill it.)
func TestProcessOutlivesItsHost(t *testing.T) {
	p := startPlugin(t, "printer")
	first, leave := p.connect()
	p.start(first)
	last := until(t, first, 0, sampleAbove("lines", 2000))
	before, err := first.Identify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	leave()

	second, leave := p.connect()
	after, err := second.Identify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if after.Nonce != before.Nonce || after.Run != "r1" || after.State != script.Running {
		t.Errorf("identity %+v, was %+v", after, before)
	}
	until(t, second, last, sampleAbove("lines", 10000))
	if err := second.Stop(t.Context(), sdktest.Timeout, "enough"); err != nil {
		t.Fatal(err)
	}
	leave()
	p.wait()
}

// What happens while no host is there is found in the run's directory, and the
// process ends by itself.
func TestProcessWithoutHostEndsByItself(t *testing.T) {
	p := startPlugin(t, "numbers")
	client, leave := p.connect()
	p.start(client)
	leave()
	p.wait()

	exit, err := wire.ReadExit(p.runDir)
	if err != nil {
		t.Fatal(err)
	}
	if exit.State != script.Finished || *exit.ExitCode != 0 {
		t.Errorf("exit record %+v", exit)
	}
	var seq, results uint64
	n := int64(0)
	err = wire.ReadSpool(filepath.Join(p.runDir, wire.SpoolFile), 0, func(events []script.Event) error {
		for _, e := range events {
			seq++
			if e.Seq != seq {
				t.Fatalf("event %d where %d is due", e.Seq, seq)
			}
			switch b := e.Body.(type) {
			case script.ResultSet:
				results++
			case script.Samples:
				for _, s := range b.Samples {
					n++
					if got, _ := s.Value.Int(); got != n {
						t.Fatalf("sample %d where %d is due", got, n)
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n != 20000 || results != 20 || seq != exit.LastSeq {
		t.Errorf("%d samples, %d results, last event %d of %d", n, results, seq, exit.LastSeq)
	}
}

func TestSIGTERMStops(t *testing.T) {
	p := startPlugin(t, "trainer")
	client, leave := p.connect()
	defer leave()
	p.start(client)
	until(t, client, 0, func(e script.Event) bool { _, ok := e.Body.(script.Samples); return ok })
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGHUP} { // are not for us
		if err := p.cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
	}
	if id, err := client.Identify(t.Context()); err != nil || id.State != script.Running {
		t.Fatalf("%+v, %v", id, err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.wait()
	if exit, err := wire.ReadExit(p.runDir); err != nil || exit.State != script.Stopped || exit.Reason != "SIGTERM" {
		t.Errorf("exit record %+v, %v", exit, err)
	}
}

func TestPluginStartedByHand(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "MLHOST_TEST_PLUGIN=trainer")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "mlhost run CONFIG") {
		t.Errorf("it says %q, %v", out, err)
	}
}
