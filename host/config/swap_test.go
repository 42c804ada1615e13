package config

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestSwappedWhileRead: whatever a link leads to while it is followed, what is
// read is one whole configuration or an error, and reading ends.
func TestSwappedWhileRead(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := syscall.Mkfifo("pipe", 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("dir", 0o700); err != nil {
		t.Fatal(err)
	}
	whole := "script \"one\" {\n  source = \"a.py\"\n}\n# " + strings.Repeat("x", 100_000) + "\nscript \"two\" {\n  source = \"a.py\"\n}\n"
	write(t, "good.hcl", whole)
	write(t, "half.hcl", whole[:len(whole)-10])
	write(t, "secret", "root:$6$abcdefgh:19000::::::\n")
	write(t, "huge.hcl", "")
	if err := os.Truncate("huge.hcl", 1<<30); err != nil { // takes no space
		t.Fatal(err)
	}
	targets := []string{"good.hcl", "pipe", "good.hcl", "/dev/zero", "half.hcl", "dir", "good.hcl", "huge.hcl", "secret", "gone", "a.hcl"}
	swap := func(i int) {
		if err := os.Symlink(targets[i%len(targets)], "next"); err != nil {
			t.Error(err)
		}
		if err := os.Rename("next", "a.hcl"); err != nil {
			t.Error(err)
		}
	}
	swap(0)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				swap(i)
			}
		}
	}()
	good, bad := 0, 0
	for good < 20 || bad < 200 {
		c, diags := Load("a.hcl", Options{})
		switch {
		case diags.HasErrors():
			bad++
			for _, d := range diags {
				if len(d.Detail) > 1000 {
					t.Fatalf("a diagnostic of %d bytes", len(d.Detail))
				}
			}
		case len(c.Scripts) == 2:
			good++
		default:
			t.Fatalf("half of a file was taken: %d scripts", len(c.Scripts))
		}
	}
	close(stop)
	<-stopped
}
