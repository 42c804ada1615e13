package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// damagedFile is what becomes of instance.json in the directory of a run whose
// record cannot be used. A process of the run ends itself when it finds that
// its record is gone.
const damagedFile = "instance.json.damaged"

// giveUpTime is how long the processes have to end themselves of a run that is
// given up.
const giveUpTime = 20 * time.Second

// damaged returns what counts of a record that cannot be used, and why the run
// is lost. Nothing that it names may be touched. s.mu is held.
func (s *Supervisor) damaged(run string, read instance, u *unit, damage error) (instance, error) {
	in := instance{Run: run, Begun: true}
	switch {
	case u != nil:
		in.Script = u.name
	case s.units[read.Script] != nil:
		in.Script = read.Script
	}
	if u := s.units[in.Script]; u != nil {
		in.Tailed = u.config().Plugin != "" // a wrapper tells by itself what its script prints
	}
	why := fmt.Errorf("its host was killed, and the record of its process is damaged: %w", damage)
	if !errors.Is(damage, errChanged) {
		return in, why
	}
	boot, err := bootID()
	if err == nil && boot != read.BootID {
		return in, fmt.Errorf("its record names another boot of the machine, and is damaged: %w", damage)
	}
	began, err := startTime(read.PID)
	if read.PID > 0 && err == nil && (began != read.StartTime || !hasMark(read.PID, markOfGeneration(run, read.Generation))) {
		return in, fmt.Errorf("its recorded process id belongs to another process, which was not touched: %w", damage)
	}
	return in, why
}

// elsewhere returns an error where the process is that of a run in another
// directory, of which this one is a copy: a host there has it, or may take it up.
func (in instance) elsewhere(home string) error {
	socket, ok := strings.CutPrefix(in.Socket, "unix:")
	if !ok {
		return nil
	}
	for dir := filepath.Dir(socket); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		there, err := os.Stat(filepath.Join(dir, instanceFile))
		if err != nil {
			continue
		}
		if here, err := os.Stat(filepath.Join(home, instanceFile)); err == nil && !os.SameFile(here, there) {
			return fmt.Errorf("the process is that of the run in %s, of which this is a copy", dir)
		}
		return nil
	}
	return nil
}

// giveUp lets go of a run whose processes are not known for certain: nothing
// is signalled. Those that are there notice that their record is gone and end
// themselves; what has not in good time is noted in l.
func (s *Supervisor) giveUp(ctx context.Context, l *leftover) error {
	record := filepath.Join(l.dir, instanceFile)
	var err error
	if l.damage != nil {
		err = os.Rename(record, filepath.Join(l.dir, damagedFile))
	} else {
		err = os.Remove(record)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	ctx, cancel := context.WithTimeout(ctx, giveUpTime)
	defer cancel()
	for _, mark := range marksIn(l) {
		found, e := marked(mark)
		err = errors.Join(err, e)
		for _, h := range found {
			if h.wait(ctx) != nil {
				l.going = append(l.going, h.pid)
			}
			h.close()
		}
	}
	return err
}

// marksIn lists the marks that processes of the run may carry.
func marksIn(l *leftover) []string {
	out := []string{l.in.Run}
	later, _ := filepath.Glob(filepath.Join(l.dir, "[0-9]*")) // the pattern is right
	for _, dir := range later {
		out = append(out, l.in.Run+"."+filepath.Base(dir))
	}
	return out
}

func joinInts(ns []int) string {
	parts := make([]string, len(ns))
	for i, n := range ns {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, ", ")
}
