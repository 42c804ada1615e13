package sdk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

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
	hello := helloPipe() // before anything could inherit it
	p, err := NewPlugin(s)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	sv := &server{plugin: p}
	sv.signals()
	go sv.leaveAlone()
	if err := sv.serve(hello); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(sv.end())
}

// server is the process around a Plugin.
type server struct {
	plugin *Plugin
	calls  atomic.Int64 // in progress, streams included
	server atomic.Pointer[grpc.Server]
	alone  atomic.Bool // no host asked for the end
}

// serve answers calls until it is told to quit.
func (s *server) serve(hello *os.File) error {
	listener, err := bind(os.Getenv(wire.SocketDirEnv), s.plugin.nonce)
	if err != nil {
		return err
	}
	gs := s.grpc()
	wire.Register(gs, s.plugin)
	wire.RegisterControl(gs)
	s.server.Store(gs)
	stopPulse := func() {}
	if hello == nil {
		stopPulse = s.plugin.recorder.servePulse(os.Getenv(wire.SocketDirEnv))
	}
	defer stopPulse()
	if err := s.announce(hello, listener.Addr()); err != nil {
		return errors.Join(err, listener.Close())
	}
	if s.alone.Load() {
		return listener.Close()
	}
	return gs.Serve(newDoor(listener, s.plugin.recorder.beat))
}

// grpc makes the gRPC server, which counts the calls in progress.
func (s *server) grpc() *grpc.Server {
	unary := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		defer s.call()()
		return handler(ctx, req)
	}
	stream := func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		defer s.call()()
		return handler(srv, ss)
	}
	return wire.NewGRPCServer([]grpc.ServerOption{grpc.ChainUnaryInterceptor(unary), grpc.ChainStreamInterceptor(stream)})
}

func (s *server) call() (done func()) {
	s.calls.Add(1)
	return func() { s.calls.Add(-1) }
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

// quit ends the gRPC server, and with it Serve.
func (s *server) quit() {
	s.alone.Store(true)
	if server := s.server.Load(); server != nil {
		server.Stop()
	}
}

// leaveAlone ends the process when nobody needs it any more: when the run is
// over and no host listens, when no host has ever started one, or when its host
// has given the run up.
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
	if !s.plugin.awaitEnd() {
		// the error is always nil
		_ = s.plugin.Stop(context.Background(), termGrace, "the host has given the run up: there is no record of it any more")
		s.quit()
		return
	}
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
