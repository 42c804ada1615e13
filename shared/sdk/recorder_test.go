package sdk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// begun returns a recorder whose spool lies in a new directory.
func begun(t *testing.T) (r *recorder, spool string) {
	t.Helper()
	spool = filepath.Join(t.TempDir(), wire.SpoolFile)
	r = newRecorder()
	r.begin(1, spool)
	t.Cleanup(func() {
		if err := r.close(true); err != nil {
			t.Error(err)
		}
	})
	return r, spool
}

// errEnough ends a listener.
var errEnough = errors.New("enough")

// listen takes events behind after until the one numbered until, or the end of
// the stream.
func listen(t *testing.T, r *recorder, after, until uint64) []script.Event {
	t.Helper()
	var got []script.Event
	err := r.serve(t.Context(), after, func(events []script.Event) error {
		for _, e := range events {
			if e.Seq > 0 {
				got = append(got, e)
			}
		}
		if len(got) > 0 && got[len(got)-1].Seq >= until {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		t.Fatal(err)
	}
	return got
}

func checkRow(t *testing.T, events []script.Event, from, to uint64) {
	t.Helper()
	for _, e := range events {
		if e.Seq != from {
			t.Fatalf("event %d (%s) where %d is due", e.Seq, script.KindOf(e.Body), from)
		}
		from++
	}
	if from != to+1 {
		t.Fatalf("the last event is %d, want %d", from-1, to)
	}
}

func logLine(i int) script.LogLine {
	return script.LogLine{Stream: "stdout", Text: fmt.Sprintf("line %d", i)}
}

func TestReplayFromRing(t *testing.T) {
	r, spool := begun(t)
	for i := range 1000 {
		r.emit(logLine(i))
	}
	checkRow(t, listen(t, r, 0, 1000), 1, 1000)
	checkRow(t, listen(t, r, 700, 1000), 701, 1000)
	if _, err := os.Stat(spool); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a spool: %v", err)
	}
}

func TestReplayFromSpool(t *testing.T) {
	r, spool := begun(t)
	const n = 40000 // more than a ring has
	for i := range n {
		r.emit(logLine(i))
	}
	if info, err := os.Stat(spool); err != nil || info.Size() == 0 {
		t.Fatalf("there is no spool: %v", err)
	}
	checkRow(t, listen(t, r, 0, n), 1, n)
	checkRow(t, listen(t, r, 12345, n), 12346, n) // nothing was committed: all of it again
	for i := range n {
		r.emit(logLine(i))
	}
	checkRow(t, listen(t, r, n, 2*n), n+1, 2*n)
}

func TestWhileHostIsAwayAResultIsOnDisk(t *testing.T) {
	r, spool := begun(t)
	r.emit(logLine(1))
	r.emit(script.ResultSet{Name: "accuracy", Value: script.Float(1)})
	var got []script.Event
	if err := wire.ReadSpool(spool, 0, func(e []script.Event) error { got = append(got, e...); return nil }); err != nil {
		t.Fatal(err)
	}
	checkRow(t, got, 1, 2)
}

func TestCloseKeepsWhatNoHostTook(t *testing.T) {
	spool := filepath.Join(t.TempDir(), wire.SpoolFile)
	r := newRecorder()
	r.begin(41, spool)
	at := slot{}
	for i := range 300 {
		r.sample(script.Sample{Name: "x", Step: int64(i), Time: time.Now(), Value: script.Int(int64(i))}, false, &at)
	}
	r.last(script.StateChanged{State: script.Finished}, func(uint64) {})
	if err := r.close(true); err != nil {
		t.Fatal(err)
	}
	var got []script.Event
	if err := wire.ReadSpool(spool, 0, func(e []script.Event) error { got = append(got, e...); return nil }); err != nil {
		t.Fatal(err)
	}
	checkRow(t, got, 41, 43) // 256 samples, 44 samples, the state
	last, _ := got[1].Body.(script.Samples)
	if len(last.Samples) != 44 || !last.Samples[43].Value.Equal(script.Int(299)) {
		t.Errorf("the second batch has %d samples", len(last.Samples))
	}
}

func TestSlowHostMakesTheScriptWait(t *testing.T) {
	r, spool := begun(t)
	const n = 60000
	go func() {
		for i := range n {
			r.emit(logLine(i))
		}
	}()
	got := 0
	err := r.serve(t.Context(), 0, func(events []script.Event) error {
		for _, e := range events {
			if e.Seq == 0 {
				continue
			}
			got++
			if e.Seq != uint64(got) {
				return fmt.Errorf("event %d where %d is due", e.Seq, got)
			}
		}
		if got == n {
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		t.Fatal(err)
	}
	if _, err := os.Stat(spool); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a host that only is slow made the script spool: %v", err)
	}
}

func TestHungHostDoesNotHangTheScript(t *testing.T) {
	r, _ := begun(t)
	ctx, cancel := context.WithCancel(t.Context())
	hung := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		err := r.serve(ctx, 0, func([]script.Event) error {
			<-hung
			return errEnough
		})
		if !errors.Is(err, errEnough) {
			t.Error(err)
		}
	})
	const n = 40000
	for i := range n {
		r.emit(logLine(i)) // returns, at last
	}
	close(hung)
	done.Wait()
	cancel()
	checkRow(t, listen(t, r, 0, n), 1, n)
}

// A host that listens before the start, hangs, and goes on in the same stream.
func TestHungHostGoesOn(t *testing.T) {
	r := newRecorder()
	const n = 40000
	attached, hung := make(chan struct{}), make(chan struct{})
	got := uint64(0)
	ended := make(chan error, 1)
	go func() {
		first := true
		ended <- r.serve(t.Context(), 0, func(events []script.Event) error {
			if first {
				close(attached)
				<-hung
				first = false
			}
			for _, e := range events {
				if e.Seq == 0 {
					continue
				}
				if got++; e.Seq != got {
					return fmt.Errorf("event %d (%s) where %d is due", e.Seq, script.KindOf(e.Body), got)
				}
			}
			if got == n {
				return errEnough
			}
			return nil
		})
	}()
	<-attached
	r.begin(1, filepath.Join(t.TempDir(), wire.SpoolFile))
	for i := range n {
		r.emit(logLine(i))
	}
	close(hung)
	if err := <-ended; !errors.Is(err, errEnough) {
		t.Error(err)
	}
	if err := r.close(true); err != nil {
		t.Error(err)
	}
}

func TestFullSpoolKeepsWhatMustLast(t *testing.T) {
	r, _ := begun(t)
	r.spool.limit = 1 << 20
	const n = 60000
	var results []uint64
	for i := range n {
		if i%10000 == 5000 {
			results = append(results, r.emit(script.ResultSet{Name: "r", Value: script.Int(int64(i))}))
			continue
		}
		r.emit(logLine(i))
	}
	got := listen(t, r, 0, n)
	var next, dropped uint64 = 1, 0
	for _, e := range got {
		if gap, ok := e.Body.(script.Gap); ok {
			if gap.From != next || gap.Dropped != gap.To-gap.From+1 || e.Seq != gap.To {
				t.Fatalf("gap %+v numbered %d, where %d is due", gap, e.Seq, next)
			}
			dropped += gap.Dropped
			next = gap.To
		} else if e.Seq != next {
			t.Fatalf("event %d where %d is due", e.Seq, next)
		}
		if len(results) > 0 && e.Seq == results[0] {
			if _, ok := e.Body.(script.ResultSet); !ok {
				t.Fatalf("result %d is gone", e.Seq)
			}
			results = results[1:]
		}
		next++
	}
	if next != n+1 || len(results) > 0 || dropped == 0 {
		t.Errorf("last %d, results missing %v, dropped %d", next-1, results, dropped)
	}
}

func TestNoRunDirectory(t *testing.T) {
	r := newRecorder()
	r.begin(1, "")
	const n = 40000
	result := r.emit(script.ResultSet{Name: "r", Value: script.Int(1)})
	for i := range n {
		r.emit(logLine(i))
	}
	var kept, lost uint64
	for _, e := range listen(t, r, 0, n+1) {
		if gap, ok := e.Body.(script.Gap); ok {
			lost += gap.Dropped
			continue
		}
		kept++
		if e.Seq == result {
			result = 0
		}
	}
	if kept+lost != n+1 || lost == 0 || result != 0 {
		t.Errorf("%d kept, %d lost of %d; result missing: %v", kept, lost, n+1, result != 0)
	}
	if err := r.close(true); err != nil {
		t.Fatal(err)
	}
}

func TestLatestMergesUnderPressure(t *testing.T) {
	r, _ := begun(t)
	for i := range 40000 { // nobody listens: it spools
		r.emit(logLine(i))
	}
	every, latest := slot{}, slot{}
	for i := range 1000 {
		now := time.Now()
		r.sample(script.Sample{Name: "every", Time: now, Value: script.Int(int64(i))}, false, &every)
		r.sample(script.Sample{Name: "latest", Time: now, Value: script.Int(int64(i))}, true, &latest)
	}
	r.last(script.StateChanged{State: script.Finished}, func(uint64) {})
	counts := map[string]uint64{}
	var last script.Value
	for _, e := range listen(t, r, 40000, 1<<60) {
		switch b := e.Body.(type) {
		case script.Samples:
			for _, s := range b.Samples {
				counts[s.Name]++
				if s.Name == "latest" {
					last = s.Value
				}
			}
		case script.Gap:
			counts["merged"] += b.Dropped
		}
	}
	if counts["every"] != 1000 || counts["latest"] >= 1000 || counts["latest"]+counts["merged"] != 1000 || !last.Equal(script.Int(999)) {
		t.Errorf("counts %v, last %v", counts, last)
	}
}

func TestSecondHostReplacesTheFirst(t *testing.T) {
	r, _ := begun(t)
	attached, ended := make(chan struct{}), make(chan error, 1)
	var once sync.Once
	go func() {
		ended <- r.serve(context.Background(), 0, func([]script.Event) error {
			once.Do(func() { close(attached) })
			return nil
		})
	}()
	<-attached
	r.emit(logLine(1))
	checkRow(t, listen(t, r, 0, 1), 1, 1)
	if err := <-ended; script.CodeOf(err) != script.CodeConflict {
		t.Errorf("the first host's stream ends with %v", err)
	}
}

func TestUnwritableSpoolKeepsResults(t *testing.T) {
	r := newRecorder()
	r.begin(1, filepath.Join(t.TempDir(), "missing", wire.SpoolFile))
	seq := r.emit(script.ResultSet{Name: "r", Value: script.Int(1)})
	for i := range 40000 {
		r.emit(logLine(i))
	}
	got := listen(t, r, 0, 40001)
	if got[0].Seq != seq {
		t.Errorf("the first event is %+v, want the result", got[0])
	}
	if err := r.close(true); err == nil {
		t.Error("close does not tell of the missing directory")
	}
}

func TestWhatAHostHadAlreadyIsAGap(t *testing.T) {
	r, _ := begun(t)
	const n = 60000
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range n {
			r.emit(logLine(i))
		}
	}()
	listen(t, r, 0, n/2)
	<-done // the rest went to the spool
	next := uint64(1)
	for _, e := range listen(t, r, 0, n) {
		if gap, ok := e.Body.(script.Gap); ok && gap.From == next {
			next = gap.To
		}
		if e.Seq != next {
			t.Fatalf("event %d (%s) where %d is due", e.Seq, script.KindOf(e.Body), next)
		}
		next++
	}
}
