package supervisor

import (
	"context"
	"debug/elf"
	"fmt"
	"io"
	"os"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

// changedSource stands beside the state of a script whose source is not what
// its run began with.
const changedSource = "source changed"

// reloadSource is Reload for a script in another language: it is ended and
// started again with the values that were set, where its source has changed.
func (u *unit) reloadSource(ctx context.Context, p *Process, o ReloadOptions) (Reloaded, error) {
	changed, err := p.sourceChanged()
	switch {
	case err != nil && !o.Now:
		return "", blame(u.config(), err)
	case !changed && !o.Now:
		p.status.remark("")
		return Unchanged, nil
	}
	return u.restart(ctx, p.run)
}

// sourceChanged reports whether the script's source is another one than its run
// began with. Of a run that an earlier mlhost began that is not known.
func (p *Process) sourceChanged() (bool, error) {
	if p.instance.Source == "" {
		return false, nil
	}
	now, err := hashFile(p.config().MainFile())
	return err == nil && now != p.instance.Source, err
}

// programChanged does what is to be done by itself when a script's program has
// changed on disk.
func (u *unit) programChanged(ctx context.Context) {
	// One that is just being started may have what was there before.
	if u.s.await(ctx, func() bool { return !u.starts() }) != nil {
		return
	}
	conf := u.config()
	if conf.Plugin != "" || conf.Reload == "auto" {
		how, err := u.s.Reload(ctx, u.name, ReloadOptions{})
		if how != Unchanged && ctx.Err() == nil {
			u.s.logger.Info("program changed", "script", u.name, "outcome", how, "error", err)
		}
		return
	}
	p, ok := u.s.Process(u.name)
	if !ok {
		return
	}
	changed, err := p.sourceChanged()
	if err != nil {
		u.s.logger.Warn("look at the source", "script", u.name, "error", err)
		return
	}
	text := ""
	if changed {
		text = changedSource
	}
	p.status.remark(text)
}

// programPath names the file that is the script's program: its plugin's binary,
// or its source; "" where changes of it are not looked at.
func programPath(conf *config.Script) string {
	switch {
	case conf.Reload == "off":
		return ""
	case conf.Plugin != "":
		return conf.Plugin
	}
	return conf.Source
}

// unfinished says what of a program is not there yet, "" when it can be used.
func unfinished(conf *config.Script, path string) string {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "it is not there"
	case beingWritten(path):
		return "it is being written"
	case conf.Plugin == "":
		return ""
	case info.Size() == 0:
		return "it is empty"
	case info.Mode().Perm()&0o111 == 0:
		return "it is not executable"
	case truncated(path, info.Size()):
		return "its end is missing"
	}
	return ""
}

// truncated reports whether an ELF file is shorter than it says.
func truncated(path string, size int64) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // opened for reading
	head := make([]byte, len(elf.ELFMAG))
	if _, err := io.ReadFull(f, head); err != nil || string(head) != elf.ELFMAG {
		return false
	}
	file, err := elf.NewFile(f)
	if err != nil {
		return true
	}
	for _, s := range file.Sections {
		if s.Type != elf.SHT_NOBITS && s.Offset+s.FileSize > uint64(size) {
			return true
		}
	}
	for _, p := range file.Progs {
		if p.Off+p.Filesz > uint64(size) {
			return true
		}
	}
	return false
}

// watchLost words that a program's directory cannot be watched.
func watchLost(path string, err error) script.Warned {
	return script.Warned{Text: fmt.Sprintf("changes of %s are looked for every %s, as its directory cannot be watched: %v",
		path, roughly(lookAgain), err)}
}
