package host

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

// settleTime is how long the files of the configuration must have been left
// alone before they are read: editors write in several steps.
const settleTime = 300 * time.Millisecond

// followConfig carries out, until ctx ends, what changes in the configuration,
// as far as that ends no run. The rest waits for Reload, and is shown.
func (h *Host) followConfig(ctx context.Context) error {
	select {
	case <-h.supervisor.Swept():
	case <-ctx.Done():
		return nil
	}
	if err := h.catchUp(ctx); err != nil && ctx.Err() == nil {
		h.logger.Warn("configuration", "error", err)
	}
	if h.options.Load == nil || len(h.configDirs()) == 0 {
		return nil
	}
	eyes := openEyes()
	defer eyes.close()
	settled := time.NewTimer(time.Hour)
	settled.Stop()
	defer settled.Stop()
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	look := func() (changed bool) {
		changed = len(eyes.look(h.configDirs(), func(_, name string) bool { return isConfigFile(name) })) > 0
		eyes.follow(h.configDirs())
		h.noteEyes("the configuration", eyes.failed)
		return changed
	}
	eyes.follow(h.configDirs()) // before the first look, so that nothing lies between them
	look()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-eyes.events():
			if !ok || e.Has(fsnotify.Chmod) && !e.Has(fsnotify.Write|fsnotify.Create) {
				continue
			}
			// A link that the files lie behind is put in the place of another one.
			if isConfigFile(e.Name) || strings.HasPrefix(filepath.Base(e.Name), "..") && look() {
				settled.Reset(settleTime)
			}
		case err := <-eyes.errors():
			h.logger.Warn("watch configuration", "error", err)
			settled.Reset(settleTime) // what was missed is found by reading
		case now := <-tick.C:
			if eyes.due(now) && look() {
				settled.Reset(settleTime)
			}
		case <-settled.C:
			look()
			if _, err := h.reloadConfig(ctx, h.mayByItself); err != nil {
				h.logger.Warn("the configuration is not carried out, the one before it serves", "error", err)
			}
		}
	}
}

func isConfigFile(name string) bool {
	base := filepath.Base(name)
	return !strings.HasPrefix(base, ".") && (strings.HasSuffix(base, ".hcl") || strings.HasSuffix(base, ".json"))
}

// configDirs lists the directories that the configuration's files lie in.
func (h *Host) configDirs() []string {
	var dirs []string
	for name := range h.config.Load().Files {
		abs, err := filepath.Abs(name)
		if err != nil {
			h.logger.Warn("watch configuration", "file", name, "error", err)
			continue
		}
		if dir := filepath.Dir(abs); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// mayByItself picks what is carried out without being asked for: what ends no
// run, and what concerns scripts with reload = "auto".
func (h *Host) mayByItself(c config.Change) bool {
	if !c.Disturbs {
		return true
	}
	s, ok := h.config.Load().Script(c.Name)
	return ok && s.Reload == "auto" && c.Action == config.Replace
}

// noteProblem remembers why the configuration as it is now cannot be used.
func (h *Host) noteProblem(err error) {
	h.reload.mu.Lock()
	defer h.reload.mu.Unlock()
	h.reload.status.Problem = ""
	if e, ok := errors.AsType[*script.Error](err); ok {
		h.reload.status.Problem = e.Error()
	} else if err != nil {
		h.reload.status.Problem = fmt.Sprint(err)
	}
}

// noteRefused remembers what of the configuration could not be carried out.
func (h *Host) noteRefused(err error) {
	h.reload.mu.Lock()
	defer h.reload.mu.Unlock()
	h.reload.status.Refused = ""
	if err != nil {
		h.reload.status.Refused = err.Error()
	}
}

func (h *Host) notePending(scripts []string) {
	h.reload.mu.Lock()
	defer h.reload.mu.Unlock()
	h.reload.status.Pending = scripts
}

func (h *Host) noteWaiting(settings []string) {
	h.reload.mu.Lock()
	defer h.reload.mu.Unlock()
	h.reload.status.Restart = settings
}

// configStatus tells what is not carried out of the configuration.
func (h *Host) configStatus() v1.ConfigStatus {
	h.reload.mu.Lock()
	defer h.reload.mu.Unlock()
	s := h.reload.status
	s.Pending = append([]string{}, s.Pending...)
	s.Restart = slices.Clone(s.Restart)
	return s
}
