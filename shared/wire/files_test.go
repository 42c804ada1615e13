package wire

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

func TestSpoolReaderWaitsForWholeLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), SpoolFile)
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	write := func(data []byte) {
		t.Helper()
		if _, err := file.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	line := func(seq uint64) []byte {
		data, err := AppendEventLine(nil, script.Event{Seq: seq, Body: script.Stepped{Step: 1}})
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	r, err := OpenSpool(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(0, 1000); !errors.Is(err, io.EOF) {
		t.Errorf("an empty spool gives %v", err)
	}
	second := line(2)
	write(line(1))
	write(second[:10])
	if got, err := r.Next(0, 1000); err != nil || len(got) != 1 || got[0].Seq != 1 {
		t.Errorf("one line and a half give %v, %v", got, err)
	}
	write(second[10:])
	write([]byte("{broken\n\n"))
	write(line(3))
	if got, err := r.Next(1, 1000); err != nil || len(got) != 2 || got[1].Seq != 3 || r.Broken() != 2 {
		t.Errorf("the rest gives %v, %v, %d broken", got, err, r.Broken())
	}
	if err := errors.Join(r.Close(), file.Close()); err != nil {
		t.Error(err)
	}
	var seqs []uint64
	err = ReadSpool(path, 1, func(events []script.Event) error {
		for _, e := range events {
			seqs = append(seqs, e.Seq)
		}
		return nil
	})
	if err != nil || len(seqs) != 2 || seqs[0] != 2 {
		t.Errorf("read back %v, %v", seqs, err)
	}
}

func TestNoSpoolIsAnEmptyOne(t *testing.T) {
	err := ReadSpool(filepath.Join(t.TempDir(), SpoolFile), 0, func([]script.Event) error { return errors.New("called") })
	if err != nil {
		t.Error(err)
	}
}

func TestExitRecord(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadExit(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no record gives %v", err)
	}
	code := 137
	want := Exit{Run: "r", State: script.Failed, ExitCode: &code, Reason: "killed", Time: time.Unix(1, 0).UTC(), LastSeq: 9}
	for range 2 { // over an older one, too
		if err := WriteExit(dir, want); err != nil {
			t.Fatal(err)
		}
	}
	got, err := ReadExit(dir)
	if err != nil {
		t.Fatal(err)
	}
	checkSame(t, want, got)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left in the directory: %v, %v", entries, err)
	}
}
