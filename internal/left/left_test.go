package left

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestMain(m *testing.M) { Main(m) }

type tests func() int

func (t tests) Run() int { return t() }

// Each kind of thing that is left is found, and named.
func TestRun(t *testing.T) {
	var clean []func() error
	cases := map[string]struct {
		leave func() error
		want  string
	}{
		"nothing": {func() error { return nil }, ""},
		"a goroutine": {func() error {
			end := make(chan struct{})
			clean = append(clean, func() error { close(end); return nil })
			go func() { <-end }()
			return nil
		}, "goroutines"},
		"a process": {func() error {
			cmd := exec.Command("sleep", "1000")
			clean = append(clean, func() error { _ = cmd.Process.Kill(); _ = cmd.Wait(); return nil })
			return cmd.Start()
		}, "sleep 1000"},
		"a file": {func() error {
			f, err := os.Create(filepath.Join(t.TempDir(), "forgotten"))
			clean = append(clean, func() error { return f.Close() })
			return err
		}, "forgotten"},
		"a socket": {func() error {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			clean = append(clean, func() error { return l.Close() })
			return err
		}, "socket:"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			clean = nil
			code, err := Run(tests(func() int {
				if err := c.leave(); err != nil {
					t.Error(err)
				}
				return 0
			}))
			for _, f := range clean {
				if err := f(); err != nil {
					t.Error(err)
				}
			}
			if (code != 0) != (c.want != "") || c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%d, %v", code, err)
			}
		})
	}
	if code, err := Run(tests(func() int { return 3 })); code != 3 || err != nil {
		t.Errorf("%d, %v", code, err)
	}
}
