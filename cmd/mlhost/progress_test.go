package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestProgressLine(t *testing.T) {
	var b bytes.Buffer
	p := &progress{w: &b, what: "restore", total: 4 << 20, unit: inBytes, width: func() int { return 60 }, started: time.Now().Add(-10 * time.Second)}
	p.add(1 << 20)
	got := b.String()
	for _, want := range []string{"restore ██████░░", " 25%", "1.0 MiB of 4.0 MiB"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	p.add(1 << 20)
	if b.String() != got {
		t.Error("it is drawn again at once")
	}
	p.end()
	p.add(1 << 20)
	if !strings.HasSuffix(b.String(), "\r\x1b[K") {
		t.Errorf("it leaves something behind: %q", b.String())
	}
	quick := &progress{w: &b, what: "x", unit: inItems("files"), started: time.Now()}
	b.Reset()
	quick.add(1)
	quick.end()
	if b.Len() > 0 {
		t.Errorf("short work is shown: %q", b.String())
	}
	if got := quick.line(quick.started.Add(3 * time.Second)); got != "x: 1 files, 3.0s" {
		t.Errorf("got %q", got)
	}
}

// Long work shows on a terminal how far it is, and takes that away in the end.
func TestProgressOnTerminal(t *testing.T) {
	f := newFolder(t, map[string]string{"config.hcl": "host { name = \"lab1\" }\nscript \"a\" {\n  source = \"a.py\"\n}\n", "a.py": "print(1)\n"})
	f.says("run", "config.hcl")
	f.says("backup", "lab1.tar.gz")
	data, err := os.ReadFile(filepath.Join(f.dir, "lab1.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := f.command()
	cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", "exec mlhost restore - --host lab2 <&3"}
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer out.Close()
	cmd.ExtraFiles = []*os.File{in}
	x := newTerminal(t, 80, 10, cmd)
	for len(data) > 200 {
		screen, changed := x.text()
		if strings.Contains(screen, "restore: ") {
			break
		}
		if _, err := out.Write(data[:100]); err != nil {
			t.Fatal(err)
		}
		data = data[100:]
		select {
		case <-changed:
		case <-time.After(20 * time.Millisecond): // a slow line, so that the work takes a while
		}
	}
	x.await(`^restore: .* KiB|^restore: \d+ B`)
	if _, err := io.Copy(out, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if code := x.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	screen, _ := x.text()
	if strings.Contains(screen, "restore: ") || !strings.Contains(screen, "the host lab2 is restored") {
		t.Errorf("the screen in the end:\n%s", screen)
	}
}
