package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"google.golang.org/grpc"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// talkativeServer is a plugin without the SDK that prints which calls it gets.
type talkativeServer struct{ rawServer }

func called(name string) { _, _ = syscall.Write(1, []byte(name+"\n")) } // go-plugin took os.Stdout

func (s *talkativeServer) Identify(ctx context.Context) (wire.Identity, error) {
	called("Identify")
	return s.rawServer.Identify(ctx)
}

func (s *talkativeServer) Describe(context.Context) (script.Description, error) {
	called("Describe")
	return script.Description{Parameters: []script.ParameterSpec{{Name: "steps", Type: script.TypeInt, Default: script.Int(3), Max: script.Int(20)}}}, nil
}

func (s *talkativeServer) Validate(_ context.Context, values map[string]script.Value) ([]wire.Diagnostic, error) {
	called("Validate")
	if n, _ := values["steps"].Int(); n >= 13 {
		return []wire.Diagnostic{{Severity: wire.SeverityError, Summary: "13 steps bring bad luck", Path: []string{"steps"}}}, nil
	}
	return nil, nil
}

func (s *talkativeServer) Start(context.Context, wire.StartRequest) error {
	called("Start")
	return nil
}

func (s *talkativeServer) Events(ctx context.Context, _ uint64, send func([]script.Event) error) error {
	if err := send([]script.Event{{Body: script.Heartbeat{}}}); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

func (s *talkativeServer) Link(ctx context.Context, _ wire.Link) error {
	<-ctx.Done()
	return ctx.Err()
}

// beTalkative serves a talkativeServer and says hello as the SDK does.
func beTalkative(capabilities ...string) {
	fd, err := strconv.Atoi(os.Getenv(wire.HelloEnv))
	if err != nil {
		panic(err)
	}
	hello := os.NewFile(uintptr(fd), "hello")
	path := filepath.Join(os.Getenv(wire.SocketDirEnv), "plugin")
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", path)
	if err != nil {
		panic(err)
	}
	gs := wire.NewGRPCServer([]grpc.ServerOption{})
	wire.Register(gs, &talkativeServer{})
	wire.RegisterControl(gs)
	text, err := json.Marshal(wire.Hello{Nonce: "talkative", PID: os.Getpid(), API: wire.ProtocolVersion, Capabilities: capabilities, Description: "the same"})
	if err == nil {
		_, err = fmt.Fprintf(hello, "%d|%d|unix|%s|grpc|\n%s\n", wire.CoreVersion, wire.ProtocolVersion, path, text)
	}
	if err = errors.Join(err, hello.Close()); err != nil {
		panic(err)
	}
	panic(gs.Serve(l))
}

// calls waits until a script has been started, and returns the calls that its
// plugin got.
func calls(r *rig, name string) []string {
	r.log(name, "Start")
	var all []string
	for _, l := range bodies[script.LogLine](r.said(), name) {
		if l.Stream == "stdout" {
			all = append(all, l.Text)
		}
	}
	return all
}

// A plugin that says hello is asked what it has not said, and what is not known
// of its program; one of an older SDK is asked everything.
func TestHello(t *testing.T) {
	conf := func(name, kind string) *config.Script {
		c := testPlugin(name, kind)
		c.StopGrace = 0
		return c
	}
	r := newRig(t, Options{}, conf("older", "older"))
	r.start()
	if got, want := calls(r, "older"), []string{"Identify", "Describe", "Validate", "Start"}; !slices.Equal(got, want) {
		t.Errorf("older: calls %v, not %v", got, want)
	}
	for _, tt := range []struct {
		name, kind string
		want       []string
	}{
		{"first", "talkative", []string{"Describe", "Validate", "Start"}},
		{"second", "talkative", []string{"Validate", "Start"}},
		{"plain", "talkative:plain", []string{"Start"}},
	} {
		if err := r.Add(conf(tt.name, tt.kind)); err != nil {
			t.Fatal(err)
		}
		if got := calls(r, tt.name); !slices.Equal(got, tt.want) {
			t.Errorf("%s: calls %v, not %v", tt.name, got, tt.want)
		}
		if got := r.process(tt.name).instance.Nonce; got != "talkative" {
			t.Errorf("%s: nonce %q", tt.name, got)
		}
	}
}

// Values that do not go together are refused in the same words by plugins of
// all kinds, and no run has begun then.
func TestRefusedValues(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "main.hcl")
	var text string
	kinds := map[string]string{"older": "older", "hello": "talkative", "sdk": "waits"}
	for name := range kinds {
		text += fmt.Sprintf("script %q {\n  plugin = %q\n  parameters = { steps = 13 }\n}\n", name, os.Args[0])
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	loaded, diags := config.Load(path, config.Options{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var scripts []*config.Script
	for _, s := range loaded.Scripts {
		c := testPlugin(s.Name, kinds[s.Name])
		c.Parameters, c.Range = s.Parameters, s.Range
		scripts = append(scripts, c)
	}
	r := newRig(t, Options{}, scripts...)
	r.start()
	for _, s := range scripts {
		end := r.state(s.Name, script.Failed, 1)
		wantText(t, end.Reason, "13 steps bring bad luck", "main.hcl:")
		if n := len(bodies[script.RunStarted](r.said(), s.Name)); n > 0 {
			t.Errorf("%s: a run has begun", s.Name)
		}
	}
}

// A value that the configuration allows and a plain plugin does not is refused
// by the plugin, as it always was.
func TestPlainPluginIsAskedWhereItDiffers(t *testing.T) {
	d := script.Description{Parameters: []script.ParameterSpec{
		{Name: "rate", Type: script.TypeFloat, Max: script.Float(1)}, {Name: "data", Type: script.TypeString, Required: true},
	}}
	given := func(rate float64, more ...string) map[string]script.Value {
		values := map[string]script.Value{"rate": script.Float(rate)}
		for _, name := range more {
			values[name] = script.String("x")
		}
		return values
	}
	for _, tt := range []struct {
		values map[string]script.Value
		want   bool
	}{
		{given(1, "data"), true}, {given(2, "data"), false}, {given(1), false}, {given(1, "data", "other"), false},
	} {
		if got := fitsPlainly(d, tt.values); got != tt.want {
			t.Errorf("%v fit: %v", tt.values, got)
		}
	}
	d.Capabilities = []string{script.CapabilityDynamic}
	if !fitsPlainly(d, given(1, "data", "other")) {
		t.Error("what is declared later does not fit")
	}
}
