package sdk

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// This file speaks go-plugin's protocol. The library itself would cost each
// plugin more time to start than everything else that it does, and put pipes in
// the place of os.Stdout and os.Stderr, which block when no host reads them.

// helloPipe returns the descriptor on which the host wants to hear of the
// plugin, nil where it gave none.
func helloPipe() *os.File {
	fd, err := strconv.Atoi(os.Getenv(wire.HelloEnv))
	if err != nil || fd < 3 {
		return nil
	}
	if os.Unsetenv(wire.HelloEnv) != nil {
		return nil
	}
	var st syscall.Stat_t
	if syscall.Fstat(fd, &st) != nil || st.Mode&syscall.S_IFMT != syscall.S_IFIFO {
		return nil // whoever stands between has not passed it on
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), "hello")
}

// bind listens at the socket of the calls in the directory that the host names.
func bind(dir, nonce string) (*net.UnixListener, error) {
	if os.Getenv("PLUGIN_CLIENT_CERT") != "" {
		return nil, errors.New("serve plugin: the host wants TLS, which a plugin of mlhost does not speak")
	}
	if dir == "" {
		dir = os.TempDir()
	}
	path := filepath.Join(dir, "plugin"+nonce[:10])
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("serve plugin: %w", err)
	}
	return l, nil
}

// announce tells the host where the plugin serves. Where something was printed
// before, that comes behind it, for the host to see it.
func (s *server) announce(hello *os.File, addr net.Addr) (err error) {
	line := fmt.Sprintf("%d|%d|unix|%s|grpc|\n", wire.CoreVersion, wire.ProtocolVersion, addr)
	if hello != nil {
		defer func() { err = errors.Join(err, hello.Close()) }()
	}
	if info, err := os.Stdout.Stat(); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
		return write(os.Stdout, line)
	}
	if hello != nil {
		text, err := json.Marshal(s.plugin.hello())
		if err != nil {
			return fmt.Errorf("say hello: %w", err)
		}
		return write(hello, line+string(text)+"\n")
	}
	dir := os.Getenv(wire.SocketDirEnv)
	file, err := os.OpenFile(filepath.Join(dir, wire.HandshakeFile), os.O_WRONLY|os.O_APPEND, 0)
	if dir == "" || err != nil { // there is none
		return write(os.Stdout, line)
	}
	return errors.Join(write(file, line), file.Close())
}

func write(f *os.File, text string) error {
	if _, err := f.WriteString(text); err != nil {
		return fmt.Errorf("tell the handshake: %w", err)
	}
	return nil
}

// hello is what the process tells of itself unasked.
func (p *Plugin) hello() wire.Hello {
	d := p.describe()
	h := wire.Hello{
		Nonce: p.nonce, PID: os.Getpid(), Started: p.started, API: wire.ProtocolVersion, Capabilities: p.capabilities(d),
	}
	sum := fnv.New128a()
	if d.State != nil {
		_, _ = fmt.Fprintf(sum, "%#v", *d.State) // a hash takes everything
	}
	d.State = nil // which is a place in memory
	_, _ = fmt.Fprintf(sum, "%#v", d)
	h.Description = fmt.Sprintf("%x", sum.Sum(nil))
	return h
}

// capabilities are those of the description and those of the process.
func (p *Plugin) capabilities(d script.Description) []string {
	all := append(slices.Clone(d.Capabilities), wire.CapabilityPulse)
	if _, checks := p.script.(Validator); !checks {
		all = append(all, wire.CapabilityPlain)
	}
	return all
}
