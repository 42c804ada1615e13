package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/hashicorp/go-plugin"

	"github.com/mlhost/mlhost/shared/wire"
)

// proxyEnv makes the program stand between the host and the plugin, which it
// starts: it names the file that the proxy writes its pid into. SIGUSR1 stalls
// the connections, SIGUSR2 lets them go on, SIGHUP breaks them.
const proxyEnv = "CHAOS_PROXY"

// proxy passes on what the host and the plugin say to each other.
type proxy struct {
	to string // the plugin's socket

	mu    sync.Mutex
	open  chan struct{} // closed: nothing is stalled
	conns map[net.Conn]struct{}
}

// stand is the proxy's whole life. It returns the plugin's exit status.
func stand() (int, error) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGHUP)
	signal.Ignore(syscall.SIGTERM, os.Interrupt) // they are for the plugin, whose end is the proxy's too
	dir := os.Getenv(plugin.EnvUnixSocketDir)
	inner := filepath.Join(dir, "p") // which the host removes with its sockets
	if err := os.Mkdir(inner, 0o700); err != nil {
		return 1, err
	}
	self, err := os.Executable()
	if err != nil {
		return 1, err
	}
	cmd := exec.Command(self) //nolint:noctx // it lives as long as this process
	cmd.Env = append(os.Environ(), proxyEnv+"=", wire.HelloEnv+"=", plugin.EnvUnixSocketDir+"="+inner)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 1, err
	}
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	if err != nil {
		return 1, fmt.Errorf("read handshake: %w", err)
	}
	parts := strings.Split(line, "|")
	if len(parts) < 4 {
		return 1, fmt.Errorf("%q is no handshake", line)
	}
	p := &proxy{to: parts[3], open: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	close(p.open)
	parts[3] = filepath.Join(dir, "x")
	listener, err := net.Listen("unix", parts[3]) //nolint:noctx // it lives as long as this process
	if err != nil {
		return 1, err
	}
	go p.accept(listener)
	go p.obey(signals)
	if err := os.WriteFile(os.Getenv(proxyEnv), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return 1, err
	}
	fmt.Print(strings.Join(parts, "|"))
	if _, err := io.Copy(os.Stdout, lines); err != nil {
		return 1, err
	}
	if err := cmd.Wait(); err != nil {
		return cmd.ProcessState.ExitCode(), err
	}
	return 0, nil
}

func (p *proxy) obey(signals <-chan os.Signal) {
	for s := range signals {
		p.mu.Lock()
		switch s {
		case syscall.SIGUSR1:
			if p.flows() {
				p.open = make(chan struct{})
			}
		case syscall.SIGUSR2:
			if !p.flows() {
				close(p.open)
			}
		default:
			for c := range p.conns {
				c.Close()
			}
		}
		p.mu.Unlock()
	}
}

// flows reports whether nothing is stalled. The caller holds mu.
func (p *proxy) flows() bool {
	select {
	case <-p.open:
		return true
	default:
		return false
	}
}

func (p *proxy) accept(l net.Listener) {
	for {
		host, err := l.Accept()
		if err != nil {
			return // the process ends
		}
		go func() {
			inner, err := net.Dial("unix", p.to) //nolint:noctx // a local socket answers at once
			if err != nil {
				host.Close()
				return
			}
			p.mu.Lock()
			p.conns[host], p.conns[inner] = struct{}{}, struct{}{}
			p.mu.Unlock()
			go p.pass(host, inner)
			p.pass(inner, host)
			p.mu.Lock()
			delete(p.conns, host)
			delete(p.conns, inner)
			p.mu.Unlock()
		}()
	}
}

// pass copies until either side is closed, and closes both.
func (p *proxy) pass(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		open := p.open
		p.mu.Unlock()
		<-open
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
