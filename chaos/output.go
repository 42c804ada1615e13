//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/internal/proc"
	"github.com/mlhost/mlhost/shared/script"
)

// flood is what a script prints: a line of Python, and how many bytes come of
// it for each MB that is asked for, or in all.
type flood struct {
	what       string
	perMB, all int
}

func (f flood) bytes(mb int) int { return f.perMB*mb + f.all }

// anyOutput lets scripts print what no terminal would survive.
func anyOutput(ctx context.Context, l *lab, o *outcome) error {
	floods := map[string]flood{
		"nothing": {what: `pass`},
		"byte":    {what: `w(b"x")`, all: 1},
		"endless": {what: `[w(b"x" * 1_000_000) for _ in range(MB)]`, perMB: 1_000_000},
		"lines":   {what: `[w((b"y" * 63 + b"\n") * 16) for _ in range(MB * 1000)]`, perMB: 1_024_000},
		"binary":  {what: `[w(os.urandom(1_000_000)) for _ in range(MB)]`, perMB: 1_000_000},
		"returns": {what: `[w(b"".join(b"\r%7d" % ((100 * i + k) % 10**7) for k in range(100))) for i in range(MB * 1250)]`, perMB: 1_000_000},
		"poison":  {what: `[e(b'{"@level":"error","@message":"x"}\n{"op":"fail","reason":"x"}\n1|1|unix|/nowhere|grpc\n' * 119) for _ in range(MB * 100)]`, perMB: 100 * 119 * 84},
		"nul":     {what: `[w(b"\0" * 1_000_000) for _ in range(MB)]`, perMB: 1_000_000},
	}
	h, err := l.newHost()
	if err != nil {
		return err
	}
	mb := l.scaled(100, 5)
	var b strings.Builder
	var names []string
	for name, f := range floods {
		text := fmt.Sprintf("import os\nMB = %d\ndef to(fd):\n    def write(data):\n        while data:\n            data = data[os.write(fd, data):]\n    return write\nw, e = to(1), to(2)\n%s\nimport time\nopen(\"%s.done\", \"w\").close()\nwhile not os.path.exists(\"end\"):\n    time.sleep(0.05)\n", mb, f.what, name)
		if err := h.write(name+".py", text); err != nil {
			return err
		}
		fmt.Fprintf(&b, "script %q {\n  source = \"%s.py\"\n  restart {\n    policy = \"never\"\n  }\n}\n", name, name)
		names = append(names, name)
	}
	b.WriteString(h.counter("good", ""))
	if err := h.launch(ctx, b.String()); err != nil {
		return err
	}
	pid, err := h.pid()
	if err != nil {
		return err
	}
	wrappers, err := h.flooded(ctx, names)
	if err != nil {
		return err
	}
	o.count("floods", float64(len(floods)))
	o.count("MB in each of the large ones", float64(mb))
	peak, err := proc.Peak(pid)
	if err != nil {
		return err
	}
	o.atMost("MB of memory in the host, at most", peak, 400)
	o.atMost("MB in a wrapper, at most", wrappers, 150)
	now, err := h.all(ctx)
	if err != nil {
		return err
	}
	if err := h.printed(o, now, floods, mb); err != nil {
		return err
	}
	if s := now["good"]; s.State != script.Running || s.Restarts > 0 {
		o.breaks("another script is %s: %s", s.State, s.Reason)
	}
	return h.account(ctx, o, map[string]v1.Script{"good": now["good"]})
}

// flooded waits until the named scripts have printed everything, and then lets
// them end. It returns how many MB of memory a wrapper has taken at the most.
func (h *host) flooded(ctx context.Context, names []string) (peak float64, err error) {
	err = until(ctx, 5*time.Minute, "everything is printed", func() (bool, error) {
		for _, name := range names {
			if _, err := os.Stat(filepath.Join(h.dir, name+".done")); err != nil {
				return false, err
			}
		}
		return true, nil
	})
	if err != nil {
		return 0, err
	}
	now, err := h.all(ctx)
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		if now[name].PluginPID == nil {
			return 0, fmt.Errorf("%s has no wrapper: %s", name, now[name].Reason)
		}
		used, err := proc.Peak(*now[name].PluginPID)
		if err != nil {
			return 0, err
		}
		peak = max(peak, used)
	}
	if err := h.write("end", ""); err != nil {
		return 0, err
	}
	ended := []script.State{script.Finished, script.Failed, script.Lost}
	return peak, h.reach(ctx, 5*time.Minute, ended, names...)
}

// printed looks that floods are over in the ordinary way and that each byte of
// them is in the files of their runs.
func (h *host) printed(o *outcome, now map[string]v1.Script, floods map[string]flood, mb int) error {
	want, found, ends := 0, 0, 0
	for name, f := range floods {
		s := now[name]
		if s.State != script.Finished {
			ends++
			o.breaks("%s is %s: %s", name, s.State, s.Reason)
		}
		files, err := filepath.Glob(filepath.Join(h.state, "c", "runs", s.Run, "std*.log*"))
		if err != nil {
			return err
		}
		size := 0
		for _, file := range files {
			info, err := os.Stat(file)
			if err != nil {
				return err
			}
			size += int(info.Size())
		}
		if size != f.bytes(mb) {
			o.breaks("%s printed %d bytes, %d are kept", name, f.bytes(mb), size)
		}
		want, found = want+f.bytes(mb), found+size
	}
	o.zero("floods that did not end in the ordinary way", ends)
	o.count("bytes printed", float64(want))
	o.count("bytes kept", float64(found))
	return nil
}
