package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mlhost/mlhost/host"
	v1 "github.com/mlhost/mlhost/host/api/v1"
)

// stateDirectory looks whether hosts can keep what they must, and nobody else
// reads it.
func (o Options) stateDirectory(context.Context) []v1.Check {
	const name = "state directory"
	info, err := os.Stat(o.State)
	if errors.Is(err, fs.ErrNotExist) {
		parent := existing(o.State)
		if unix.Access(parent, unix.W_OK|unix.X_OK) != nil {
			return []v1.Check{fail(name, "name another directory with --state DIR or MLHOST_STATE", "%s does not exist, and %s is not writable", o.State, parent)}
		}
		return []v1.Check{ok(name, "%s does not exist yet; the first run makes it", o.State), o.socketPath()}
	}
	if err != nil {
		return []v1.Check{fail(name, "name another directory with --state DIR or MLHOST_STATE", "%v", err)}
	}
	if !info.IsDir() {
		return []v1.Check{fail(name, "name a directory with --state DIR or MLHOST_STATE", "%s is a file", o.State)}
	}
	out := []v1.Check{o.writable(name), o.rights(), fileSystem(o.State), o.socketPath()}
	return out
}

// existing returns the nearest directory upward that there is.
func existing(path string) string {
	for {
		if _, err := os.Stat(path); err == nil || path == filepath.Dir(path) {
			return path
		}
		path = filepath.Dir(path)
	}
}

func (o Options) writable(name string) v1.Check {
	f, err := os.CreateTemp(o.State, ".doctor-*")
	if err == nil {
		_, err = f.WriteString("mlhost doctor\n")
		err = errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
	}
	if err != nil {
		return fail(name, "make it writable and free space on its disk, or name another one with --state DIR", "%s cannot be written: %v", o.State, err)
	}
	return ok(name, "%s is written and read", o.State)
}

// rights looks at the directories of hosts: they hold values and output that
// may be secret.
func (o Options) rights() v1.Check {
	const name = "state rights"
	var open []string
	for _, h := range o.Hosts {
		info, err := os.Stat(h.Dir)
		if err != nil {
			return fail(name, "", "%v", err)
		}
		if owner, known := info.Sys().(*syscall.Stat_t); known && int(owner.Uid) != os.Getuid() {
			return fail(name, "run mlhost as the user who owns it, or name another --state DIR", "%s belongs to user %d, not to you", h.Dir, owner.Uid)
		}
		if info.Mode().Perm()&0o077 != 0 {
			open = append(open, fmt.Sprintf("%s (%04o)", h.Dir, info.Mode().Perm()))
		}
	}
	if len(open) > 0 {
		return warn(name, "chmod 700 on each; a host sets it at its start", "other users may look into %s", strings.Join(open, ", "))
	}
	switch len(o.Hosts) {
	case 0:
		return ok(name, "no host has run here")
	case 1:
		return ok(name, "the directory of %s is closed to other users", o.Hosts[0].Name)
	}
	return ok(name, "%d hosts, each one's directory closed to other users", len(o.Hosts))
}

// socketPath looks whether a socket in a host's directory can have its name.
func (o Options) socketPath() v1.Check {
	const name, most = "socket path", 107
	dirs := []string{}
	for _, h := range o.Hosts {
		dirs = append(dirs, h.Dir)
	}
	if len(dirs) == 0 {
		own, err := os.Hostname()
		if err != nil {
			own = "host"
		}
		dirs = append(dirs, filepath.Join(o.State, own))
	}
	longest := ""
	for _, dir := range dirs {
		for _, path := range []string{host.SocketPath(dir), filepath.Join(dir, "runs", "0123456789", "plugin1234567890")} {
			if len(path) > len(longest) {
				longest = path
			}
		}
	}
	if len(longest) > most {
		return fail(name, "choose a shorter --state DIR, or a shorter host name", "%s would have %d bytes, %d are possible", longest, len(longest), most)
	}
	return ok(name, "at most %d of the %d bytes that are possible", len(longest), most)
}

// leastFree is how much space a disk should have for a host to keep results.
const leastFree = 1 << 30

func (o Options) disk(context.Context) []v1.Check {
	const name = "free disk"
	dir := existing(o.State)
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return []v1.Check{fail(name, "", "%s: %v", dir, err)}
	}
	free, total := st.Bavail*uint64(st.Bsize), st.Blocks*uint64(st.Bsize)
	const fix = "free space on it, or move the state by --state DIR; `mlhost runs` lists what is kept"
	switch {
	case free < leastFree/10:
		return []v1.Check{fail(name, fix, "%s of %s are free for %s", size(free), size(total), dir)}
	case free < leastFree:
		return []v1.Check{warn(name, fix, "%s of %s are free for %s", size(free), size(total), dir)}
	case st.Files > 0 && st.Ffree < 1000:
		return []v1.Check{warn(name, "remove files on it, or move the state by --state DIR", "room for %d more files is left for %s", st.Ffree, dir)}
	}
	return []v1.Check{ok(name, "%s of %s are free for %s", size(free), size(total), dir)}
}

// size words a number of bytes.
func size(n uint64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	x, i := float64(n), 0
	for x >= 1024 && i < len(units)-1 {
		x, i = x/1024, i+1
	}
	return fmt.Sprintf("%.4g %s", x, units[i])
}
