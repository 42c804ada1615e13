package supervisor

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// The files of a run directory.
const (
	instanceFile = wire.InstanceFile
	launchFile   = "launch.json"
	stdoutFile   = "stdout.log"
	stderrFile   = "stderr.log"
)

// oldSocketDir is where the sockets of processes are that a host launched
// before they came to lie beside the other files.
const oldSocketDir = "p"

// maxSocketPath is the longest path that a unix socket can have on Linux.
const maxSocketPath = 107

// instance is what the host must know of a plugin process to find it again
// after the host itself died: instance.json in the run's directory. It is
// there exactly as long as the run is not known to have ended.
type instance struct {
	Run       string    `json:"run"`
	Script    string    `json:"script"`
	Nonce     string    `json:"nonce"`
	BootID    string    `json:"boot_id"`
	PID       int       `json:"pid,omitempty"`        // 0: died or host killed while it was launched
	StartTime uint64    `json:"start_time,omitempty"` // of the process, in ticks since boot
	Network   string    `json:"network,omitempty"`
	Socket    string    `json:"socket,omitempty"`
	SHA256    string    `json:"sha256,omitempty"`
	Protocol  int       `json:"protocol,omitempty"`
	Launched  time.Time `json:"launched"`
	Begun     bool      `json:"begun"` // its RunStarted was, or was about to be, emitted

	Attempt   int         `json:"attempt,omitempty"`   // automatic restarts before it
	Restarts  []time.Time `json:"restarts,omitempty"`  // those that still count
	Tailed    bool        `json:"tailed,omitempty"`    // the host makes log lines of what it prints
	Handshake int64       `json:"handshake,omitempty"` // bytes of standard output that are no output
	Source    string      `json:"source,omitempty"`    // sha256 of the script's source when the run began

	// Generation counts the processes of the run from 1; that of the first is
	// not written. A later one has a directory of its own, of that name.
	Generation int `json:"generation,omitempty"`
	// LogBase tells for the output of this process where that of the processes
	// before it ended.
	LogBase [2]int64 `json:"log_base,omitzero"`
	// Paused: a person has paused the script. It tells whether a process that
	// is found paused beside a candidate is to go on.
	Paused bool `json:"paused,omitempty"`
	// Candidate is a process that may become this one's successor. As long as
	// it is recorded here, nothing that it says counts.
	Candidate *instance `json:"candidate,omitempty"`
	// Before is the process whose run this one has taken over, as long as it
	// may still be there.
	Before *instance `json:"before,omitempty"`

	// Sum is the sha256 of the file, without the ends of lines behind it, in
	// which zeros stand in its place. Earlier hosts wrote none.
	Sum string `json:"sum,omitempty"`

	summed bool // it was read, and its sum was right
}

// mark is what marks the processes of this one's generation.
func (in instance) mark() string { return markOfGeneration(in.Run, in.Generation) }

func markOfGeneration(run string, generation int) string {
	if generation <= 1 {
		return run
	}
	return fmt.Sprintf("%s.%d", run, generation)
}

// processDir returns the directory of the process's own files; home is the
// run's.
func (in instance) processDir(home string) string {
	if in.Generation <= 1 {
		return home
	}
	return filepath.Join(home, strconv.Itoa(in.Generation))
}

// makeRunDir creates a run's directory, which must not be there yet, and tests
// that a socket in it can have an address.
func makeRunDir(dir string) error {
	if longest := filepath.Join(dir, "plugin4294967295"); len(longest) > maxSocketPath {
		return script.Errorf(script.CodeIO,
			"the state directory's path is too long for unix sockets: %s would have %d bytes, and %d is the most that Linux takes",
			longest, len(longest), maxSocketPath).
			WithHint("choose a shorter state directory with --state or MLHOST_STATE")
	}
	err := os.MkdirAll(filepath.Dir(dir), 0o700)
	if err == nil {
		err = os.Mkdir(dir, 0o700)
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		return err // the caller picks another id
	case err != nil:
		return &script.Error{Code: script.CodeIO, Message: fmt.Sprintf("create run directory: %v", err),
			Hint: "is the state directory writable, and the disk not full?"}
	}
	return nil
}

// beginInstance writes the first instance.json of a run, which matters only
// while the machine stays up. One that is not whole, as its host was killed
// meanwhile, tells enough: there was nothing but the mark to find its process by.
func beginInstance(dir string, in instance) error {
	b, err := in.encode()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, instanceFile), b, 0o600)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", instanceFile, err)
	}
	return nil
}

// completeInstance writes what is known of a process that is about to begin its
// run over what beginInstance wrote, and returns when that is on the disk. It is
// one write of less than a page, which a host that is killed has made whole or
// not at all; where the machine fails, nothing of the run is left to be found.
// A new file, and one of its own for each change, would take the disk longer
// than all else that a start writes.
func completeInstance(dir string, in instance) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", instanceFile, err)
		}
	}()
	b, err := in.encode()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, instanceFile), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if left := int(info.Size()) - len(b); left > 0 {
		b = append(b, bytes.Repeat([]byte{'\n'}, left)...)
	}
	if len(b) > os.Getpagesize() {
		return writeInstance(dir, in, true)
	}
	if _, err = f.WriteAt(b, 0); err != nil {
		return err
	}
	return f.Sync()
}

// writeInstance replaces instance.json in one step; with sync it is on the
// disk when the function returns.
func writeInstance(dir string, in instance, sync bool) error {
	b, err := in.encode()
	if err != nil {
		return fmt.Errorf("write %s: %w", instanceFile, err)
	}
	return writeFile(filepath.Join(dir, instanceFile), b, sync)
}

// writeFile writes by rename, so that a reader sees the old or the new whole.
func writeFile(path string, data []byte, sync bool) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", filepath.Base(path), errors.Join(err, os.Remove(f.Name())))
		}
	}()
	_, err = f.Write(data)
	if err == nil && sync {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// readExit returns the run's exit record, and false where it left none. A
// record that cannot be read, or is another run's, counts as none; the error
// says why.
func readExit(dir, run string) (wire.Exit, bool, error) {
	exit, err := wire.ReadExit(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return wire.Exit{}, false, nil
	case err != nil:
		return wire.Exit{}, false, err
	case exit.Run != run:
		return wire.Exit{}, false, fmt.Errorf("read exit record: it is of run %q, not of %q", exit.Run, run)
	case !exit.State.Ended():
		return wire.Exit{}, false, fmt.Errorf("read exit record: %q is no state to end in", exit.State)
	}
	return exit, true, nil
}

// removeSockets removes what the process whose files are in dir has listened at.
func removeSockets(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if e.Type()&fs.ModeSocket != 0 || e.Name() == oldSocketDir {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return err
}

// sealRunDir marks a run as ended: its socket and instance.json go.
func sealRunDir(dir string) error {
	err := removeSockets(dir)
	later, e := filepath.Glob(filepath.Join(dir, "[0-9]*"))
	for _, d := range later {
		err = errors.Join(err, removeSockets(d))
	}
	err = errors.Join(err, e, removeState(dir))
	if e := os.Remove(filepath.Join(dir, instanceFile)); e != nil && !errors.Is(e, fs.ErrNotExist) {
		err = errors.Join(err, e)
	}
	if err != nil {
		return fmt.Errorf("clear run directory: %w", err)
	}
	return nil
}

// discardRunDir removes the directory of a run that never began, unless it
// holds output that somebody may want to read.
func discardRunDir(dir string) error {
	for _, name := range []string{stdoutFile, stderrFile} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Size() > 0 {
			return sealRunDir(dir)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove run directory: %w", err)
	}
	return nil
}
