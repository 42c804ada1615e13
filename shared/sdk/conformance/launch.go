package conformance

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/mlhost/mlhost/shared/wire"
)

// process is a plugin that the kit started.
type process struct {
	cmd     *exec.Cmd
	client  *wire.Client
	conn    *grpc.ClientConn
	runDir  string
	outputs *tail
	ended   chan struct{} // closed when the process has ended
	result  error         // of the process, then
}

// tail keeps the end of what the plugin prints.
type tail struct {
	mu   sync.Mutex
	data []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	const most = 16 << 10
	t.data = append(t.data, p...)
	if len(t.data) > most {
		t.data = t.data[len(t.data)-most:]
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.data))
}

// launch starts the plugin in a directory of its own and connects to it.
func launch(ctx context.Context, binary, dir string) (*process, error) {
	path, err := filepath.Abs(binary)
	if err != nil {
		return nil, fmt.Errorf("find plugin: %w", err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start plugin: %w", err)
	}
	p := &process{cmd: exec.CommandContext(context.WithoutCancel(ctx), path), // it outlives the launch
		runDir: dir, outputs: &tail{}, ended: make(chan struct{})}
	p.cmd.Dir = dir
	p.cmd.Env = append(os.Environ(),
		wire.Handshake.MagicCookieKey+"="+wire.Handshake.MagicCookieValue,
		"PLUGIN_PROTOCOL_VERSIONS="+strconv.Itoa(wire.ProtocolVersion),
		"PLUGIN_UNIX_SOCKET_DIR="+dir,
	)
	p.cmd.Stdout, p.cmd.Stderr = write, p.outputs
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = p.cmd.Start()
	if cerr := write.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start plugin: %w", err), read.Close())
	}
	go func() {
		p.result = p.cmd.Wait()
		close(p.ended)
	}()
	address, err := p.handshake(ctx, read)
	if err == nil {
		err = p.connect(address)
	}
	if err != nil {
		return nil, errors.Join(err, p.kill())
	}
	return p, nil
}

// handshake reads the first line, and lets the rest go to the tail.
func (p *process) handshake(ctx context.Context, read *os.File) (address string, err error) {
	lines := make(chan string, 1)
	go func() { // ends with the process
		buffered := bufio.NewReader(read)
		line, _ := buffered.ReadString('\n') // an error ends the line, and shows in it
		lines <- line
		_, _ = io.Copy(p.outputs, buffered) // the pipe breaks when the process ends
		_ = read.Close()
	}()
	select {
	case line := <-lines:
		address, err := parseHandshake(strings.TrimSpace(line))
		if err != nil {
			return "", fmt.Errorf("%w; standard error: %s", err, p.lastWords())
		}
		return address, nil
	case <-ctx.Done():
		return "", fmt.Errorf("the plugin printed no handshake line in time; it printed: %q", p.outputs)
	}
}

// lastWords returns what the plugin printed, all of it where the process is
// about to end.
func (p *process) lastWords() string {
	select {
	case <-p.ended:
	case <-time.After(time.Second):
	}
	return p.outputs.String()
}

// parseHandshake reads go-plugin's line: core|protocol|network|address|grpc|…
func parseHandshake(line string) (string, error) {
	parts := strings.Split(line, "|")
	if len(parts) < 5 {
		return "", fmt.Errorf("the first line on standard output is %q, and not the handshake", line)
	}
	if parts[1] != strconv.Itoa(wire.ProtocolVersion) {
		return "", fmt.Errorf("the plugin speaks version %s of the protocol, not %d", parts[1], wire.ProtocolVersion)
	}
	if parts[2] != "unix" || parts[4] != "grpc" {
		return "", fmt.Errorf("the plugin serves %s over %s, not grpc over unix", parts[4], parts[2])
	}
	return parts[3], nil
}

func (p *process) connect(address string) error {
	options := append(wire.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	conn, err := grpc.NewClient("unix:"+address, options...)
	if err != nil {
		return fmt.Errorf("connect to plugin: %w", err)
	}
	p.conn, p.client = conn, wire.NewClient(conn)
	return nil
}

// shutdown asks the process to end, as go-plugin does.
func (p *process) shutdown(ctx context.Context) error {
	// the connection breaks before the answer comes, or not: both are fine
	_ = p.conn.Invoke(ctx, "/plugin.GRPCController/Shutdown", &emptypb.Empty{}, &emptypb.Empty{})
	return p.wait(ctx)
}

func (p *process) wait(ctx context.Context) error {
	select {
	case <-p.ended:
		if p.result != nil {
			return fmt.Errorf("the process ended with %w; it printed: %s", p.result, p.outputs)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the process goes on after it was asked to end")
	}
}

// kill ends the process group for good and closes the connection.
func (p *process) kill() error {
	var err error
	if p.conn != nil {
		err = p.conn.Close()
	}
	if kerr := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL); kerr != nil && !errors.Is(kerr, syscall.ESRCH) {
		return errors.Join(err, kerr)
	}
	select {
	case <-p.ended:
		return err
	case <-time.After(limit):
		return errors.Join(err, errors.New("the process cannot be killed"))
	}
}
