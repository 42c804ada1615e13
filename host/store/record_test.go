package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/shared/script"
)

// told is an event of a run.
func told(run string, seq uint64, body script.Body) script.Event {
	return script.Event{Script: "trainer", Run: run, Seq: seq, Time: time.Unix(1000+int64(seq), 0), Body: body}
}

func TestRecord(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	source := "print('ü')\n"
	ok(t, s.Append(t.Context(),
		begun("aaaa"),
		told("aaaa", 2, script.Recorded{
			Record: map[string]script.Value{"interpreter": script.String("python3"), "machine": script.String("lab1")},
			Texts:  map[string]string{script.TextSource: source, "../../evil": "x", "long": strings.Repeat("x", script.MaxText+1)},
		}),
		told("aaaa", 3, script.Recorded{Record: map[string]script.Value{"interpreter": script.Map(map[string]script.Value{"version": script.String("3.12")})}}),
		told("bbbb", 1, script.Recorded{Texts: map[string]string{script.TextSource: source}}),
	))
	ok(t, s.Close())
	s, err := OpenReadOnly(dir)
	ok(t, err)
	defer s.Close()
	record, err := s.Record(t.Context(), "aaaa")
	ok(t, err)
	if record["interpreter"].String() != `{"version":"3.12"}` || record["machine"].String() != "lab1" {
		t.Errorf("record %v", record)
	}
	for _, run := range []string{"aaaa", "bbbb"} {
		if text, err := s.Text(t.Context(), run, script.TextSource); err != nil || string(text) != source {
			t.Errorf("source of %s: %q, %v", run, text, err)
		}
	}
	if _, err := s.Text(t.Context(), "aaaa", script.TextDiff); script.CodeOf(err) != script.CodeNotFound {
		t.Errorf("a diff that there is not: %v", err)
	}
	texts, err := s.Texts(t.Context(), "aaaa")
	ok(t, err)
	if len(texts) != 2 {
		t.Errorf("texts %v", texts)
	}
	blobs, err := os.ReadDir(filepath.Join(dir, "blobs"))
	ok(t, err)
	if len(blobs) != 2 { // the source of both runs, and what lies below a name that leads elsewhere
		t.Errorf("%d files of texts", len(blobs))
	}
	events, err := s.RunEvents(t.Context(), "aaaa", "recorded")
	ok(t, err)
	if len(events) != 2 || len(events[0].Body.(script.Recorded).Record) != 2 {
		t.Errorf("events %v", events)
	}
}

func TestArtifacts(t *testing.T) {
	s := open(t, t.TempDir())
	mine := script.ArtifactWritten{Path: "/w/model.pt", Size: 3, SHA256: "ab", Kind: "model", Found: script.FoundOpened}
	seen := mine
	seen.Found = script.FoundDirectory
	alone := script.ArtifactWritten{Path: "/w/x.bin", Size: 1, Kind: "data", Found: script.FoundDirectory}
	finished := script.StateChanged{State: script.Finished}
	late := begun("cccc")
	late.Time = time.Unix(5000, 0)
	ok(t, s.Append(t.Context(),
		begun("aaaa"), begun("bbbb"),
		told("aaaa", 2, mine),
		told("bbbb", 2, seen), told("bbbb", 3, alone),
		told("aaaa", 3, finished), told("bbbb", 4, finished),
		late, script.Event{Script: "trainer", Run: "cccc", Seq: 2, Time: time.Unix(5001, 0), Body: seen},
	))
	for run, want := range map[string][]Artifact{
		"aaaa": {mine},
		"bbbb": {alone}, // aaaa, which ran at the same time, has written the model
		"cccc": {seen},
		"dddd": nil,
	} {
		got, err := s.Artifacts(t.Context(), run)
		ok(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", run, diff)
		}
	}
}
