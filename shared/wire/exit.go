package wire

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// ExitFile is the name of the file in the run directory that says how the run
// ended.
const ExitFile = "exit.json"

// InstanceFile is the host's record of a process in the run's directory. It is
// there exactly as long as the run is not known to have ended: a process that
// no host listens to ends itself when it is gone.
const InstanceFile = "instance.json"

// Exit is how a run ended. Its plugin writes it down before its process ends,
// so that a host that was away records the end once.
type Exit struct {
	Run      string       `json:"run"`
	Script   string       `json:"script"`
	State    script.State `json:"state"` // finished, failed or stopped
	ExitCode *int         `json:"exit_code"`
	Reason   string       `json:"reason"`
	Time     time.Time    `json:"time"`
	LastSeq  uint64       `json:"last_seq"`
	Final    bool         `json:"final,omitempty"` // another try will not go better
}

// WriteExit writes the exit record into the run directory, so that it is there
// whole or not at all, and on disk when WriteExit returns.
func WriteExit(runDir string, exit Exit) error {
	data, err := json.Marshal(exit)
	if err != nil {
		return fmt.Errorf("write exit record: %w", err)
	}
	path := filepath.Join(runDir, ExitFile)
	if err := writeSynced(path+".new", append(data, '\n')); err != nil {
		return fmt.Errorf("write exit record: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write exit record: %w", err)
	}
	return syncDir(runDir)
}

// ReadExit reads the exit record of a run directory. The error is
// fs.ErrNotExist where there is none.
func ReadExit(runDir string) (Exit, error) {
	data, err := os.ReadFile(filepath.Join(runDir, ExitFile))
	if err != nil {
		return Exit{}, fmt.Errorf("read exit record: %w", err)
	}
	var exit Exit
	if err := json.Unmarshal(data, &exit); err != nil {
		return Exit{}, fmt.Errorf("read exit record: %w", err)
	}
	return exit, nil
}

func writeSynced(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if cerr := file.Close(); err == nil {
		err = cerr
	}
	return err
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	err = dir.Sync()
	if cerr := dir.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return nil
}
