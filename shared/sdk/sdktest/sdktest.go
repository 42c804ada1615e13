// Package sdktest runs a plugin's Script inside a test, against a host that
// records what the script reports. Everything goes through the same gRPC
// service as in real life, over a connection in memory.
//
//	run := sdktest.Start(t, &trainer{}, sdktest.Options{Parameters: map[string]any{"steps": 3}})
//	run.Wait(script.Finished)
//	if v, _ := run.Result("accuracy").Float(); v < 0.9 { … }
package sdktest

import (
	"context"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk"
	"github.com/mlhost/mlhost/shared/wire"
)

// Timeout bounds every wait of a Run. It is only reached when a test fails.
const Timeout = 30 * time.Second

// Options tell how a script is run. The zero value starts it with its defaults.
type Options struct {
	Name       string         // of the script; "script" by default
	Parameters map[string]any // configured values
	Revision   uint64
	RunDir     string // t.TempDir() by default
	// Answer plays the other scripts: it gets what the script asks, tells and
	// broadcasts. Without it every message is refused: there is no such script.
	Answer func(message script.Message) (script.Reply, error)
	// Unstarted leaves Start to the test.
	Unstarted bool
	// Detached opens neither Events nor Link: a host that is away.
	Detached bool
}

// Run is one run of a script, and the host around it.
type Run struct {
	*Recording
	// Client is the host's side of the plugin, for what Run has no method for.
	Client *wire.Client
	// Plugin is the plugin's side.
	Plugin *sdk.Plugin

	t       testing.TB
	ctx     context.Context
	options Options
	link    wire.Link
	replies *replies
}

// Start runs a script. The end of the test stops it.
func Start(t testing.TB, s sdk.Script, o Options) *Run {
	t.Helper()
	if o.Name == "" {
		o.Name = "script"
	}
	if o.RunDir == "" {
		o.RunDir = t.TempDir()
	}
	p, err := sdk.NewPlugin(s)
	if err != nil {
		t.Fatalf("describe the script: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &Run{
		Recording: newRecording(t), Client: Connect(t, p), Plugin: p,
		t: t, ctx: ctx, options: o, replies: newReplies(),
	}
	t.Cleanup(func() {
		stop, stopped := context.WithTimeout(ctx, Timeout)
		defer stopped()
		if err := r.Client.Stop(stop, Timeout, "the test is over"); err != nil {
			t.Errorf("stop the script: %v", err)
		}
		cancel()
		p.Close(true)
	})
	if !o.Detached {
		r.Attach(ctx, 0)
		r.openLink()
	}
	if !o.Unstarted {
		r.Begin()
	}
	return r
}

// Connect serves any plugin over a connection in memory and returns its client.
func Connect(t testing.TB, server wire.Server) *wire.Client {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	gs := wire.NewGRPCServer(nil)
	wire.Register(gs, server)
	served := make(chan error, 1)
	go func() { served <- gs.Serve(listener) }()
	options := append(wire.DialOptions(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
	)
	conn, err := grpc.NewClient("passthrough:memory", options...)
	if err != nil {
		t.Fatalf("connect to the plugin: %v", err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Errorf("close the connection: %v", err)
		}
		gs.Stop()
		if err := <-served; err != nil {
			t.Errorf("serve the plugin: %v", err)
		}
	})
	return wire.NewClient(conn)
}

// Begin starts the run, where Options.Unstarted left that to the test.
func (r *Run) Begin() {
	r.t.Helper()
	if err := r.TryBegin(); err != nil {
		r.t.Fatalf("start the script: %v", err)
	}
}

// TryBegin is Begin for a start that may be refused.
func (r *Run) TryBegin() error {
	r.t.Helper()
	ctx, cancel := r.deadline()
	defer cancel()
	return r.Client.Start(ctx, wire.StartRequest{
		Run: "testrun", Script: r.options.Name, Parameters: r.values(r.options.Parameters),
		Revision: r.options.Revision, RunDir: r.options.RunDir,
	})
}

// Attach opens the stream of events behind after, into the recording, until
// ctx ends or the plugin ends it; then the channel is closed.
func (r *Run) Attach(ctx context.Context, after uint64) <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.ended(r.Client.Events(ctx, after, r.add))
	}()
	return ended
}

// RunDir returns the directory of the run's files.
func (r *Run) RunDir() string { return r.options.RunDir }

func (r *Run) deadline() (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.ctx, Timeout)
}

func (r *Run) value(x any) script.Value {
	r.t.Helper()
	v, err := script.Of(x)
	if err != nil {
		r.t.Fatalf("%v", err)
	}
	return v
}

func (r *Run) values(in map[string]any) map[string]script.Value {
	r.t.Helper()
	out := make(map[string]script.Value, len(in))
	for name, x := range in {
		out[name] = r.value(x)
	}
	return out
}

// Set sets parameters as a person would, and returns what happened. A
// rejection is no failure of the test; an error is.
func (r *Run) Set(values map[string]any) script.BatchReply {
	r.t.Helper()
	ctx, cancel := r.deadline()
	defer cancel()
	reply, err := r.Client.SetParameters(ctx, script.Batch{Values: r.values(values), Author: "user:test"})
	if err != nil {
		r.t.Fatalf("set parameters: %v", err)
	}
	return reply
}

// SetVariables sets writable variables in the same way.
func (r *Run) SetVariables(values map[string]any) script.BatchReply {
	r.t.Helper()
	ctx, cancel := r.deadline()
	defer cancel()
	reply, err := r.Client.SetVariables(ctx, script.Batch{Values: r.values(values), Author: "user:test"})
	if err != nil {
		r.t.Fatalf("set variables: %v", err)
	}
	return reply
}

// Pause pauses the script and returns when it has paused.
func (r *Run) Pause() {
	r.t.Helper()
	ctx, cancel := r.deadline()
	defer cancel()
	if err := r.Client.Pause(ctx); err != nil {
		r.t.Fatalf("pause the script: %v", err)
	}
}

// Resume lets a paused script go on.
func (r *Run) Resume() {
	r.t.Helper()
	ctx, cancel := r.deadline()
	defer cancel()
	if err := r.Client.Resume(ctx); err != nil {
		r.t.Fatalf("resume the script: %v", err)
	}
}

// Stop asks the script to end and returns when it has.
func (r *Run) Stop() {
	r.t.Helper()
	ctx, cancel := r.deadline()
	defer cancel()
	if err := r.Client.Stop(ctx, Timeout, "stopped by the test"); err != nil {
		r.t.Fatalf("stop the script: %v", err)
	}
}
