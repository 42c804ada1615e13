package interpreter

import (
	"fmt"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// reaper buries the orphans that the kernel hands to this process, but never
// a child that somebody else here waits for.
type reaper struct {
	mine    func(pid int) bool // is waited for elsewhere
	signals chan os.Signal
	stop    chan struct{}
	done    chan struct{}
}

// newReaper makes this process the parent of all orphans below it.
func newReaper(mine func(pid int) bool) (*reaper, error) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("become the reaper of orphans: %w", err)
	}
	r := &reaper{mine: mine, signals: make(chan os.Signal, 1), stop: make(chan struct{}), done: make(chan struct{})}
	signal.Notify(r.signals, unix.SIGCHLD)
	go r.run()
	return r, nil
}

func (r *reaper) run() {
	defer close(r.done)
	defer signal.Stop(r.signals)
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
	pids, err := processes()
	if err != nil {
		return // without /proc they are buried when this process ends
	}
	self := os.Getpid()
	for _, pid := range pids {
		if parent, state := processStat(pid); parent == self && state == zombie && !r.mine(pid) {
			var status unix.WaitStatus
			_, _ = unix.Wait4(pid, &status, unix.WNOHANG, nil) // whoever was faster may have it
		}
	}
}

func (r *reaper) close() {
	close(r.stop)
	<-r.done
}
