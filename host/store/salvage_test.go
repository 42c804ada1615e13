package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

const (
	floodSamples = 250 // in an event
	floodBatches = 25
)

// floodEvents returns the events seq to seq+n-1 of a stream with many samples,
// whose steps are numbered on, and a result among every ten.
func floodEvents(seq uint64, n int) []script.Event {
	var events []script.Event
	for i := seq; i < seq+uint64(n); i++ {
		e := script.Event{Script: "trainer", Run: "r1", Seq: i, Time: time.Unix(2000, int64(i))}
		switch i % 10 {
		case 1:
			e.Body = script.ResultSet{Name: "r" + strconv.FormatUint(i, 10), Value: script.Int(int64(i))}
		default:
			var body script.Samples
			for k := range int64(floodSamples) {
				step := int64(i)*floodSamples + k
				body.Samples = append(body.Samples, script.Sample{Name: "x", Step: step, Time: time.Unix(3000, step), Value: script.Int(step)})
			}
			e.Body = body
		}
		if i == 1 {
			e = begun("r1")
		}
		events = append(events, e)
	}
	return events
}

// flood is the child process: it appends without end, with a log that is
// copied into the database again and again, and prints the last number of each
// batch that was acknowledged.
func flood(dir string) {
	ctx := context.Background()
	checkpointAfter = map[string]int{metaSchema: 10, samplesSchema: 100}
	if os.Getenv("MLHOST_STORE_TEST_PAGES") != "" { // before they are copied
		checkpointAfter[samplesSchema] = 1 << 20
	}
	s, err := Open(ctx, Options{Dir: dir})
	for last := 0; err == nil; last += 5 {
		if err = s.Append(ctx, floodEvents(uint64(last+1), 5)...); err == nil {
			fmt.Println(last + 5)
		}
	}
	fmt.Println(err)
	os.Exit(1)
}

// flooded returns the directory of a store that was killed under load, and the
// last event that was acknowledged.
func flooded(t *testing.T, env ...string) (dir string, acknowledged uint64) {
	t.Helper()
	dir = t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), "MLHOST_STORE_TEST_FLOOD="+dir), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	ok(t, err)
	ok(t, cmd.Start())
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		acknowledged, err = strconv.ParseUint(lines.Text(), 10, 64)
		if err != nil {
			t.Fatalf("the child says: %s", lines.Text())
		}
		if n == floodBatches {
			ok(t, cmd.Process.Kill())
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the child ended by itself")
	}
	return dir, acknowledged
}

// harm is a way to damage the files of a database.
type harm struct {
	name string
	do   func(t *testing.T, path string)
	says string // part of the cause that is told
}

var harms = []harm{
	{"cut in the middle", func(t *testing.T, path string) { cutTo(t, path, size(t, path)/2+77) }, "cut off"},
	{"cut to one page", func(t *testing.T, path string) { cutTo(t, path, pageSize) }, "cut off"},
	{"cut in the first page", func(t *testing.T, path string) { cutTo(t, path, 50) }, "cut off"},
	{"empty", func(t *testing.T, path string) { cutTo(t, path, 0) }, "it is empty"},
	{"missing", func(t *testing.T, path string) { ok(t, os.Remove(path)) }, "it is missing"},
	{"flipped", func(t *testing.T, path string) { flip(t, path, 2*pageSize, 3*pageSize+11) }, ""},
	{"flipped all over", func(t *testing.T, path string) { flip(t, path, 0, 1500) }, ""},
	{"log cut off", func(t *testing.T, path string) { cutTo(t, path+"-wal", walHeader+2*(walFrameHeader+pageSize)-1) }, "cut off"},
	{"log flipped", func(t *testing.T, path string) { flip(t, path+"-wal", 5*4120+700, 1<<30) }, "log"},
	{"head of the log flipped", func(t *testing.T, path string) { flip(t, path+"-wal", 18, 1<<30) }, "log"},
	{"log missing", func(t *testing.T, path string) { ok(t, os.Remove(path+"-wal")) }, "its log is missing"},
	{"only the log is there", func(t *testing.T, path string) { ok(t, errors.Join(os.Remove(path), os.Remove(path+"-shm"))) }, "it is missing"},
	{"nothing is there", func(t *testing.T, path string) {
		ok(t, errors.Join(os.Remove(path), os.Remove(path+"-shm"), os.Remove(path+"-wal")))
	}, "it is missing"},
	{"cut, and the log flipped", func(t *testing.T, path string) {
		cutTo(t, path, size(t, path)/2)
		flip(t, path+"-wal", 5*4120+700, 1<<30)
	}, "log"},
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	ok(t, err)
	return info.Size()
}

func cutTo(t *testing.T, path string, size int64) {
	t.Helper()
	ok(t, os.Truncate(path, size))
}

// flip changes every so manyth byte of a file from one on.
func flip(t *testing.T, path string, from, every int) {
	t.Helper()
	data, err := os.ReadFile(path)
	ok(t, err)
	for i := from; i < len(data); i += every {
		data[i] ^= 0xff
	}
	ok(t, os.WriteFile(path, data, 0o600))
}

// However the files of a host that was killed under load are damaged: that is
// told, and what their plugins hand in again is there once and in order.
func TestDamagedUnderLoad(t *testing.T) {
	origin, acknowledged := flooded(t)
	for _, file := range []string{"samples", metaFile} {
		for _, h := range harms {
			t.Run(file+" "+h.name, func(t *testing.T) {
				dir := t.TempDir()
				ok(t, os.CopyFS(dir, os.DirFS(origin)))
				path := onlyFile(t, dir, file)
				h.do(t, path)
				s := open(t, dir)
				last, err := s.LastSeq(t.Context(), "r1") // which opens the samples
				ok(t, err)
				if h.name == "log missing" && len(s.Damages()) == 0 && last+10 > acknowledged {
					return // all of it was copied into the database
				}
				if d := s.Damages(); len(d) != 1 || d[0].File != filepath.Base(path) || !strings.Contains(d[0].Cause, h.says) {
					t.Errorf("damages are %v", d)
				}
				if last > 1 {
					t.Errorf("the stream would go on behind %d", last)
				}
				handIn(t, s, 1, acknowledged+10)
				checkFlood(t, s, 1, acknowledged+10)
			})
		}
	}
}

// onlyFile returns the path of a database.
func onlyFile(t *testing.T, dir, name string) string {
	t.Helper()
	if name == metaFile {
		return filepath.Join(dir, metaFile)
	}
	files, err := filepath.Glob(filepath.Join(dir, "samples", "*.db"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	return files[0]
}

// handIn appends what a plugin holds, from a number on, as it would.
func handIn(t *testing.T, s *Store, from, to uint64) {
	t.Helper()
	if from > 1 {
		ok(t, s.Append(t.Context(), script.Event{Script: "trainer", Run: "r1", Seq: from - 1, Time: time.Now(),
			Body: script.Gap{From: 1, To: from - 1, Dropped: from - 1, Reason: "the plugin no longer has these events"}}))
	}
	for seq := from; seq <= to; seq += 20 {
		ok(t, s.Append(t.Context(), floodEvents(seq, int(min(20, to+1-seq)))...))
	}
}

// checkFlood looks that the events of a flood from a number on are there once
// and in order, and that what is kept of those before it is in order too.
func checkFlood(t *testing.T, s *Store, from, to uint64) {
	t.Helper()
	want, results := []int64{}, map[string]bool{}
	for _, e := range floodEvents(from, int(to+1-from)) {
		switch b := e.Body.(type) {
		case script.Samples:
			for _, sm := range b.Samples {
				want = append(want, sm.Step)
			}
		case script.ResultSet:
			results[b.Name] = true
		}
	}
	samples, err := s.Samples(t.Context(), "r1", "x", SampleRange{})
	ok(t, err)
	for i := 1; i < len(samples); i++ {
		if samples[i].Step <= samples[i-1].Step {
			t.Fatalf("step %d comes behind %d", samples[i].Step, samples[i-1].Step)
		}
	}
	if len(samples) < len(want) {
		t.Fatalf("%d samples, %d were handed in", len(samples), len(want))
	}
	for i, sm := range samples[len(samples)-len(want):] {
		if sm.Step != want[i] || !sm.Value.Equal(script.Int(want[i])) {
			t.Fatalf("sample %d is %d, not %d", i, sm.Step, want[i])
		}
	}
	chart, _, err := s.Chart(t.Context(), "r1", "x", 50)
	ok(t, err)
	charted := int64(0)
	for _, b := range chart {
		charted += b.Count
	}
	if charted != int64(len(samples)) {
		t.Errorf("%d samples are charted, there are %d", charted, len(samples))
	}
	there, err := s.Results(t.Context(), "r1")
	ok(t, err)
	for _, r := range there {
		delete(results, r.Name)
	}
	if len(results) > 0 {
		t.Errorf("results are missing: %v", results)
	}
}

// Of a samples file that was cut off, what is in its log is kept, and what is
// lost is told. A plugin that holds the end hands that in again.
func TestSalvageUsesLog(t *testing.T) {
	for _, part := range []int64{0, 2, 4} { // 0: all is in the log
		t.Run(fmt.Sprint("1/", part), func(t *testing.T) {
			var env []string
			if part == 0 {
				env = append(env, "MLHOST_STORE_TEST_PAGES=all")
			}
			dir, acknowledged := flooded(t, env...)
			path := onlyFile(t, dir, "samples")
			if part == 0 {
				cutTo(t, path, 0)
			} else {
				cutTo(t, path, size(t, path)/part)
			}
			inLog, err := readLog(path)
			ok(t, err)
			s := open(t, dir)
			_, err = s.LastSeq(t.Context(), "r1")
			ok(t, err)
			d := s.Damages()
			if len(d) != 1 {
				t.Fatalf("damages are %v", d)
			}
			t.Log(d[0], "pages in the log:", len(inLog.at))
			saved, emitted := d[0].Saved["sample"], 0
			for _, e := range floodEvents(1, int(acknowledged)) {
				if b, ok := e.Body.(script.Samples); ok {
					emitted += len(b.Samples)
				}
			}
			if part == 0 && d[0].Lost > 0 {
				t.Errorf("%d samples are lost, and the log has all", d[0].Lost)
			}
			if all := saved + d[0].Lost; saved < 50*(len(inLog.at)-20) || all < emitted || all > emitted+5*floodSamples {
				t.Errorf("%d samples are kept, %d are lost, of %d", saved, d[0].Lost, emitted)
			}
			words := fmt.Sprintf("%d samples of it could be read and are kept", saved)
			if d[0].Lost > 0 {
				words += fmt.Sprintf(", at least %d are lost", d[0].Lost)
			}
			if text := d[0].String(); !strings.Contains(text, words+";") {
				t.Errorf("the damage is told as %s", text)
			}
			from := acknowledged / 3
			handIn(t, s, from, acknowledged+10)
			checkFlood(t, s, from, acknowledged+10)
			events, err := s.Events(t.Context(), EventRange{})
			ok(t, err)
			for _, e := range events {
				if _, gap := e.Body.(script.Gap); gap {
					t.Errorf("a gap is told of what is there: %+v", e.Body)
				}
			}
		})
	}
}

// A host that is killed while a plugin hands in again what it holds goes on
// with that.
func TestKilledWhileMending(t *testing.T) {
	dir, acknowledged := flooded(t)
	path := onlyFile(t, dir, "samples")
	cutTo(t, path, size(t, path)/2)
	s, err := Open(t.Context(), Options{Dir: dir})
	ok(t, err)
	for _, stop := range []uint64{acknowledged / 3, acknowledged / 2, acknowledged + 10} {
		last, err := s.LastSeq(t.Context(), "r1")
		ok(t, err)
		handIn(t, s, last+1, stop)
		copied := t.TempDir() // as it would be left by a kill
		ok(t, os.CopyFS(copied, os.DirFS(dir)))
		ok(t, s.Close())
		dir = copied
		s, err = Open(t.Context(), Options{Dir: dir})
		ok(t, err)
		if d := s.Damages(); len(d) > 0 {
			t.Errorf("damages are %v", d)
		}
	}
	checkFlood(t, s, 1, acknowledged+10)
	ok(t, s.Close())
}

// To look at an empty database does not remove its log.
func TestEmptyDatabaseIsNotRead(t *testing.T) {
	dir, _ := flooded(t)
	for _, file := range []string{"samples", metaFile} {
		path := onlyFile(t, dir, file)
		before := size(t, path+"-wal")
		cutTo(t, path, 0)
		s, err := OpenReadOnly(dir)
		if err == nil {
			_, err = s.Samples(t.Context(), "r1", "x", SampleRange{})
			err = errors.Join(err, s.Close())
		}
		if err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s: %v", file, err)
		}
		if after := size(t, path+"-wal"); after != before {
			t.Errorf("the log of %s had %d bytes, and has %d", file, before, after)
		}
	}
}
