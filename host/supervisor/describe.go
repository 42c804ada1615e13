package supervisor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

// Describe asks a script's plugin what it takes and reports, in a process that
// is gone, with all its files, when Describe returns. What a plugin binary
// said is kept in the state directory, by what it is and how it is called.
func (s *Supervisor) Describe(ctx context.Context, conf *config.Script) (script.Description, error) {
	cache := ""
	if conf.Plugin != "" {
		sum, _, err := s.originals().prepare(conf.Plugin, conf.SHA256)
		if err != nil {
			return script.Description{}, blame(conf, err)
		}
		cache = s.cacheFile(conf, sum)
	}
	if d, ok := readDescription(cache); ok {
		return d, nil
	}
	d, err := s.describe(ctx, conf)
	if err != nil {
		return script.Description{}, blame(conf, err)
	}
	if cache != "" {
		if err := writeDescription(cache, d); err != nil {
			s.logger.Warn("keep description", "script", conf.Name, "error", err)
		}
	}
	return d, nil
}

// originals are binaries that are not copied; their hashes are shared with the
// copies.
func (s *Supervisor) originals() *binaries {
	sums := s.binaries.sumFile()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.uncopied == nil {
		s.uncopied = &binaries{sums: sums}
	}
	return s.uncopied
}

// describe runs the plugin for as long as the question takes.
func (s *Supervisor) describe(ctx context.Context, conf *config.Script) (d script.Description, err error) {
	// Sockets of processes that live long do not belong here, as cleaners take
	// them away; this one does not, and its path is short.
	base, err := os.MkdirTemp("", "mlhost-")
	if err != nil {
		return d, script.Errorf(script.CodeIO, "create directory: %v", err)
	}
	defer func() { err = joined(err, os.RemoveAll(base)) }()

	p := newProcess(newUnit(s, conf))
	p.run, p.dir = NewRunID(s.clock.Now()), filepath.Join(base, "run")
	if err := makeRunDir(p.dir); err != nil {
		return d, err
	}
	p.home = p.dir
	if p.program, err = s.program(conf, p.run, p.dir, s.originals(), nil); err != nil {
		return d, err
	}
	defer func() {
		if p.conn != nil {
			err = joined(err, p.conn.Close())
		}
		if p.child != nil {
			err = joined(err, p.child.kill())
		}
	}()
	if err := p.connect(ctx); err != nil {
		return d, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.options.StartTimeout)
	defer cancel()
	if d, err = p.client.Describe(ctx); err != nil {
		return d, p.explain("describe itself", err)
	}
	return d, nil
}

// cacheFile names the file that keeps the description of a plugin binary.
func (s *Supervisor) cacheFile(conf *config.Script, sum string) string {
	if s.binaries.dir == "" {
		return ""
	}
	call, err := json.Marshal([]any{conf.Args, conf.Env, conf.Directory})
	if err != nil {
		return ""
	}
	h := sha256.Sum256(call)
	return filepath.Join(s.binaries.dir, fmt.Sprintf("%s-%s.json", sum, hex.EncodeToString(h[:4])))
}

// descriptionFormat counts the forms of the file; one of another is not read.
const descriptionFormat = 1

type keptDescription struct {
	Format      int                `json:"format"`
	Description script.Description `json:"description"`
}

func readDescription(path string) (script.Description, bool) {
	if path == "" {
		return script.Description{}, false
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return script.Description{}, false
	}
	var kept keptDescription
	if json.Unmarshal(b, &kept) != nil || kept.Format != descriptionFormat {
		return script.Description{}, false
	}
	return kept.Description, true
}

func writeDescription(path string, d script.Description) error {
	b, err := json.Marshal(keptDescription{Format: descriptionFormat, Description: d})
	if err != nil {
		return fmt.Errorf("write description: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write description: %w", err)
	}
	return writeFile(path, b, false)
}
