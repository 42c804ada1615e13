package connector

import (
	"bufio"
	"context"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// lsofPatience is how long lsof, which every macOS has, may take.
const lsofPatience = 5 * time.Second

// process is one that lsof lists.
type process struct {
	pid, uid int
	command  string
	names    []string // of its connections: "127.0.0.1:50000->127.0.0.1:10118"
}

func lsof(args ...string) []process {
	ctx, cancel := context.WithTimeout(context.Background(), lsofPatience)
	defer cancel()
	// It exits with 1 where it finds nothing, which is no error here.
	out, _ := exec.CommandContext(ctx, "/usr/sbin/lsof", append([]string{"-nP", "-F", "pucn"}, args...)...).Output()
	var found []process
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	for lines.Scan() {
		line := lines.Text()
		if line == "" {
			continue
		}
		if line[0] == 'p' {
			pid, _ := strconv.Atoi(line[1:])
			found = append(found, process{pid: pid, uid: -1})
		}
		if len(found) == 0 {
			continue
		}
		p := &found[len(found)-1]
		switch line[0] {
		case 'u':
			if uid, err := strconv.Atoi(line[1:]); err == nil {
				p.uid = uid
			}
		case 'c':
			p.command = line[1:]
		case 'n':
			p.names = append(p.names, line[1:])
		}
	}
	return found
}

// peerUID returns the user of the process at remote that is connected with
// local, both on this machine.
func peerUID(local, remote netip.AddrPort) (int, error) {
	wanted := remote.String() + "->" + local.String()
	for _, p := range lsof("-iTCP:" + strconv.Itoa(int(remote.Port()))) {
		for _, name := range p.names {
			if name == wanted && p.uid >= 0 {
				return p.uid, nil
			}
		}
	}
	return 0, errPeerUnknown
}

// holder returns the process that listens on the port.
func holder(port uint16) (pid int, command string, ok bool) {
	for _, p := range lsof("-iTCP:"+strconv.Itoa(int(port)), "-sTCP:LISTEN") {
		return p.pid, p.command, true
	}
	return 0, "", false
}
