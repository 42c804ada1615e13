package interpreter

import (
	"os"
	"os/signal"

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
