package interpreter

import (
	"errors"
	"os"
	"os/signal"
	"unsafe"

	"golang.org/x/sys/unix"
)

// reaper buries the orphans that the kernel hands to this process, but never
// a child that somebody else here waits for.
type reaper struct {
	script  int // its pid: somebody else waits for that
	signals chan os.Signal
	stop    chan struct{}
	done    chan struct{}
}

// newReaper starts burying. The script and the helpers are the only children
// of this process that somebody else waits for.
func newReaper(pid int) *reaper {
	r := &reaper{script: pid, signals: make(chan os.Signal, 1), stop: make(chan struct{}), done: make(chan struct{})}
	signal.Notify(r.signals, unix.SIGCHLD)
	go r.run()
	return r
}

func (r *reaper) run() {
	defer close(r.done)
	defer signal.Stop(r.signals)
	r.reap()
	for {
		select {
		case <-r.signals:
			r.reap()
		case <-r.stop:
			r.reap()
			return
		}
	}
}

// reap buries the dead children that nobody here waits for.
func (r *reaper) reap() {
	for {
		pid, dead := firstDead()
		if !dead {
			return
		}
		if r.buryLone(pid) {
			continue
		}
		r.search() // others may stand behind one that somebody here waits for
		return
	}
}

// buryLone buries a dead child, unless somebody here waits for it.
func (r *reaper) buryLone(pid int) (done bool) {
	helpers.without(func(isHelper func(int) bool) {
		if done = pid != r.script && !isHelper(pid); done {
			_, err := unix.Wait4(pid, nil, unix.WNOHANG, nil)
			done = err == nil
		}
	})
	return done
}

// firstDead returns a child that has ended, and leaves it. To look at all
// processes of a machine takes much longer.
func firstDead() (pid int, ok bool) {
	var info unix.Siginfo
	for {
		err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		child := childOf(&info)
		return child, err == nil && child != 0
	}
}

// childOf returns the process that waitid tells of: it stands behind three
// numbers, and where a pointer does.
func childOf(info *unix.Siginfo) int {
	at := max(3*unsafe.Sizeof(int32(0)), 2*unsafe.Sizeof(uintptr(0)))
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(info), at)))
}

// search buries among all processes.
func (r *reaper) search() {
	pids, err := processes()
	if err != nil {
		return // without /proc they are buried when this process ends
	}
	self := os.Getpid()
	helpers.without(func(isHelper func(int) bool) {
		for _, pid := range pids {
			if parent, state := processStat(pid); parent == self && state == zombie && pid != r.script && !isHelper(pid) {
				var status unix.WaitStatus
				_, _ = unix.Wait4(pid, &status, unix.WNOHANG, nil) // whoever was faster may have it
			}
		}
	})
}

func (r *reaper) close() {
	close(r.stop)
	<-r.done
}
