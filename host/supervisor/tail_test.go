package supervisor

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/shared/script"
)

// follow is a tail with its file and what it gave out.
type follow struct {
	*tail
	t     *testing.T
	lines []script.LogLine
}

func newFollow(t *testing.T, limit int64, keep int) *follow {
	path := filepath.Join(t.TempDir(), "stdout.log")
	f := &follow{tail: &tail{path: path, stream: "stdout", limit: limit, keep: keep}, t: t}
	f.write("")
	t.Cleanup(f.close)
	return f
}

func (f *follow) write(s string) {
	f.t.Helper()
	w, err := openLog(f.path)
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := w.WriteString(s); err != nil {
		f.t.Fatal(err)
	}
	_ = w.Close()
}

func (f *follow) next(last bool) []script.LogLine {
	f.t.Helper()
	f.lines = nil
	if err := f.read(last, func(l []script.LogLine) { f.lines = append(f.lines, l...) }); err != nil {
		f.t.Fatal(err)
	}
	return f.lines
}

func texts(lines []script.LogLine) []string {
	var out []string
	for _, l := range lines {
		s := l.Text
		if l.Partial {
			s += "…"
		}
		out = append(out, s)
	}
	return out
}

func TestTailSplitsLines(t *testing.T) {
	f := newFollow(t, 0, 5)
	f.skip = int64(len("1|1|unix|/s|grpc|\n"))
	f.write("1|1|unix|/s|grpc|\nfirst\r\nsec")
	if diff := cmp.Diff([]string{"first"}, texts(f.next(false))); diff != "" {
		t.Error(diff)
	}
	f.write("ond\n\nbad \xff\xfe byte\nhalf")
	if diff := cmp.Diff([]string{"second", "", "bad \uFFFD byte"}, texts(f.next(false))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"half"}, texts(f.next(true))); diff != "" {
		t.Error(diff)
	}
	if got := f.next(true); len(got) > 0 {
		t.Errorf("again: %v", got)
	}
}

func TestTailCutsLongLines(t *testing.T) {
	f := newFollow(t, 0, 5)
	long := strings.Repeat("ä", 70<<10)
	f.write("x" + long + "\nafter\n")
	lines := f.next(false)
	var joined strings.Builder
	for i, l := range lines[:len(lines)-1] {
		if len(l.Text) > script.MaxLogText || !utf8.ValidString(l.Text) {
			t.Fatalf("piece %d: %d bytes, valid %v", i, len(l.Text), utf8.ValidString(l.Text))
		}
		if want := i < len(lines)-2; l.Partial != want {
			t.Errorf("piece %d: partial %v", i, l.Partial)
		}
		joined.WriteString(l.Text)
	}
	if joined.String() != "x"+long || lines[len(lines)-1].Text != "after" {
		t.Error("the pieces are not the line")
	}
}

func TestTailRotates(t *testing.T) {
	f := newFollow(t, 1000, 3)
	var want, got []string
	for i := range 400 {
		line := fmt.Sprintf("line %d", i)
		want = append(want, line)
		f.write(line + "\n")
		if i%50 == 49 {
			got = append(got, texts(f.next(false))...)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	entries, err := filepath.Glob(f.path + "*")
	if err != nil || len(entries) != 3 {
		t.Fatalf("files %v, %v", entries, err)
	}
	var kept []byte
	for _, name := range []string{f.path + ".2", f.path + ".1", f.path} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, b...)
	}
	all := []byte(strings.Join(want, "\n") + "\n")
	if !bytes.HasSuffix(all, kept) || len(kept) < 1000 {
		t.Errorf("the files hold %d bytes that are not the newest", len(kept))
	}
}

// A tail that begins where any line of another one ended goes on as that did.
func TestTailGoesOn(t *testing.T) {
	f := newFollow(t, 0, 5)
	f.write("first\r\n\n" + strings.Repeat("ä", 20<<10) + "\nhalf")
	all := f.next(true)
	for i, l := range all {
		next := &follow{tail: &tail{path: f.path, stream: "stdout", skip: l.End, mid: l.Partial}, t: t}
		if diff := cmp.Diff(texts(all[i+1:]), texts(next.next(true))); diff != "" {
			t.Errorf("behind line %d: %s", i, diff)
		}
		next.close()
	}
}

// The ends of lines count from the file's new beginning once it was emptied.
func TestTailGoesOnBehindARotation(t *testing.T) {
	f := newFollow(t, 10, 2)
	f.write("first line\nsec")
	f.next(false)
	f.write("ond\nthird\n")
	lines := f.next(false)
	if diff := cmp.Diff([]string{"second", "third"}, texts(lines)); diff != "" {
		t.Fatal(diff)
	}
	if lines[0].End != int64(len("ond\n")) || lines[1].End != int64(len("ond\nthird\n")) {
		t.Errorf("they end at %d and %d", lines[0].End, lines[1].End)
	}
}

// Any bytes come out as valid lines of bounded length that join to what went
// in.
func FuzzTail(f *testing.F) {
	f.Add([]byte("a\nb\r\n\xff\n"), 3)
	f.Add(bytes.Repeat([]byte("é"), 20000), 100)
	f.Add(bytes.Repeat([]byte("a\xff"), 20000), 10000)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		tl := &tail{}
		if cut < 1 {
			cut = 1
		}
		var got bytes.Buffer
		add := func(lines []script.LogLine) {
			for _, l := range lines {
				if !utf8.ValidString(l.Text) || len(l.Text) > script.MaxLogText {
					t.Fatalf("bad piece of %d bytes", len(l.Text))
				}
				got.WriteString(l.Text)
				if !l.Partial {
					got.WriteByte('\n')
				}
			}
		}
		for rest := data; len(rest) > 0; {
			n := min(cut, len(rest))
			add(tl.split(rest[:n]))
			rest = rest[n:]
		}
		got.Write(tl.line)
		if utf8.Valid(data) && !bytes.Contains(data, []byte{'\r'}) && !bytes.Equal(got.Bytes(), data) {
			t.Fatalf("%d bytes became %d", len(data), got.Len())
		}
	})
}
