package supervisor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mlhost/mlhost/shared/script"
)

// Descriptors that are open for one process that was taken over, for one whose
// output the host follows besides, and for what a host does meanwhile.
const (
	filesOfProcess = 3
	filesOfTails   = 2
	filesMeanwhile = 32
)

// Means reports whether this program may open as many files as taking over
// what an earlier host has left running needs. Where it may not, that is to be
// known before any of it is touched: a process that cannot be asked who it is
// looks like one that is gone.
func (s *Supervisor) Means() error {
	if s.options.Dir == "" {
		return nil
	}
	runs := filepath.Join(s.options.Dir, "runs")
	entries, err := os.ReadDir(runs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for earlier runs: %w", err)
	}
	processes, files := 0, filesMeanwhile
	for _, e := range entries {
		dir := filepath.Join(runs, e.Name())
		if !fileExists(filepath.Join(dir, instanceFile)) {
			continue
		}
		processes++
		files += filesOfProcess
		if in, err := readInstance(dir); err != nil || in.Tailed {
			files += filesOfTails
		}
	}
	if processes == 0 {
		return nil
	}
	if err := openFiles(runs, files); err != nil {
		return script.Errorf(script.CodeIO, "%d scripts may still run, and to take them over needs %d more open files than this program may have: %v",
			processes, files, err).WithHint("nothing has been done to them; raise the limit (`ulimit -n`, LimitNOFILE of systemd) and run it again")
	}
	return nil
}

// openFiles opens a path as often as told, and closes it again.
func openFiles(path string, times int) (err error) {
	open := make([]*os.File, 0, times)
	defer func() {
		for _, f := range open {
			err = errors.Join(err, f.Close())
		}
	}()
	for range times {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		open = append(open, f)
	}
	return nil
}
