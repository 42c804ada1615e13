package store

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// streamEvents returns the events seq to seq+n-1 of a stream in which every
// number has its fixed content: samples, log lines, results, steps.
func streamEvents(run string, seq uint64, n int) []script.Event {
	events := make([]script.Event, 0, n)
	for i := seq; i < seq+uint64(n); i++ {
		e := script.Event{Script: "trainer", Run: run, Seq: i, Time: time.Unix(2000, int64(i))}
		switch {
		case i == 1:
			e = begun(run)
		case i%10 == 3:
			e.Body = script.ResultSet{Name: "r" + strconv.FormatUint(i, 10), Value: script.Int(int64(i))}
		case i%10 == 5:
			e.Body = script.LogLine{Stream: "stdout", Text: strconv.FormatUint(i, 10)}
		case i%10 == 7:
			e.Body = script.Stepped{Step: int64(i)}
		case i%10 == 8:
			e.Body = script.Warned{Text: strconv.FormatUint(i, 10)}
		default:
			e.Body = script.Samples{Samples: []script.Sample{{Name: "x", Step: int64(i), Time: e.Time, Value: script.Int(int64(i))}}}
		}
		events = append(events, e)
	}
	return events
}

// writeUntilKilled is the child process: it appends without end, and prints
// the last number of each batch that was acknowledged, and with it a message.
func writeUntilKilled(dir string) {
	ctx := context.Background()
	s, err := Open(ctx, Options{Dir: dir})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	last, err := s.LastSeq(ctx, "r1")
	for n := 1; err == nil; n = n%7 + 1 {
		if err = s.Append(ctx, streamEvents("r1", last+1, n)...); err != nil {
			break
		}
		last += uint64(n)
		if err = s.Enqueue(ctx, []script.Message{letter("b", int(last))}); err == nil {
			fmt.Println(last)
		}
	}
	fmt.Println(err)
	os.Exit(1)
}

func TestKillWhileWriting(t *testing.T) {
	dir := t.TempDir()
	for round := range 4 {
		batches := killAfter(t, dir, 60+30*round)
		acknowledged := batches[len(batches)-1]
		readAlone(t, dir)
		s := open(t, dir)
		checkMail(t, s, batches)
		if d := s.Damages(); len(d) > 0 {
			t.Errorf("a kill is taken for damage: %v", d)
		}
		last, err := s.LastSeq(t.Context(), "r1")
		ok(t, err)
		if last+10 < acknowledged { // steps and log lines at the end are not synced
			t.Fatalf("%d were acknowledged, %d are kept", acknowledged, last)
		}
		// A plugin that is not sure where the host was may send more again.
		again := max(1, int64(last)-300)
		ok(t, s.Append(t.Context(), streamEvents("r1", uint64(again), int(int64(acknowledged)+20-again))...))
		checkStream(t, s, "r1", acknowledged+19)
		ok(t, s.Close())
	}
}

// checkMail reports messages that are missing, and takes all.
func checkMail(t *testing.T, s *Store, acknowledged []uint64) {
	t.Helper()
	mail, err := s.Mail(t.Context(), "b", 0)
	ok(t, err)
	if len(mail) < len(acknowledged) || len(mail) > len(acknowledged)+1 {
		t.Fatalf("%d messages were acknowledged, %d are there", len(acknowledged), len(mail))
	}
	for i, m := range mail {
		if i < len(acknowledged) && m.ID != letter("b", int(acknowledged[i])).ID {
			t.Errorf("message %d is %s", i, m.ID)
		}
		ok(t, s.Acknowledge(t.Context(), "b", m.ID))
	}
}

// killAfter starts a child, kills it when it has acknowledged that many
// batches, and returns the last number of each of those.
func killAfter(t *testing.T, dir string, batches int) []uint64 {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "MLHOST_STORE_TEST_CHILD="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	ok(t, err)
	ok(t, cmd.Start())
	var acknowledged []uint64
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		last, err := strconv.ParseUint(lines.Text(), 10, 64)
		acknowledged = append(acknowledged, last)
		if err != nil {
			t.Errorf("the child says: %s", lines.Text())
			break
		}
		if n == batches {
			readAlone(t, dir)
			ok(t, cmd.Process.Kill())
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the child ended by itself")
	}
	return acknowledged
}

// readAlone reads what a host that runs, or has just died, has written.
func readAlone(t *testing.T, dir string) {
	t.Helper()
	s, err := OpenReadOnly(dir)
	ok(t, err)
	defer func() { ok(t, s.Close()) }()
	run, err := s.Run(t.Context(), "r")
	ok(t, err)
	samples, err := s.Samples(t.Context(), run.ID, "x", SampleRange{})
	ok(t, err)
	for i := 1; i < len(samples); i++ {
		if samples[i].Step <= samples[i-1].Step {
			t.Errorf("sample %d comes behind %d", samples[i].Step, samples[i-1].Step)
		}
	}
	if len(samples) == 0 || len(run.Results) == 0 {
		t.Errorf("%d samples and %d results", len(samples), len(run.Results))
	}
}

// checkStream reports a gap or a double in what is kept of streamEvents.
func checkStream(t *testing.T, s *Store, run string, last uint64) {
	t.Helper()
	want := map[string][]int64{}
	for _, e := range streamEvents(run, 1, int(last)) {
		kind := script.KindOf(e.Body)
		want[kind] = append(want[kind], int64(e.Seq))
	}
	got := map[string][]int64{}
	samples, err := s.Samples(t.Context(), run, "x", SampleRange{})
	ok(t, err)
	for _, sm := range samples {
		got["samples"] = append(got["samples"], sm.Step)
	}
	for l, err := range s.Logs(t.Context(), run, LogFilter{}) {
		ok(t, err)
		got["log"] = append(got["log"], int64(l.Seq))
	}
	events, err := s.Events(t.Context(), EventRange{})
	ok(t, err)
	var id uint64
	for _, e := range events {
		if e.ID <= id {
			t.Fatalf("event %d comes behind %d", e.ID, id)
		}
		id = e.ID
		kind := script.KindOf(e.Body)
		got[kind] = append(got[kind], int64(e.Seq))
	}
	for _, kind := range []string{"samples", "log", "run", "result", "warning"} {
		if len(got[kind]) != len(want[kind]) {
			t.Errorf("%s: want %d, got %d", kind, len(want[kind]), len(got[kind]))
			continue
		}
		for i := range want[kind] {
			if got[kind][i] != want[kind][i] {
				t.Errorf("%s %d: want number %d, got %d", kind, i, want[kind][i], got[kind][i])
				break
			}
		}
	}
	results, err := s.Results(t.Context(), run)
	ok(t, err)
	if len(results) != len(want["result"]) {
		t.Errorf("want %d results, got %d", len(want["result"]), len(results))
	}
}
