package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	v1 "github.com/mlhost/mlhost/host/api/v1"
)

// limits tells what the kernel really enforces on a host and its scripts.
func (o Options) limits(context.Context) []v1.Check {
	return []v1.Check{openFiles(), processes(), memory(), watches(), sharedMemory()}
}

func openFiles() v1.Check {
	const name = "limit of open files"
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return fail(name, "", "%v", err)
	}
	// A Go program raises the soft limit to the hard one.
	if l.Max < 1024 {
		return warn(name, "raise it with ulimit -Hn, in limits.conf, or as LimitNOFILE of the unit", "%d; a host needs about 10 for each script that runs", l.Max)
	}
	return ok(name, "%d", l.Max)
}

func processes() v1.Check {
	const name = "limit of processes"
	most, where := uint64(unix.RLIM_INFINITY), ""
	lower := func(limit uint64, from string) {
		if limit < most {
			most, where = limit, from
		}
	}
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NPROC, &l); err == nil && os.Getuid() != 0 {
		lower(l.Cur, "ulimit -u")
	}
	if n, found := number("/proc/sys/kernel/pid_max"); found {
		lower(n, "kernel.pid_max")
	}
	used := uint64(0)
	if n, dir, found := ofGroup("pids.max"); found {
		lower(n, dir+"/pids.max")
		used, _ = number(filepath.Join(dir, "pids.current"))
	}
	if most < 256 || used+64 > most {
		return warn(name, "raise "+where, "%d by %s, %d are used", most, where, used)
	}
	return ok(name, "%d by %s", most, where)
}

func memory() v1.Check {
	const name = "limit of memory"
	most, dir, found := ofGroup("memory.max")
	if !found {
		return ok(name, "the control group sets none")
	}
	used, _ := number(filepath.Join(dir, "memory.current"))
	if used+most/10 > most {
		return warn(name, "raise "+dir+"/memory.max, or run fewer scripts at once", "%s, of which %s are used: the kernel kills what wants more", size(most), size(used))
	}
	return ok(name, "%s by %s/memory.max, of which %s are used", size(most), dir, size(used))
}

func watches() v1.Check {
	const name = "limit of file watches"
	most, found := number("/proc/sys/fs/inotify/max_user_watches")
	instances, found2 := number("/proc/sys/fs/inotify/max_user_instances")
	if !found || !found2 {
		return skip(name, "this kernel does not tell")
	}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		return fail(name, "raise it: sysctl fs.inotify.max_user_instances=1024", "none can be made any more (%v); %d are allowed", err, instances)
	}
	if err := unix.Close(fd); err != nil {
		return fail(name, "", "%v", err)
	}
	if most < 8192 {
		return warn(name, "raise it: sysctl fs.inotify.max_user_watches=524288", "%d; changes of files may be seen late", most)
	}
	return ok(name, "%d watches, %d watchers", most, instances)
}

func sharedMemory() v1.Check {
	const name = "shared memory"
	var st unix.Statfs_t
	if err := unix.Statfs("/dev/shm", &st); err != nil {
		return warn(name, "mount a tmpfs on /dev/shm", "/dev/shm: %v; data loaders with workers fail", err)
	}
	total := st.Blocks * uint64(st.Bsize)
	if total <= 64<<20 {
		return warn(name, "make it larger: mount -o remount,size=8G /dev/shm, or --shm-size of the container", "%s; data loaders with workers fail with a bus error when it is full", size(total))
	}
	return ok(name, "%s", size(total))
}

// ofGroup returns the least limit of that name which the control group of this
// process, or one above it, sets, and the directory that has it.
func ofGroup(file string) (least uint64, dir string, found bool) {
	data, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return 0, "", false
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		path, unified := strings.CutPrefix(line, "0::")
		if !unified {
			continue
		}
		for ; ; path = filepath.Dir(path) {
			at := filepath.Join("/sys/fs/cgroup", path)
			if n, set := number(filepath.Join(at, file)); set && (!found || n < least) {
				least, dir, found = n, at, true
			}
			if path == "/" || path == "." {
				break
			}
		}
	}
	return least, dir, found
}

// number reads a file that holds one number; "max" is none.
func number(path string) (uint64, bool) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64)
	return n, err == nil
}

// marks lists the processes of every run, by what is in their environment.
func marks() (map[string][]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	found := map[string][]int{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		env, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err != nil {
			continue // gone, or another user's
		}
		for v := range strings.SplitSeq(string(env), "\x00") {
			if run, marked := strings.CutPrefix(v, "MLHOST_RUN="); marked && run != "" {
				found[run] = append(found[run], pid)
			}
		}
	}
	return found, nil
}
