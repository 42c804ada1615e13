package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/host"
	"github.com/mlhost/mlhost/shared/script"
)

func (a *app) backupVerb() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write everything that a host keeps into one file",
		Long: strings.TrimSpace(`
Write everything that a host keeps (runs, samples, results, logs, mail) into
one file, a gzipped tar archive. The host may be running: its databases are
copied as they are at one moment. - writes to the standard output.`),
		Example: "mlhost backup lab1.tar.gz\nmlhost backup - | ssh backup 'cat > lab1.tar.gz'",
		Args:    args(1, 1, "a file, or -"),
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace a file that is there")
	return a.do(cmd, func(ctx context.Context, got []string) error {
		p, err := a.place()
		if err != nil {
			return err
		}
		shown := a.progress("backup", 0, inBytes)
		defer shown.end()
		if got[0] == "-" {
			_, err := p.backup(ctx, countingWriter{a.stdout, shown})
			return err
		}
		var m host.Manifest
		if err := shown.waiting(a, "the backup", func() (err error) {
			m, err = writeBackup(ctx, p, got[0], force, shown)
			return err
		}); err != nil {
			return err
		}
		shown.end()
		out := map[string]any{"file": got[0], "host": m.Host, "files": len(m.Files), "bytes": m.Bytes}
		return a.print(out, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "%s holds the host %s: %s, %s\n", escapeLine(got[0]), m.Host, count(len(m.Files), "file"), humanize.IBytes(uint64(m.Bytes)))
			return err
		})
	})
}

// backup writes a backup of the host, which comes over the wire from one that
// is elsewhere.
func (p place) backup(ctx context.Context, w io.Writer) (host.Manifest, error) {
	if p.away == nil {
		version, _ := buildVersion()
		return host.Backup(ctx, p.dir, version, w)
	}
	defer p.away.Close()
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		_, err := p.away.Backup(ctx, io.MultiWriter(w, writer))
		writer.CloseWithError(err)
		ended <- err
	}()
	m, err := host.ReadManifest(ctx, reader) // an archive that was cut off has none
	reader.CloseWithError(err)
	if sent := <-ended; sent != nil {
		return m, sent
	}
	return m, err
}

// writeBackup writes a backup by way of a new file, so that path never holds
// half of one.
func writeBackup(ctx context.Context, p place, path string, force bool, shown *progress) (m host.Manifest, err error) {
	if _, err := os.Lstat(path); err == nil && !force {
		return m, script.Errorf(script.CodeConflict, "%s is there already", path).WithHint("--force replaces it")
	}
	half, err := host.NewScratchFile(filepath.Dir(path), ".mlhost-backup-")
	if err != nil {
		return m, script.Errorf(script.CodeIO, "write backup: %v", err)
	}
	defer func() { err = errors.Join(err, half.Close()) }()
	m, err = p.backup(ctx, countingWriter{half.File(), shown})
	if err == nil {
		err = half.File().Sync()
	}
	if err != nil {
		return m, err
	}
	return m, os.Rename(half.Path, path)
}

func (a *app) restoreVerb() *cobra.Command {
	var replace bool
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Make a host's state of a backup",
		Long: strings.TrimSpace(`
Make a host's state of a backup, here or on another machine. Nothing is
changed unless the whole backup is sound. What is there already stays, or, with
--replace, is set aside. Runs that were live when the backup was made are lost.`),
		Example: "mlhost restore lab1.tar.gz\nmlhost restore lab1.tar.gz --host lab2",
		Args:    args(1, 1, "a backup, or -"),
	}
	cmd.Flags().BoolVar(&replace, "replace", false, "set aside the state that is there")
	return a.do(cmd, func(ctx context.Context, got []string) error {
		if err := a.onlyHere("restore"); err != nil {
			return err
		}
		state, err := a.stateDir()
		if err != nil {
			return err
		}
		in := a.stdin
		if got[0] != "-" {
			if in, err = os.Open(got[0]); err != nil {
				return script.Errorf(script.CodeNotFound, "read backup: %v", err)
			}
			defer in.Close()
		}
		size := int64(0) // of a pipe it is not known
		if info, err := in.Stat(); err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
		shown := a.progress("restore", size, inBytes)
		defer shown.end()
		var done host.Restored
		if err := shown.waiting(a, "the backup", func() (err error) {
			done, err = host.Restore(ctx, countingReader{in, shown}, host.RestoreOptions{StateDir: state, Host: a.host, Replace: replace})
			return err
		}); err != nil {
			return err
		}
		shown.end()
		out := map[string]any{"host": filepath.Base(done.Dir), "directory": done.Dir, "aside": done.Aside, "created": done.Manifest.Created, "files": len(done.Manifest.Files)}
		return a.print(out, func(w io.Writer) error {
			text := fmt.Sprintf("the host %s is restored as it was at %s", filepath.Base(done.Dir), done.Manifest.Created.Local().Format("2006-01-02 15:04:05"))
			if done.Aside != "" {
				text += "; what was there is " + done.Aside
			}
			_, err := fmt.Fprintln(w, escapeLine(text))
			return err
		})
	})
}
