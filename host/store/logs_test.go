package store

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/mlhost/mlhost/shared/script"
)

func logged(run string, seq uint64, text string) script.Event {
	stream := "stdout"
	if seq%2 == 0 {
		stream = "stderr"
	}
	return script.Event{Script: "trainer", Run: run, Seq: seq, Body: script.LogLine{Stream: stream, Text: text}}
}

func logTexts(t *testing.T, s *Store, run string, f LogFilter) []string {
	t.Helper()
	var out []string
	for l, err := range s.Logs(t.Context(), run, f) {
		ok(t, err)
		out = append(out, l.Text)
	}
	return out
}

func TestLogRotation(t *testing.T) {
	s := open(t, t.TempDir())
	s.logLimit = 1000
	for i := range 200 {
		ok(t, s.Append(t.Context(), logged("r1", uint64(i+1), strconv.Itoa(i))))
	}
	dir, err := s.RunDir("r1")
	ok(t, err)
	files, err := filepath.Glob(filepath.Join(dir, logName+"*"))
	ok(t, err)
	if len(files) != logFiles {
		t.Errorf("files are %v", files)
	}
	lines := logTexts(t, s, "r1", LogFilter{})
	if len(lines) < 20 || lines[len(lines)-1] != "199" {
		t.Errorf("lines are %v", lines)
	}
	for i := 1; i < len(lines); i++ {
		a, _ := strconv.Atoi(lines[i-1])
		if b, _ := strconv.Atoi(lines[i]); b != a+1 {
			t.Errorf("%d comes behind %d", b, a)
		}
	}
	if tail := logTexts(t, s, "r1", LogFilter{Tail: 20}); len(tail) != 20 || tail[0] != "180" || tail[19] != "199" {
		t.Errorf("tail is %v", tail)
	}
	if tail := logTexts(t, s, "r1", LogFilter{Tail: 2, Streams: []string{"stderr"}}); len(tail) != 2 || tail[1] != "199" || tail[0] != "197" {
		t.Errorf("tail of stderr is %v", tail)
	}
	if rest := logTexts(t, s, "r1", LogFilter{AfterSeq: 198}); len(rest) != 2 {
		t.Errorf("rest is %v", rest)
	}
}

func TestTornLogLine(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	long := strings.Repeat("\x00\xff<", script.MaxLogText/3)
	for i := range 40 {
		ok(t, s.Append(t.Context(), logged("r1", uint64(i+1), long)))
	}
	run, err := s.RunDir("r1")
	ok(t, err)
	ok(t, s.Close())
	f, err := os.OpenFile(filepath.Join(run, logName), os.O_APPEND|os.O_WRONLY, 0)
	ok(t, err)
	_, err = f.WriteString(`{"time":"2026-01-01T00:00:00Z","stream":"std`)
	ok(t, err)
	ok(t, f.Close())
	s = open(t, dir)
	if lines := logTexts(t, s, "r1", LogFilter{}); len(lines) != 40 {
		t.Errorf("%d lines before", len(lines))
	}
	ok(t, s.Append(t.Context(), logged("r1", 39, "known"), logged("r1", 40, "known"), logged("r1", 41, "new"), logged("r1", 0, "of the host")))
	lines := logTexts(t, s, "r1", LogFilter{})
	if len(lines) != 42 || lines[40] != "new" || lines[41] != "of the host" {
		t.Errorf("%d lines, the last is %q", len(lines), lines[len(lines)-1])
	}
}

func TestLogOfEndedRunIsClosed(t *testing.T) {
	s := open(t, t.TempDir())
	ok(t, s.Append(t.Context(), begun("r1"), logged("r1", 2, "a")))
	ok(t, s.Append(t.Context(), script.Event{Script: "trainer", Run: "r1", Seq: 3, Body: script.StateChanged{State: script.Finished}}))
	ok(t, s.Append(t.Context(), logged("r1", 4, "late"), logged("r1", 4, "late")))
	st, err := s.stream(t.Context(), "r1")
	ok(t, err)
	if st.log != nil {
		t.Error("the log is open")
	}
	if lines := logTexts(t, s, "r1", LogFilter{}); len(lines) != 2 {
		t.Errorf("lines are %v", lines)
	}
}

// A stream of nothing but lines moves its position all the same, so that a
// crash does not replay it from the beginning.
func TestLogsMoveThePosition(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	ok(t, s.Append(t.Context(), begun("r1")))
	for i := range 3 * noteEvery {
		ok(t, s.Append(t.Context(), logged("r1", uint64(i+2), "x")))
	}
	ok(t, s.Close())
	s = open(t, dir)
	seq, err := s.LastSeq(t.Context(), "r1")
	ok(t, err)
	if seq < 2*noteEvery {
		t.Errorf("position is %d", seq)
	}
}

func FuzzLogFile(f *testing.F) {
	f.Add([]byte("{\"seq\":3}\n{\"seq\":4}\n{\"se"))
	f.Add([]byte("\n\n{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		ok(t, os.WriteFile(filepath.Join(dir, logName), data, 0o600))
		l, err := openLog(dir, logLimit)
		ok(t, err)
		ok(t, l.write([]byte("{\"seq\":1}\n"), 1))
		ok(t, l.close())
		var seqs []uint64
		fileLogs(t.Context(), l.path, &LogFilter{}, func(l Log, err error) bool {
			ok(t, err)
			seqs = append(seqs, l.Seq)
			return true
		})
		if len(seqs) == 0 || seqs[len(seqs)-1] != 1 {
			t.Errorf("lines are %v", seqs)
		}
	})
}

// LogEnd finds the newest line that was read from a stream's file, also when
// other lines came behind it.
func TestLogEnd(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if l, err := s.LogEnd(t.Context(), "r1", "stdout"); err != nil || l.End != 0 {
		t.Errorf("no log: %+v, %v", l, err)
	}
	line := func(stream string, end int64, partial bool) script.Event {
		return script.Event{Script: "trainer", Run: "r1", Body: script.LogLine{Stream: stream, Text: `"end":`, Partial: partial, End: end}}
	}
	ok(t, s.Append(t.Context(), line("stdout", 10, false), line("stderr", 5, false), line("stdout", 25, true)))
	for i := range 20 {
		text := strings.Repeat("x", script.MaxLogText)
		ok(t, s.Append(t.Context(), script.Event{Script: "trainer", Run: "r1", Seq: uint64(i + 1), Body: script.LogLine{Stream: "log", Text: text}}))
	}
	if l, err := s.LogEnd(t.Context(), "r1", "stdout"); err != nil || l.End != 25 || !l.Partial {
		t.Errorf("stdout: %+v, %v", l, err)
	}
	ok(t, s.Close())
	s = open(t, dir)
	s.logLimit = 1000
	ok(t, s.Append(t.Context(), line("stdout", 30, false)))
	if l, err := s.LogEnd(t.Context(), "r1", "stderr"); err != nil || l.End != 5 {
		t.Errorf("stderr, in the file before: %+v, %v", l, err)
	}
	if l, err := s.LogEnd(t.Context(), "r1", "stdout"); err != nil || l.End != 30 {
		t.Errorf("stdout: %+v, %v", l, err)
	}
}

// Where a script has printed nothing to a stream, the lines of the other one
// are not looked into: there may be half a gigabyte of them.
func TestLogEndOfASilentStream(t *testing.T) {
	line := `{"time":"2026-11-24T04:12:02Z","stream":"stdout","level":"","text":"\"stream\":\"stderr\"","partial":false,"seq":0,"end":8}` + "\n"
	lines := []byte(strings.Repeat(line, 2000))
	allocs := testing.AllocsPerRun(1, func() {
		if l := newestEnd(lines, "stderr"); l.End != 0 {
			t.Errorf("found %+v", l)
		}
	})
	if allocs > 10 {
		t.Errorf("%v allocations for 2000 lines of another stream", allocs)
	}
	lines = append(lines, strings.ReplaceAll(line, "stdout", "stderr")[:60]...)
	if l := newestEnd(lines, "stdout"); l.End != 8 {
		t.Errorf("found %+v before a line that was cut off", l)
	}
}

// The log of a run is closed when the run has ended, also where no line comes
// behind that; one that does is kept.
func TestLogOfEndedRun(t *testing.T) {
	s := open(t, t.TempDir())
	ok(t, s.Append(t.Context(), begun("r1"), logged("r1", 2, "a")))
	isOpen := func() bool {
		st := s.streams["r1"]
		st.mu.Lock()
		defer st.mu.Unlock()
		return st.log != nil
	}
	if !isOpen() {
		t.Error("the log of a run that goes on is closed")
	}
	ok(t, s.Append(t.Context(), script.Event{Script: "trainer", Run: "r1", Body: script.StateChanged{State: script.Finished}}))
	if isOpen() {
		t.Error("the log of a run that has ended is open")
	}
	ok(t, s.Append(t.Context(), logged("r1", 3, "b"), logged("r1", 2, "a")))
	if texts := strings.Join(logTexts(t, s, "r1", LogFilter{}), " "); texts != "a b" || isOpen() {
		t.Errorf("the log has %q, open: %v", texts, isOpen())
	}
}
