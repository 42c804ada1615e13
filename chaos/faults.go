//go:build linux

package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/internal/proc"
	"github.com/mlhost/mlhost/shared/script"
)

// anyOutput lets scripts print what no terminal would survive.
func anyOutput(ctx context.Context, l *lab, o *outcome) error {
	floods := map[string]string{
		"nothing": `pass`,
		"byte":    `w(b"x")`,
		"endless": `[w(b"x" * 1_000_000) for _ in range(MB)]`,
		"lines":   `[w(b"y" * 63 + b"\n") for _ in range(MB * 1600)]`,
		"binary":  `[w(os.urandom(1_000_000)) for _ in range(MB)]`,
		"returns": `[w(b"\r%7d" % i) for i in range(MB * 12500)]`,
		"poison":  `[e(b'{"@level":"error","@message":"x"}\n{"op":"fail","reason":"x"}\n1|1|unix|/nowhere|grpc\n') for _ in range(MB * 100)]`,
		"nul":     `[w(b"\0" * 1_000_000) for _ in range(MB)]`,
	}
	h, err := l.newHost("")
	if err != nil {
		return err
	}
	mb := l.scaled(100, 5)
	var b strings.Builder
	var names []string
	for name, what := range floods {
		text := fmt.Sprintf("import os\nMB = %d\ndef to(fd):\n    def write(data):\n        while data:\n            data = data[os.write(fd, data):]\n    return write\nw, e = to(1), to(2)\n%s\n", mb, what)
		if err := h.write(name+".py", text); err != nil {
			return err
		}
		fmt.Fprintf(&b, "script %q {\n  source = \"%s.py\"\n  restart {\n    policy = \"never\"\n  }\n}\n", name, name)
		names = append(names, name)
	}
	fmt.Fprintf(&b, "script \"good\" {\n  plugin = %q\n}\n", l.plugin)
	if err := h.configure(b.String()); err != nil {
		return err
	}
	if err := h.start(ctx); err != nil {
		return err
	}
	pid, err := h.pid()
	if err != nil {
		return err
	}
	done := []script.State{script.Finished}
	if err := h.reach(ctx, 5*time.Minute, done, names...); err != nil {
		return err
	}
	o.count("MB in each flood", float64(mb))
	peak, err := proc.Peak(pid)
	if err != nil {
		return err
	}
	o.atMost("MB of memory in the host, at most", peak, 400)
	now, err := h.all(ctx)
	if err != nil {
		return err
	}
	if s := now["good"]; s.State != script.Running || s.Restarts > 0 {
		o.breaks("another script is %s: %s", s.State, s.Reason)
	}
	return nil
}

// fullDisk runs a host on a small file system and fills it.
func fullDisk(ctx context.Context, l *lab, o *outcome) error {
	h, err := l.newHost(fmt.Sprintf("script \"good\" {\n  plugin = %q\n}\n", l.plugin))
	if err != nil {
		return err
	}
	small := filepath.Join(h.dir, "s")
	if err := os.MkdirAll(small, 0o700); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=64m"); err != nil {
		o.Skipped = fmt.Sprintf("a small file system cannot be mounted here (%v)", err)
		return nil
	}
	defer func() {
		l.downAll(ctx, o)
		if err := until(context.Background(), 10*time.Second, "it is unmounted", func() (bool, error) {
			err := syscall.Unmount(small, 0)
			return err == nil, err
		}); err != nil {
			o.breaks("%v", err)
		}
	}()
	if err := h.start(ctx); err != nil {
		return err
	}
	if err := h.reach(ctx, time.Minute, running); err != nil {
		return err
	}
	before, err := h.all(ctx)
	if err != nil {
		return err
	}
	ballast := filepath.Join(small, "ballast")
	if out, err := exec.CommandContext(ctx, "dd", "if=/dev/zero", "of="+ballast, "bs=64k").CombinedOutput(); err == nil {
		return fmt.Errorf("the file system does not get full: %s", out)
	}
	// What is acknowledged must be kept: a message that cannot be is refused.
	var refused error
	err = until(ctx, 30*time.Second, "something is refused", func() (bool, error) {
		_, refused = h.tell(ctx, "good", strings.Repeat("x", 100_000))
		return refused != nil, nil
	})
	if err != nil {
		return err
	}
	o.count("refusals", 1)
	if !strings.Contains(refused.Error(), "full") {
		o.breaks("the refusal does not say that the disk is full: %v", refused)
	}
	if err := os.Remove(ballast); err != nil {
		return err
	}
	err = until(ctx, time.Minute, "the host keeps things again", func() (bool, error) {
		_, err := h.tell(ctx, "good", "after")
		return err == nil, err
	})
	if err != nil {
		return err
	}
	now, err := h.all(ctx)
	if err != nil {
		return err
	}
	o.zero("processes replaced", replaced(o, before, now))
	err = until(ctx, time.Minute, "what was counted meanwhile is kept", func() (bool, error) {
		run, err := h.Run(ctx, now["good"].Run, "n")
		return len(run.Samples["n"]) > 100, err
	})
	if err != nil {
		return err
	}
	return h.sequences(ctx, o, now)
}

// damage flips bytes of the database of a host that was killed.
func damage(ctx context.Context, l *lab, o *outcome) error {
	h, before, err := counting(ctx, l, 6, 0)
	if err != nil {
		return err
	}
	if err := h.kill(ctx); err != nil {
		return err
	}
	path := filepath.Join(h.state, "c", "meta.db")
	if err := flushLog(ctx, path); err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for i := 4096; i < len(text); i += 1500 {
		text[i] ^= 0xff
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return err
	}
	if err := h.start(ctx); err != nil {
		return err
	}
	if err := h.reach(ctx, 30*time.Second, running); err != nil {
		return err
	}
	after, err := h.all(ctx)
	if err != nil {
		return err
	}
	o.zero("processes replaced", replaced(o, before, after))
	aside, err := filepath.Glob(path + ".damaged-*")
	if err != nil {
		return err
	}
	o.count("files set aside", float64(len(aside)))
	told, err := h.Host(ctx)
	if err != nil {
		return err
	}
	if len(aside) == 0 || len(told.Notices) == 0 {
		o.breaks("the damage is not told: %v", told.Notices)
	}
	return nil
}

// flushLog puts what is in a database's log into its file.
func flushLog(ctx context.Context, path string) (err error) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}

// brokenConfig saves configurations that are none over one that serves.
func brokenConfig(ctx context.Context, l *lab, o *outcome) error {
	good := fmt.Sprintf("script \"good\" {\n  plugin = %q\n  parameters = { code = %%d }\n}\n", l.plugin)
	h, err := l.newHost(fmt.Sprintf(good, 1))
	if err != nil {
		return err
	}
	if err := h.start(ctx); err != nil {
		return err
	}
	if err := h.reach(ctx, time.Minute, running); err != nil {
		return err
	}
	before, err := h.all(ctx)
	if err != nil {
		return err
	}
	broken := map[string]string{
		"truncated":   fmt.Sprintf(good, 1)[:20],
		"invalid":     "script \"good\" {\n  plugin = 7\n  color = \"red\"\n}\n",
		"parentheses": "locals {\n  x = " + strings.Repeat("(", 200_000) + "\n}\n",
		"missing":     "script \"other\" {\n  source = \"nowhere.py\"\n  interpreter = 7\n}\n",
		"binary":      string(bytes.Repeat([]byte{0, 255, 7}, 1000)),
		"empty route": "route \"r\" {\n}\n",
		"plugin":      fmt.Sprintf(good, 2) + "script \"other\" {\n  plugin = \"nowhere\"\n}\n",
		"no plugin":   fmt.Sprintf(good, 2) + "script \"other\" {\n  plugin = \"config.hcl\"\n}\n",
	}
	accepted := 0
	for name, text := range broken {
		if err := h.configure(text); err != nil {
			return err
		}
		if _, err := h.Reload(ctx); err == nil {
			accepted++
			o.breaks("%s was carried out", name)
		}
	}
	o.count("broken configurations", float64(len(broken)))
	o.zero("carried out", accepted)
	after, err := h.all(ctx)
	if err != nil {
		return err
	}
	o.zero("scripts disturbed", replaced(o, before, after))
	for i := range l.scaled(10, 2) { // a kill in the middle of a reload
		o.at("kill %d", i+1)
		if err := h.configure(fmt.Sprintf(good, i+2)); err != nil {
			return err
		}
		go func() { _, _ = h.Reload(ctx) }() // the kill is its end
		if err := h.kill(ctx); err != nil {
			return err
		}
		if err := h.start(ctx); err != nil {
			return err
		}
		want := int64(i + 2)
		err := until(ctx, 20*time.Second, "the next good configuration is carried out", func() (bool, error) {
			answer, err := h.Parameters(ctx, "good")
			for _, p := range answer.Parameters {
				if got, _ := p.Value.Int(); p.Name == "code" && got == want {
					return true, nil
				}
			}
			return false, err
		})
		if err != nil {
			return err
		}
	}
	after, err = h.all(ctx)
	if err != nil {
		return err
	}
	o.zero("processes replaced by kills in reloads", replaced(o, before, after))
	return nil
}

// slowViewers opens event streams and reads nothing of them.
func slowViewers(ctx context.Context, l *lab, o *outcome) error {
	var b strings.Builder
	for i := range 10 {
		fmt.Fprintf(&b, "script \"s%d\" {\n  plugin = %q\n  parameters = { pause = 0.0005 }\n}\n", i, l.plugin)
	}
	h, err := l.newHost(b.String())
	if err != nil {
		return err
	}
	if err := h.start(ctx); err != nil {
		return err
	}
	if err := h.reach(ctx, time.Minute, running); err != nil {
		return err
	}
	alone, err := h.pace(ctx)
	if err != nil {
		return err
	}
	viewers := make([]*client.Stream, l.scaled(20, 5))
	for i := range viewers {
		if viewers[i], err = h.Events(ctx, client.EventFilter{}); err != nil {
			return err
		}
		defer viewers[i].Close()
	}
	watched, err := h.pace(ctx)
	if err != nil {
		return err
	}
	pid, err := h.pid()
	if err != nil {
		return err
	}
	used, err := proc.Resident(pid)
	if err != nil {
		return err
	}
	o.count("viewers that read nothing", float64(len(viewers)))
	o.count("steps/s before", alone)
	o.count("steps/s watched", watched)
	if l.scale >= 1 && watched < alone*0.7 { // rates of a moment say nothing on a machine that does other things
		o.breaks("producers are slowed down")
	}
	o.atMost("MB of memory in the host", used, 300)
	o.at("reading what the viewers missed")
	told := 0.0
	for i, v := range viewers {
		dropped, err := firstGap(v)
		if err != nil {
			return fmt.Errorf("viewer %d was not told that it missed anything: %w", i+1, err)
		}
		told += float64(dropped)
	}
	o.count("events that the viewers were told to have missed", told)
	return nil
}

// pace measures how many steps all scripts make in a second.
func (h *host) pace(ctx context.Context) (float64, error) {
	steps := func() (sum float64, err error) {
		now, err := h.all(ctx)
		for _, s := range now {
			if s.Step != nil {
				sum += float64(*s.Step)
			}
		}
		return sum, err
	}
	before, err := steps()
	if err != nil {
		return 0, err
	}
	began := time.Now()
	select {
	case <-time.After(2 * time.Second): // what is measured is a rate
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	after, err := steps()
	return (after - before) / time.Since(began).Seconds(), err
}

// firstGap reads a stream until it tells of events that were missed.
func firstGap(s *client.Stream) (dropped uint64, err error) {
	for {
		e, err := s.Next()
		if err != nil || e.Kind != v1.KindGap {
			if err != nil {
				return 0, err
			}
			continue
		}
		var gap v1.GapData
		if err := json.Unmarshal(e.Data, &gap); err != nil {
			return 0, err
		}
		if gap.Dropped == nil || *gap.Dropped == 0 {
			return 0, errors.New("the gap has no count")
		}
		return *gap.Dropped, nil
	}
}
