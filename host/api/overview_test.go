package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// get asks for a path that package client has no method for.
func (f *fixture) get(t *testing.T, path string, into any) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := f.http(t).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(data, into); err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d, %v\n%s", path, response.StatusCode, err, data)
		}
	}
	return response.StatusCode, string(data)
}

const runID = "k3f9a2bqx7"

func said(body script.Body) script.Event {
	return script.Event{Time: time.Now(), Script: "trainer", Run: runID, Body: body}
}

func TestOverview(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	now := time.Now()
	f.emit(t, said(script.Samples{Samples: []script.Sample{
		{Name: "note", Step: 8, Time: now, Value: script.String("x")}, {Name: "a", Step: 8, Time: now, Value: script.Int(1)},
		{Name: "b", Step: 8, Time: now, Value: script.Int(1)}, {Name: "accuracy", Step: 8, Time: now, Value: script.Float(0.5)},
	}}))
	var out v1.Overview
	f.get(t, "/api/v1/overview?variables=3", &out)
	if out.Event != f.bus.Newest() || len(out.Scripts) != 1 || out.Scripts[0].State != script.Running {
		t.Errorf("got %+v", out)
	}
	var names []string
	for _, v := range out.Scripts[0].Variables {
		names = append(names, v.Name)
	}
	if !slices.Equal(names, []string{"loss", "accuracy", "a"}) {
		t.Errorf("the variables are %v", names)
	}
}

// History pages back to the first event that is kept.
func TestHistory(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	for range 25 {
		f.emit(t, said(script.Warned{Text: "hot"}), script.Event{Time: time.Now(), Script: "other", Body: script.Warned{}})
	}
	var ids []uint64
	path := "/api/v1/events/history?limit=10&script=trainer&kind=warning&kind=state"
	for query := path; ; {
		var page v1.History
		f.get(t, query, &page)
		for _, e := range page.Events {
			if e.Script != "trainer" || len(ids) > 0 && e.ID >= ids[len(ids)-1] {
				t.Errorf("got %+v behind %v", e, ids)
			}
			ids = append(ids, e.ID)
		}
		if page.Before == nil {
			break
		}
		query = path + "&before=" + client.ID(*page.Before)
	}
	if len(ids) != 26 {
		t.Errorf("%d events", len(ids))
	}
	var page v1.History
	f.get(t, path+"&after="+client.ID(ids[3]), &page)
	if len(page.Events) != 3 {
		t.Errorf("behind an event are %d", len(page.Events))
	}
	if status, body := f.get(t, "/api/v1/events/history?kind=warnin", nil); status != 400 || !strings.Contains(body, "warning") {
		t.Errorf("%d %s", status, body)
	}
}

func TestScriptChanges(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	for i := range 5 {
		f.emit(t, said(script.ParametersChanged{Revision: uint64(i + 2), Author: "user:me", Changes: []script.Change{
			{Name: "lr", Old: script.Int(int64(i)), New: script.Int(int64(i + 1)), Status: script.Applied, Step: 3},
			{Name: "token", Old: script.String("secret"), New: script.String("secret2"), Status: script.Applied, Step: 3},
		}}))
	}
	var out v1.ScriptChanges
	_, body := f.get(t, "/api/v1/scripts/trainer/changes?limit=4", &out)
	if len(out.Changes) != 4 || out.Changes[0].Revision != 6 || out.Changes[3].Revision != 5 || out.Changes[0].Run != runID || strings.Contains(body, "secret") {
		t.Errorf("got %s", body)
	}
}

func TestRunsSearch(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	f.emit(t, said(script.ResultSet{Name: "Accuracy", Value: script.Float(0.97)}))
	for i, id := range []string{"b000000001", "b000000002", "b000000003"} {
		f.emit(t, script.Event{Time: time.Now(), Script: "other", Run: id, Body: script.RunStarted{Parameters: map[string]script.Value{"n": script.Int(int64(i)), "how": script.String("100%_Sure")}}})
	}
	f.emit(t, script.Event{Time: time.Now(), Script: "trainer", Run: "b000000004", Body: script.RunStarted{Parameters: map[string]script.Value{"token": script.String("hush")}}})
	for query, want := range map[string]int{
		"search=ACCURACY": 1, "search=0.97": 1, "search=100%25_sure": 3, "search=%25": 3, "search=b0": 4, "search=hush": 0,
		"before=b000000003": 3, "before=b000000003&search=other": 2, "search=other&limit=1": 1, "search=%27": 0, "before=none": 0,
	} {
		var out v1.Runs
		f.get(t, "/api/v1/runs?"+query, &out)
		if len(out.Runs) != want {
			t.Errorf("%s: %d runs, want %d", query, len(out.Runs), want)
		}
	}
}

func TestTopics(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	d := trainer
	d.Topics = []script.TopicSpec{{Name: "checkpoint", Doc: "writes one", Answers: true}}
	f.emit(t, said(script.Described{Description: d}))
	for i := range 3 {
		routed := script.MessageRouted{Count: 2, Kind: script.Ask, Source: "a", Target: "trainer", Topic: "checkpoint"}
		if i == 1 {
			routed.Code, routed.Problem = script.CodeDeadline, "late"
		}
		f.api.Count(said(routed))
	}
	for i := range 5000 {
		f.api.Count(said(script.MessageRouted{Kind: script.Tell, Source: "a", Target: "b", Topic: strings.Repeat("x", i)}))
	}
	var out v1.Topics
	f.get(t, "/api/v1/topics", &out)
	if len(out.Topics) != 1 || !out.Topics[0].Answers || len(out.Traffic) != 4096 {
		t.Errorf("%+v and %d", out.Topics, len(out.Traffic))
	}
	i := slices.IndexFunc(out.Traffic, func(tr v1.Traffic) bool { return tr.Target == "trainer" })
	if i < 0 || out.Traffic[i].Count != 6 || out.Traffic[i].Failed != 2 || out.Traffic[i].Problem != "late" {
		t.Errorf("got %+v", out.Traffic[max(i, 0)])
	}
}

// Only what a run is recorded to have left behind is handed out, and no link,
// pipe or folder that stands in its place.
func TestArtifacts(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"model.pt", "a\nb \x1b]2;x\x07.txt", "secret"} {
		if err := os.WriteFile(path(name), []byte("data of "+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(path("secret"), path("link")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"model.pt", "a\nb \x1b]2;x\x07.txt", "link", "pipe", ".", "gone"} {
		f.emit(t, said(script.ArtifactWritten{Path: path(name), Size: 1, Kind: "file", Found: script.FoundOpened}))
	}
	var list v1.Artifacts
	f.get(t, "/api/v1/runs/trainer/artifacts", &list)
	if list.Run != runID || len(list.Artifacts) != 6 {
		t.Errorf("got %+v", list)
	}
	file := "/api/v1/runs/" + runID + "/artifacts/file?path="
	for _, name := range []string{"model.pt", "a\nb \x1b]2;x\x07.txt"} {
		if status, body := f.get(t, file+url.QueryEscape(path(name)), nil); status != 200 || body != "data of "+name {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	for asked, want := range map[string]int{
		path("link"): 409, path("pipe"): 409, path("."): 409, path("gone"): 404, path("secret"): 404, "": 400,
		"../../etc/passwd": 404, "..%2fetc%2fpasswd": 404, "%252e%252e/etc/passwd": 404, "....//etc/passwd": 404, "/etc/passwd": 404, `C:\`: 404,
		"a\x00b": 404, "file:///etc/passwd": 404, "http:///#/../../etc": 404, strings.Repeat("x", 4096): 404, "CON": 404,
		path("model.pt") + "/": 404, dir + "/x/../model.pt": 404, path("model.pt") + "\x00": 404, path("link") + "/": 404,
	} {
		if status, body := f.get(t, file+url.QueryEscape(asked), nil); status != want || strings.Contains(body, "data of") {
			t.Errorf("%.60q: %d, want %d: %.200s", asked, status, want, body)
		}
	}
}

func TestChartAndLogPage(t *testing.T) {
	f := newFixture(t)
	f.train(t)
	for seq := uint64(4); seq < 104; seq++ {
		f.emit(t, sampled(seq, int64(seq)*10), said(script.LogLine{Stream: "stdout", Level: "warn", Text: "Hot " + client.ID(seq)}))
	}
	var chart v1.Chart
	f.get(t, "/api/v1/runs/trainer/chart?name=loss&points=10&from_step=500&to_step=599", &chart)
	if len(chart.Buckets) != 10 || *chart.Buckets[0].FirstStep != 500 || *chart.Buckets[9].LastStep != 590 {
		t.Errorf("got %+v", chart)
	}
	f.get(t, "/api/v1/runs/trainer/chart/loss?to_step=0", &chart)
	if len(chart.Buckets) != 0 {
		t.Errorf("got %+v", chart)
	}
	var page v1.LogPage
	f.get(t, "/api/v1/scripts/trainer/logs/page?limit=2&level=warn&search=hot", &page)
	if len(page.Lines) != 2 || page.Lines[1].Text != "Hot 103" || page.Run != runID || page.Lines[0].Script != "trainer" {
		t.Errorf("got %+v", page)
	}
	f.get(t, "/api/v1/scripts/trainer/logs/page?limit=3&before="+page.Older, &page)
	if len(page.Lines) != 3 || page.Lines[2].Text != "Hot 101" {
		t.Errorf("got %+v", page)
	}
	if status, _ := f.get(t, "/api/v1/scripts/trainer/logs/page?before=..%2f..", nil); status != 400 {
		t.Errorf("a strange cursor: %d", status)
	}
	var both v1.Comparison
	f.get(t, "/api/v1/compare?run=trainer&run="+runID, &both)
	if len(both.Runs) != 2 || len(both.Parameters) != 4 || both.Parameters[0].Differs {
		t.Errorf("got %+v", both)
	}
	if status, _ := f.get(t, "/api/v1/compare", nil); status != 400 {
		t.Errorf("nothing to compare: %d", status)
	}
}
