package connector

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// socketEntry is one line of /proc/net/tcp or tcp6.
type socketEntry struct {
	local, remote netip.AddrPort
	state         string // hexadecimal, as there
	uid           int
	inode         string // "0": nobody has it any more
}

const stateListen = "0A"

// peerUID returns the user of the process at remote that is connected with
// local, both on this machine. A socket that its process has closed already
// belongs to nobody: it is not known.
func peerUID(local, remote netip.AddrPort) (int, error) {
	var uid int
	found := false
	err := eachSocket(func(e socketEntry) bool {
		if e.local != remote || e.remote != local || e.inode == "0" {
			return true
		}
		uid, found = e.uid, true
		return false
	})
	if err == nil && !found {
		err = errPeerUnknown
	}
	return uid, err
}

// holder returns the process that listens on the port.
func holder(port uint16) (pid int, command string, ok bool) {
	var inodes []string
	err := eachSocket(func(e socketEntry) bool {
		if e.local.Port() == port && e.state == stateListen {
			inodes = append(inodes, e.inode)
		}
		return true
	})
	if err != nil || len(inodes) == 0 {
		return 0, "", false
	}
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, "", false
	}
	for _, dir := range processes {
		if !holds(dir, inodes) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		line, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil {
			continue // it has ended just now
		}
		return pid, strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " ")), true
	}
	return 0, "", false
}

// holds reports whether the process has a socket of one of the inodes. Other
// users' processes do not tell.
func holds(dir string, inodes []string) bool {
	descriptors, err := os.ReadDir(filepath.Join(dir, "fd"))
	if err != nil {
		return false
	}
	for _, d := range descriptors {
		link, err := os.Readlink(filepath.Join(dir, "fd", d.Name()))
		if err != nil {
			continue
		}
		if inode, ok := strings.CutPrefix(link, "socket:["); ok && slices.Contains(inodes, strings.TrimSuffix(inode, "]")) {
			return true
		}
	}
	return false
}

// eachSocket calls f for the TCP sockets of this network namespace until f
// says no.
func eachSocket(f func(socketEntry) bool) error {
	for _, path := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		more, err := readSockets(path, f)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a kernel without IPv6
		}
		if err != nil || !more {
			return err
		}
	}
	return nil
}

func readSockets(path string, f func(socketEntry) bool) (more bool, err error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Scan() // the header
	for lines.Scan() {
		e, err := parseSocket(lines.Text())
		if err != nil {
			return false, fmt.Errorf("read %s: %w", path, err)
		}
		if !f(e) {
			return false, nil
		}
	}
	return true, lines.Err()
}

// parseSocket reads a line: number, local and remote address, state, queues,
// timer, retransmissions, uid, timeout, inode.
func parseSocket(line string) (socketEntry, error) {
	fields := strings.Fields(line)
	if len(fields) < 10 {
		return socketEntry{}, fmt.Errorf("%q has too few fields", line)
	}
	local, err := parseKernelAddress(fields[1])
	if err != nil {
		return socketEntry{}, err
	}
	remote, err := parseKernelAddress(fields[2])
	if err != nil {
		return socketEntry{}, err
	}
	uid, err := strconv.Atoi(fields[7])
	if err != nil {
		return socketEntry{}, err
	}
	return socketEntry{local: local, remote: remote, state: fields[3], uid: uid, inode: fields[9]}, nil
}

// parseKernelAddress reads "0100007F:2785": 32-bit words in the machine's
// order, which is little-endian on all that mlhost runs on.
func parseKernelAddress(text string) (netip.AddrPort, error) {
	host, portText, _ := strings.Cut(text, ":")
	b, err := hex.DecodeString(host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	for i := 0; i+4 <= len(b); i += 4 {
		slices.Reverse(b[i : i+4])
	}
	addr, ok := netip.AddrFromSlice(b)
	port, err := strconv.ParseUint(portText, 16, 16)
	if !ok || err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is no address", text)
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(port)), nil
}
