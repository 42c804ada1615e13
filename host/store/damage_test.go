package store

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// A file that is no database is set aside, and the store begins anew.
func TestNoDatabase(t *testing.T) {
	dir := t.TempDir()
	garbage := bytes.Repeat([]byte("no database "), 1000)
	ok(t, os.WriteFile(filepath.Join(dir, metaFile), garbage, 0o600))
	if _, err := OpenReadOnly(dir); script.CodeOf(err) != script.CodeIO || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("open read-only: %v", err)
	}
	s := open(t, dir)
	if s.nextID < 1_000_000_000_000 {
		t.Errorf("event numbers go on with %d, which may have been given out", s.nextID)
	}
	damages := s.Damages()
	if len(damages) != 1 || damages[0].File != metaFile {
		t.Fatalf("damages are %v", damages)
	}
	aside, err := os.ReadFile(damages[0].Aside)
	ok(t, err)
	if !bytes.Equal(aside, garbage) {
		t.Error("the file that was set aside is another one")
	}
	ok(t, s.Append(t.Context(), begun("r1")))
}

// Of a database with a damaged page the rest is kept, and runs are known again
// by their directories.
func TestDamagedPages(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), Options{Dir: dir})
	ok(t, err)
	ctx := t.Context()
	const runs = 2000
	for i := range runs {
		ok(t, s.Append(ctx, begun(fmt.Sprintf("r%04d", i))))
	}
	ok(t, s.Enqueue(ctx, []script.Message{{ID: "m1", Source: "b", Target: "a", Topic: "t", Time: time.Now()}}))
	var last uint64
	s.order.Lock()
	last = s.nextID
	s.order.Unlock()
	ok(t, s.Close())

	path := filepath.Join(dir, metaFile)
	data, err := os.ReadFile(path)
	ok(t, err)
	for page := 40; page < len(data)/4096; page += 40 {
		copy(data[page*4096:(page+1)*4096], bytes.Repeat([]byte{0x5a}, 4096))
	}
	ok(t, os.WriteFile(path, data, 0o600))
	gone := filepath.Join(dir, "runs", "zzzz")
	ok(t, os.MkdirAll(gone, 0o700))
	ok(t, os.WriteFile(filepath.Join(gone, "exit.json"), []byte(`{"run":"zzzz","script":"a","state":"failed","exit_code":3,"reason":"boom","time":"2026-01-02T03:04:05Z"}`), 0o600))

	s = open(t, dir)
	damages := s.Damages()
	if len(damages) != 1 || damages[0].Runs != 1 {
		t.Fatalf("damages are %v", damages)
	}
	if n := damages[0].Saved["event"]; n < runs*3/4 || n > 2*runs {
		t.Errorf("%d events were kept of %d", n, runs)
	}
	run, err := s.Run(ctx, "zzzz")
	ok(t, err)
	if run.State != script.Failed || run.Script != "a" || run.ExitCode == nil || *run.ExitCode != 3 {
		t.Errorf("the run that is known by its directory is %+v", run)
	}
	s.order.Lock()
	defer s.order.Unlock()
	if s.nextID < last {
		t.Errorf("event numbers go on with %d, and %d was given out", s.nextID, last)
	}
}

// A samples file that turns out to be damaged while the host runs is set
// aside, and what comes next is kept.
func TestDamagedSamples(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), Options{Dir: dir})
	ok(t, err)
	ctx := t.Context()
	ok(t, s.Append(ctx, begun("r1"), sampled("r1", 2, "x", 0, script.Int(1))))
	ok(t, s.Close())
	files, err := filepath.Glob(filepath.Join(dir, "samples", "*.db"))
	ok(t, err)
	ok(t, os.RemoveAll(files[0]+"-wal")) // it would mend the file
	ok(t, os.WriteFile(files[0], bytes.Repeat([]byte("no database "), 1000), 0o600))

	s = open(t, dir)
	ok(t, s.Append(ctx, begun("r2"), sampled("r2", 2, "x", 0, script.Int(7))))
	samples, err := s.Samples(ctx, "r2", "x", SampleRange{})
	ok(t, err)
	if len(samples) != 1 {
		t.Errorf("samples are %v", samples)
	}
	if d := s.Damages(); len(d) != 1 || !strings.HasPrefix(d[0].File, filepath.Base(files[0])) {
		t.Errorf("damages are %v", d)
	}
}

// A database that was cut off says at first that it has and has not a table; it
// is set aside as well.
func TestTruncatedDatabases(t *testing.T) {
	for _, name := range []string{"meta.db", "samples"} {
		for _, size := range []int64{5000, 8192} {
			t.Run(fmt.Sprint(name, " ", size), func(t *testing.T) {
				dir := t.TempDir()
				s, err := Open(t.Context(), Options{Dir: dir})
				ok(t, err)
				ctx := t.Context()
				ok(t, s.Append(ctx, begun("r1"), sampled("r1", 2, "x", 0, script.Int(1))))
				ok(t, s.Close())
				path := filepath.Join(dir, name)
				if name == "samples" {
					files, err := filepath.Glob(filepath.Join(path, "*.db"))
					ok(t, err)
					path = files[0]
				}
				db, err := sql.Open("sqlite", path)
				ok(t, err)
				_, err = db.Exec("PRAGMA wal_checkpoint(TRUNCATE)") // what is in the log would mend the file
				ok(t, err)
				_, err = db.Exec("CREATE TABLE later (x)") // and the log tells how long the file was
				ok(t, err)
				log, err := os.ReadFile(path + "-wal")
				ok(t, err)
				ok(t, db.Close())
				ok(t, os.WriteFile(path+"-wal", log, 0o600))
				ok(t, os.Truncate(path, size))

				s = open(t, dir)
				ok(t, s.Append(ctx, begun("r2"), sampled("r2", 2, "x", 0, script.Int(7))))
				samples, err := s.Samples(ctx, "r2", "x", SampleRange{})
				ok(t, err)
				if len(samples) != 1 || len(s.Damages()) != 1 {
					t.Errorf("samples are %v, damages %v", samples, s.Damages())
				}
			})
		}
	}
}
