package export

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// fake is a source with one run.
type fake struct {
	run    v1.RunDetail
	points map[string][]v1.Point
}

func (f *fake) Run(context.Context, string, ...string) (v1.RunDetail, error) { return f.run, nil }

func (f *fake) RunText(_ context.Context, id, name string) (v1.RunText, error) {
	return v1.RunText{Run: id, Name: name, Text: "text of " + name}, nil
}

func (f *fake) Samples(_ context.Context, id, name string, after int64, limit int) (v1.Samples, error) {
	points := f.points[name]
	points = points[min(after, int64(len(points))):]
	return v1.Samples{Run: id, Name: name, Samples: points[:min(limit, len(points))]}, nil
}

// hostile are names that lead elsewhere, that are too long, or that are the
// same to somebody.
var hostile = []string{
	"", ".", "..", "../../evil", "/etc/passwd", "a", "a/b", "a/b/c", "a//b", "A", "con", "-rf", " ", "a ", "a\nb", "a\x00b", "ü", "🙂", "e\u0301",
	"\u202egnp", "\xff\xfe", strings.Repeat("x", 1<<20), strings.Repeat("é", 300), strings.Repeat("a/", 200) + "z", "meta.yaml", `a\b`, "=1+1", "a:b", "..hidden", "~",
}

func hostileRun() *fake {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	end := at.Add(time.Minute)
	f := &fake{points: map[string][]v1.Point{}}
	f.run = v1.RunDetail{
		Run: v1.Run{
			ID: "k3f9a2bqx7", Script: "trainer: \"x\"\n# y", State: script.Finished, Started: at, Finished: &end,
			Parameters: map[string]script.Value{}, Results: map[string]script.Value{},
		},
		Record: map[string]script.Value{
			"directory": script.String("/w"),
			"packages":  script.Map(map[string]script.Value{"numpy": script.String("1.24\nevil==1")}),
			"texts":     script.Map(map[string]script.Value{script.TextSource: script.Null(), script.TextDiff: script.Null()}),
			"source":    script.Map(map[string]script.Value{"path": script.String("/w/train.p/../y")}),
		},
	}
	one := int64(1)
	for _, name := range hostile {
		f.run.Parameters[name] = script.String(name)
		f.run.Results[name] = script.Float(math.Inf(1))
		f.run.Series = append(f.run.Series, v1.Series{Name: name, Count: 3})
		f.points[name] = []v1.Point{
			{Step: &one, Time: at, Value: script.Float(math.NaN())}, {Time: at, Value: script.String("text")}, {Time: at, Value: script.Int(3)},
		}
		f.run.Changes = append(f.run.Changes, v1.Change{Name: name, Time: at, New: script.Float(2), Status: script.Applied})
		f.run.Artifacts = append(f.run.Artifacts, v1.Artifact{Path: "/w/" + name})
	}
	return f
}

// contents lists the regular files below a folder, and fails where there is
// anything else, or anything beside it.
func contents(t *testing.T, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if !d.Type().IsRegular() {
			t.Errorf("%s is no file", path)
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(root, path)
		out[rel] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if beside, err := os.ReadDir(filepath.Dir(root)); err != nil || len(beside) != 1 {
		t.Errorf("beside the folder lies %v, %v", beside, err)
	}
	return out
}

func TestMLflowOfHostileNames(t *testing.T) {
	f := hostileRun()
	root := filepath.Join(t.TempDir(), "mlruns")
	e := Exporter{Source: f, Artifacts: true}
	if err := e.MLflow(t.Context(), root, []string{"k3f9", "k3f9"}); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for path, text := range contents(t, root) {
		parts := strings.Split(path, string(filepath.Separator))
		if len(parts) < 2 || strings.HasPrefix(parts[1], ".") {
			t.Errorf("left behind: %s", path)
		}
		if len(parts) > 3 {
			counts[parts[2]]++
			if parts[2] == "metrics" && text == "" {
				t.Errorf("%s is empty", path)
			}
		}
	}
	if counts["params"] != len(hostile) || counts["metrics"] != 3*len(hostile) {
		t.Errorf("of %d names: %v", len(hostile), counts)
	}
	if err := e.MLflow(t.Context(), root, []string{"k3f9"}); script.CodeOf(err) != script.CodeConflict {
		t.Errorf("a second time: %v", err)
	}
}

func TestMLflowOfAHostileRun(t *testing.T) {
	f := hostileRun()
	f.run.ID = "../../evil"
	if err := (&Exporter{Source: f}).MLflow(t.Context(), filepath.Join(t.TempDir(), "mlruns"), []string{"x"}); err != nil {
		t.Fatal(err)
	}
}

func TestCSV(t *testing.T) {
	f := hostileRun()
	root := filepath.Join(t.TempDir(), "tables")
	if err := (&Exporter{Source: f}).CSV(t.Context(), root, []string{"k3f9"}); err != nil {
		t.Fatal(err)
	}
	files := contents(t, root)
	for name, rows := range map[string]int{
		"runs.csv": 1, "parameters.csv": len(hostile), "results.csv": len(hostile), "changes.csv": len(hostile),
		"artifacts.csv": len(hostile), "samples.csv": 3 * len(hostile),
	} {
		got, err := csv.NewReader(strings.NewReader(files[name])).ReadAll()
		if err != nil || len(got) != rows+1 {
			t.Errorf("%s: %d rows, %v", name, len(got)-1, err)
		}
	}
	if len(files) != 6 {
		t.Errorf("%d files", len(files))
	}
}

func TestJSON(t *testing.T) {
	f := hostileRun()
	var b bytes.Buffer
	if err := (&Exporter{Source: f}).JSON(t.Context(), &b, []string{"k3f9"}); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Runs []struct {
			v1.RunDetail
			Texts map[string]string `json:"texts"`
		} `json:"runs"`
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	run := got.Runs[0]
	if run.ID != f.run.ID || run.Script != f.run.Script || run.Texts["diff"] != "text of diff" {
		t.Errorf("got %s %q %v", run.ID, run.Script, run.Texts)
	}
	for _, name := range hostile {
		if name = strings.ToValidUTF8(name, "\uFFFD"); len(run.Samples[name]) != 3 && name != "\uFFFD" {
			t.Errorf("%.40q has %d samples", name, len(run.Samples[name]))
		}
	}
}

func TestLongSeriesArePaged(t *testing.T) {
	f := hostileRun()
	f.run.Series = []v1.Series{{Name: "loss"}}
	f.points["loss"] = make([]v1.Point, 2*pageSize)
	n := 0
	err := (&Exporter{Source: f}).eachPoint(t.Context(), "x", "loss", func(v1.Point) error { n++; return nil })
	if err != nil || n != 2*pageSize {
		t.Errorf("%d points, %v", n, err)
	}
}

// FuzzNames gives any two names files in one folder, beside common ones.
func FuzzNames(f *testing.F) {
	for i, name := range hostile {
		f.Add(name[:min(len(name), 5000)], hostile[(i+7)%len(hostile)][:min(len(hostile[(i+7)%len(hostile)]), 5000)])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		root := filepath.Join(t.TempDir(), "params")
		n := newNames()
		known := map[string]bool{}
		for _, name := range []string{"loss", a, b, "train/loss"} {
			if name == b && b == a {
				continue
			}
			file := n.file(name)
			if known[file] || !fits(file) {
				t.Fatalf("%q: %q does not do", name, file)
			}
			known[file] = true
			if file != name && n.altered[file] != name {
				t.Errorf("%q is not told to be %q", file, name)
			}
			path := filepath.Join(root, filepath.FromSlash(file))
			if rel, err := filepath.Rel(root, path); err != nil || !filepath.IsLocal(rel) || rel == "." {
				t.Fatalf("%q leads to %q", name, path)
			}
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	})
}
