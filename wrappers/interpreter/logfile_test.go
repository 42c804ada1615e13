package interpreter

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestLogFileRotates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stdout.log")
	reader, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	l, err := openLogFile(path, 10)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for i := range 7 {
		if _, err := l.Write(bytes.Repeat([]byte{byte('0' + i)}, 8)); err != nil {
			t.Fatal(err)
		}
	}
	for file, want := range map[string]string{"": "6", ".1": "5", ".2": "4", ".3": "3", ".4": "2"} {
		got, err := os.ReadFile(path + file)
		if err != nil || len(got) != 8 || string(got[:1]) != want {
			t.Errorf("%s holds %q, %v; want eight times %s", file, got, err, want)
		}
	}
	if _, err := os.Stat(path + ".5"); err == nil {
		t.Error("there are more files than allowed")
	}
	if got := make([]byte, 20); true {
		if n, err := reader.Read(got); err != nil || n != 8 {
			t.Errorf("the file is another one for its reader: %d bytes, %v", n, err)
		}
	}
}

func TestLogFileGoesOnWhereItWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stdout.log")
	for range 2 {
		l, err := openLogFile(path, 100)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Write([]byte("abc\n")); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "abc\nabc\n" {
		t.Errorf("got %q, %v", got, err)
	}
}
