//go:build !linux

package doctor

import (
	"context"

	"golang.org/x/sys/unix"

	v1 "github.com/mlhost/mlhost/host/api/v1"
)

// limits tells what the kernel really enforces on a host and its scripts.
func (o Options) limits(context.Context) []v1.Check {
	const name = "limit of open files"
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return []v1.Check{fail(name, "", "%v", err)}
	}
	if l.Max < 1024 {
		return []v1.Check{warn(name, "raise it with ulimit -Hn", "%d; a host needs about 10 for each script that runs", l.Max)}
	}
	return []v1.Check{ok(name, "%d", l.Max)}
}

// marks lists no processes: this system does not show their environment.
func marks() (map[string][]int, error) { return nil, nil }
