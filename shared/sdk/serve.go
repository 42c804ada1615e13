package sdk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	plugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/mlhost/mlhost/shared/wire"
)

const (
	// unstarted is how long a process without a run waits for a host.
	unstarted = time.Minute
	// termGrace is the grace of a stop by SIGTERM, hostGrace that of a host
	// that shuts a live process down.
	termGrace = 10 * time.Second
	hostGrace = 1500 * time.Millisecond
)

// Serve runs a plugin: main calls it and nothing else. It does not return; the
// process ends when the host says so, or by itself when the run is over and no
// host comes to hear of it any more. Standard output and standard error are
// the files of the run's log. SIGINT is left to the host; SIGTERM stops the
// run.
func Serve(s Script) {
	if os.Getenv(wire.Handshake.MagicCookieKey) != wire.Handshake.MagicCookieValue {
		fmt.Fprintln(os.Stderr, "This program is an mlhost plugin, which mlhost starts by itself.\n"+
			"Name it in a configuration, script \"NAME\" { plugin = \"…\" }, and type: mlhost run CONFIG")
		os.Exit(2)
	}
	p, err := NewPlugin(s)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	sv := &server{plugin: p, out: os.Stdout, err: os.Stderr}
	sv.signals()
	go sv.leaveAlone()
	sv.divert()
	stopPulse := p.recorder.servePulse(os.Getenv(plugin.EnvUnixSocketDir))
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: wire.Handshake,
		Plugins:         wire.ServerPlugins(p),
		GRPCServer:      sv.grpc,
		Logger: hclog.New(&hclog.LoggerOptions{
			Level: hclog.Error, Output: sv.err, JSONFormat: false,
		}),
	})
	stopPulse()
	sv.restore()
	os.Exit(sv.end())
}

// server is the process around a Plugin.
type server struct {
	plugin   *Plugin
	out, err *os.File // the real ones
	restored sync.Once

	handshake *os.File // nil: the handshake goes to out

	calls  atomic.Int64 // in progress, streams included
	server atomic.Pointer[grpc.Server]
	alone  atomic.Bool // no host asked for the end
}

// grpc makes the gRPC server. go-plugin puts pipes in the place of os.Stdout
// and os.Stderr, which block when no host reads them; the first call puts the
// real ones back.
func (s *server) grpc(opts []grpc.ServerOption) *grpc.Server {
	unary := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		defer s.call()()
		return handler(ctx, req)
	}
	stream := func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		defer s.call()()
		return handler(srv, ss)
	}
	server := wire.NewGRPCServer(append(opts, grpc.ChainUnaryInterceptor(unary), grpc.ChainStreamInterceptor(stream)))
	s.server.Store(server)
	return server
}

func (s *server) call() (done func()) {
	s.restore()
	s.calls.Add(1)
	return func() { s.calls.Add(-1) }
}

func (s *server) restore() {
	s.restored.Do(func() {
		os.Stdout, os.Stderr = s.out, s.err
		if s.handshake != nil {
			_ = s.handshake.Close() // it has been read
		}
	})
}

// divert lets go-plugin print the handshake into the file that the host has
// put there for it. Where something was printed before, the handshake goes
// behind that, for the host to see it.
func (s *server) divert() {
	dir := os.Getenv(plugin.EnvUnixSocketDir)
	info, err := s.out.Stat()
	if dir == "" || err != nil || info.Size() > 0 {
		return
	}
	file, err := os.OpenFile(filepath.Join(dir, wire.HandshakeFile), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return // there is none
	}
	s.handshake, os.Stdout = file, file
}

// signals makes SIGTERM a stop. SIGINT and SIGHUP are for the host, and a
// SIGPIPE is an error of the write that caused it, no end of the process.
func (s *server) signals() {
	others, term := make(chan os.Signal, 4), make(chan os.Signal, 1)
	signal.Notify(others, syscall.SIGPIPE, syscall.SIGHUP, os.Interrupt)
	signal.Notify(term, syscall.SIGTERM)
	go func() {
		for range others { // for the life of the process
			continue
		}
	}()
	go func() {
		<-term
		// the error is always nil
		_ = s.plugin.Stop(context.Background(), termGrace, "SIGTERM")
		s.quit()
	}()
}

// quit ends go-plugin's server, and with it Serve.
func (s *server) quit() {
	s.alone.Store(true)
	if server := s.server.Load(); server != nil {
		server.Stop()
	}
}

// leaveAlone ends the process when nobody needs it any more: when the run is
// over and no host listens, or when no host has ever started one.
func (s *server) leaveAlone() {
	idle := time.Now()
	for !s.plugin.begun() {
		time.Sleep(absence)
		if s.calls.Load() > 0 {
			idle = time.Now()
		} else if time.Since(idle) > unstarted {
			s.quit()
			return
		}
	}
	<-s.plugin.Done()
	for away := time.Duration(0); away < absence; {
		time.Sleep(absence - away)
		away = s.plugin.recorder.away()
	}
	s.quit()
}

// end stops a run that still goes on and returns the exit status.
func (s *server) end() int {
	if s.plugin.begun() && !s.plugin.over() {
		// the error is always nil
		_ = s.plugin.Stop(context.Background(), hostGrace, "the host shut the process down")
	}
	s.plugin.Close(s.alone.Load())
	return 0
}

var executable = sync.OnceValue(func() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	// a host keeps plugins under the names of their sums
	if name := filepath.Base(path); len(name) == sha256.Size*2 && filepath.Base(filepath.Dir(path)) == "plugins" {
		if _, err := hex.DecodeString(name); err == nil {
			return name
		}
	}
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }() // opened for reading
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return ""
	}
	return hex.EncodeToString(sum.Sum(nil))
})

// binarySHA256 returns the sum of this process's executable, "" where it
// cannot be read.
func binarySHA256() string { return executable() }

var _ wire.Server = (*Plugin)(nil)
