package interpreter

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/shared/script"
)

// recorded gathers what was recorded of a run.
func recorded(h *host) (map[string]script.Value, map[string]string) {
	record, texts := map[string]script.Value{}, map[string]string{}
	for _, r := range of[script.Recorded](h) {
		maps.Copy(record, r.Record)
		maps.Copy(texts, r.Texts)
	}
	return record, texts
}

// field reads a value inside of a record.
func field(record map[string]script.Value, path ...string) string {
	v := record[path[0]]
	for _, key := range path[1:] {
		table, _ := v.Map()
		v = table[key]
	}
	return v.String()
}

func TestRecord(t *testing.T) {
	interpreter := needs(t, "python3")
	h := newHost(t)
	source := "print('hello')\n"
	j := launch(t, h, interpreter, source, func(l *script.Launch) {
		withPython(l)
		l.Args = []string{"--name", "a b"}
		key := set("key", script.String("s3cret"))
		key.Spec.Sensitive, key.Pass = true, "--key"
		token := set("token", script.String("s3cret"))
		token.Spec.Sensitive, token.Pass = true, "--token="
		l.Parameters = []script.LaunchParameter{key, token}
	})
	<-j.ended
	record, texts := recorded(h)
	command, _ := record["command"].List()
	want := []string{"--name", "a b", "--key", "(hidden)", "--token=(hidden)"}
	var got []string
	for _, v := range command {
		got = append(got, v.String())
	}
	if len(got) < 2 || got[1] != j.launch.Source || !slices.Equal(got[2:], want) {
		t.Errorf("command %q", got)
	}
	if field(record, "interpreter", "language") != "python" || field(record, "interpreter", "prefix") == "" {
		t.Errorf("interpreter %s", record["interpreter"])
	}
	if field(record, "machine", "os") == "" || field(record, "source", "size") != "15" || texts[script.TextSource] != source {
		t.Errorf("machine %s, source %s, texts %q", record["machine"], record["source"], texts)
	}
	if _, ok := record["packages"].Map(); !ok {
		t.Error("no packages")
	}
	if _, ok := record["git"]; ok {
		t.Errorf("git without a repository: %s", record["git"])
	}
}

func TestArtifacts(t *testing.T) {
	interpreter := needs(t, "python3")
	h := newHost(t)
	j := launch(t, h, interpreter, `
import os, shutil, subprocess, sys
open("model.pt", "wb").write(b"m")
os.mkdir("out")
with open("out/part", "w") as f: f.write("1,2")
os.replace("out/part", "out/table.csv")
open("gone.txt", "w").close(); os.remove("gone.txt")
open("old.txt", "a").close()
open("/dev/null", "w").write("x")
open(os.path.join(os.environ["ELSEWHERE"], "far.json"), "w").write("{}")
subprocess.check_call([sys.executable, "-S", "-c", "open('child.bin', 'w').write('c')"])
os.mkfifo("pipe")
os.symlink("model.pt", "link.pt")
os.makedirs("__pycache__"); open("__pycache__/x.txt", "w").write("x")
shutil.copy2("old.txt", "copied.txt")
`, func(l *script.Launch) {
		withPython(l)
		write(t, filepath.Join(l.Directory, "old.txt"), "old")
		write(t, filepath.Join(l.Directory, "input.csv"), "1")
		before := time.Now().Add(-time.Hour)
		for _, name := range []string{"old.txt", "input.csv"} {
			if err := os.Chtimes(filepath.Join(l.Directory, name), before, before); err != nil {
				t.Fatal(err)
			}
		}
		l.Env = map[string]string{"ELSEWHERE": filepath.Join(l.Directory, "..", "elsewhere")}
		write(t, filepath.Join(l.Directory, "..", "elsewhere", "there.txt"), "t")
	})
	<-j.ended
	if j.err != nil {
		t.Fatal(j.err, h.lines("stderr"))
	}
	var got []string
	for _, a := range of[script.ArtifactWritten](h) {
		rel, err := filepath.Rel(j.launch.Directory, a.Path)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.Join([]string{rel, a.Kind, a.Found}, " "))
		if len(a.SHA256) != 64 || a.Size == 0 {
			t.Errorf("%s: %d bytes, sum %q", rel, a.Size, a.SHA256)
		}
	}
	// What lies in the folder of all temporary files is none, unless the script runs there.
	want := []string{
		"child.bin data directory", "copied.txt text directory", "model.pt model opened", "out/table.csv table opened",
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestArtifactsOfAnyInterpreter(t *testing.T) {
	h := newHost(t)
	j := launch(t, h, needs(t, "sh"), "echo x > made.txt; echo y >> changed.txt\n", func(l *script.Launch) {
		write(t, filepath.Join(l.Directory, "changed.txt"), "x")
		write(t, filepath.Join(l.Directory, "same.txt"), "x")
	})
	<-j.ended
	var got []string
	for _, a := range of[script.ArtifactWritten](h) {
		got = append(got, filepath.Base(a.Path))
	}
	if !slices.Equal(got, []string{"changed.txt", "made.txt"}) {
		t.Errorf("got %v", got)
	}
}

func TestPackages(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	for _, name := range []string{
		"numpy-1.24.2.dist-info", "scikit_learn-1.2.1.dist-info", "Foo.Bar-2.0.post1.dist-info", "old_one-1.0-py3.11.egg-info",
		"broken.dist-info", "-1.dist-info", "name-.dist-info", "numpy", "x-1.0.dist-info.bak",
	} {
		write(t, filepath.Join(first, name, "METADATA"), "")
	}
	write(t, filepath.Join(second, "numpy-0.1.dist-info", "METADATA"), "")
	write(t, filepath.Join(second, "single-3.egg-info"), "")
	got := map[string]string{}
	for name, v := range packagesOn([]string{"", "relative", first, filepath.Join(first, "none.zip"), second}) {
		got[name] = v.String()
	}
	want := map[string]string{"numpy": "1.24.2", "scikit-learn": "1.2.1", "foo-bar": "2.0.post1", "old-one": "1.0", "single": "3"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
