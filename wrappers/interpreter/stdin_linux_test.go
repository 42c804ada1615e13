package interpreter

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlhost/mlhost/shared/script"
)

// withFifo makes a FIFO without a writer the standard input.
func withFifo(t *testing.T) func(*script.Launch) {
	return func(l *script.Launch) {
		t.Helper()
		l.Stdin = "in"
		if err := unix.Mkfifo(filepath.Join(l.Directory, "in"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFifoWithoutAWriterHoldsUpNobody(t *testing.T) {
	for _, interpreter := range []string{needs(t, "bash"), needs(t, "python3")} {
		h := newHost(t)
		source, python := "echo \"in: $(cat)\"", interpreter != needs(t, "bash")
		if python {
			source = "import sys; print('in:', sys.stdin.read().strip(), sys.argv[1:])"
		}
		j := launch(t, h, interpreter, source, func(l *script.Launch) {
			withFifo(t)(l)
			if python {
				withPython(l)
				l.Args = []string{"a b"}
			}
		})
		select {
		case <-j.up:
		case <-time.After(limit):
			t.Fatal("the script does not start")
		}
		if err := os.WriteFile(filepath.Join(j.launch.Directory, "in"), []byte("hello\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, err := j.wait(t); code != 0 || err != nil {
			t.Fatal(code, err, h.lines("stderr"))
		}
		want := "in: hello"
		if python {
			want += " ['a b']"
		}
		if out := h.lines("stdout"); len(out) != 1 || out[0] != want {
			t.Error(out)
		}
	}
}

func TestStopWhileAFifoHasNoWriter(t *testing.T) {
	h := newHost(t)
	j := launch(t, h, "bash", "cat", withFifo(t))
	<-j.up
	j.stop(t.Context(), limit)
	if code, _ := j.wait(t); code != 128+int(unix.SIGTERM) {
		t.Error(code)
	}
}
