package sdk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/mlhost/mlhost/shared/wire"
)

// recordOf returns the host's record of the run in a directory; "" where it
// keeps none.
func recordOf(dir string) string {
	if dir == "" {
		return ""
	}
	path := filepath.Join(dir, wire.InstanceFile)
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

func (p *Plugin) hostsRecord() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.record
}

// awaitEnd waits for the end of the run, and returns false where its host has
// given it up before: where nobody listens, and the record is gone by which a
// host would find the process again.
func (p *Plugin) awaitEnd() bool {
	record := p.hostsRecord()
	if record == "" {
		<-p.Done()
		return true
	}
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		select {
		case <-p.Done():
			return true
		case <-ticker.C:
		}
		if p.recorder.away() < absence {
			continue
		}
		if _, err := os.Stat(record); errors.Is(err, fs.ErrNotExist) {
			return false
		}
	}
}
