package host

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/mlhost/mlhost/host/bus"
	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

// scan looks for scripts again in the configured folders: what is new is
// known then, and what is gone is not, unless it runs.
func (h *Host) scan(ctx context.Context) error {
	h.reloading.Lock()
	defer h.reloading.Unlock()
	next, added, gone, diags := h.config.Load().Rescan(func(s *config.Script) bool { return h.situation(s.Name).Live })
	if diags.HasErrors() {
		return config.Error(diags)
	}
	if len(added)+len(gone) == 0 {
		return nil
	}
	for _, s := range gone {
		if err := h.supervisor.Remove(ctx, s.Name); err != nil {
			return err
		}
		h.registry.Remove(s.Name)
		delete(h.reload.applied.Scripts, s.Name)
		h.logger.Info("a script is gone", "script", s.Name, "file", s.Source)
	}
	outline := next.Outline()
	for _, s := range added {
		h.define(s, nil)
		if err := h.supervisor.Add(s); err != nil {
			return err
		}
		h.reload.applied.Scripts[s.Name] = outline.Scripts[s.Name]
		h.logger.Info("a script is new", "script", s.Name, "file", s.Source)
	}
	h.config.Store(next)
	h.reader.add(added)
	return h.remember(h.reload.applied)
}

// followFolders scans, until ctx ends, the folders in which something changes.
func (h *Host) followFolders(ctx context.Context) error {
	select {
	case <-h.supervisor.Swept():
	case <-ctx.Done():
		return nil
	}
	f := &folders{host: h, eyes: openEyes(), settled: time.NewTimer(settleTime), tick: time.NewTicker(lookAgain)}
	defer f.close()
	f.follow(ctx)
	return nil
}

// folders watches the folders of scripts.
type folders struct {
	host    *Host
	eyes    *eyes
	settled *time.Timer // rings when a folder was left alone for a while
	tick    *time.Ticker
	changed []string // files of scripts that were written to
	problem string   // that was told
}

func (f *folders) close() {
	f.settled.Stop()
	f.tick.Stop()
	f.eyes.close()
}

func (f *folders) follow(ctx context.Context) {
	states := f.host.bus.Subscribe(bus.Filter{Kinds: []string{script.KindOf(script.StateChanged{})}}, 256)
	defer states.Close()
	f.watch()
	f.look()
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-f.eyes.events():
			if ok {
				f.note(e)
			}
		case err := <-f.eyes.errors():
			f.host.logger.Warn("watch folders of scripts", "error", err)
			f.settled.Reset(settleTime) // what was missed is found by looking
		case e, ok := <-states.C:
			if !ok {
				return
			}
			if f.outlived(e) {
				f.settled.Reset(0)
			}
		case <-f.host.refolder:
			f.watch()
		case now := <-f.tick.C:
			if !f.eyes.due(now) {
				continue
			}
			for _, path := range f.look() {
				f.noteFile(path)
			}
			if f.watch() {
				f.settled.Reset(settleTime)
			}
		case <-f.settled.C:
			f.scan(ctx)
		}
	}
}

// dirs are the folders of the configuration as it is now.
func (f *folders) dirs() (dirs []string) {
	for _, folder := range f.host.config.Load().Folders {
		dirs = append(dirs, folder.Directory)
	}
	return dirs
}

// watch watches the folders, and reports whether there is one that was not
// watched.
func (f *folders) watch() (more bool) {
	more = f.eyes.follow(f.dirs())
	err := f.eyes.failed
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // it is not there yet
	}
	f.host.noteEyes("folders of scripts", err)
	return more
}

// look returns the files of scripts that are others than before.
func (f *folders) look() []string {
	return f.eyes.look(f.dirs(), func(dir, name string) bool { return f.holds(dir, name) })
}

func (f *folders) holds(dir, name string) bool {
	return slices.ContainsFunc(f.host.config.Load().Folders, func(folder *config.Folder) bool {
		return filepath.Clean(dir) == folder.Directory && folder.Holds(name)
	})
}

func (f *folders) note(e fsnotify.Event) {
	if dir, name := filepath.Split(e.Name); !f.holds(dir, name) {
		return
	}
	if e.Has(fsnotify.Write | fsnotify.Create) {
		f.noteFile(e.Name)
	}
	f.settled.Reset(settleTime)
}

// noteFile has a file of a script looked at.
func (f *folders) noteFile(path string) {
	if len(f.changed) < 1000 && !slices.Contains(f.changed, path) {
		f.changed = append(f.changed, path)
	}
	f.settled.Reset(settleTime)
}

// outlived reports whether a run has ended whose script's file is gone.
func (f *folders) outlived(e script.Event) bool {
	state, ok := e.Body.(script.StateChanged)
	if !ok { // a gap
		return true
	}
	s, known := f.host.config.Load().Script(e.Script)
	return known && state.State.Ended() && s.Gone()
}

// scan brings what is known up to what the folders hold. Scripts that do not
// run and whose files were written are read again.
func (f *folders) scan(ctx context.Context) {
	changed := f.changed
	f.changed = nil
	problem := ""
	if err := f.host.scan(ctx); err != nil {
		problem = err.Error()
	}
	if problem != "" && problem != f.problem && ctx.Err() == nil {
		f.host.logger.Warn("look for scripts", "error", problem)
	}
	f.problem = problem
	var again []*config.Script
	for _, s := range f.host.config.Load().Scripts {
		if slices.Contains(changed, s.Source) && !f.host.situation(s.Name).Live {
			again = append(again, s)
		}
	}
	f.host.reader.add(again)
}
