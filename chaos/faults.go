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
	h, err := l.newHost("")
	if err != nil {
		return err
	}
	mb := l.scaled(100, 5)
	var b strings.Builder
	var names []string
	for name, f := range floods {
		text := fmt.Sprintf("import os\nMB = %d\ndef to(fd):\n    def write(data):\n        while data:\n            data = data[os.write(fd, data):]\n    return write\nw, e = to(1), to(2)\n%s\n", mb, f.what)
		if err := h.write(name+".py", text); err != nil {
			return err
		}
		fmt.Fprintf(&b, "script %q {\n  source = \"%s.py\"\n  restart {\n    policy = \"never\"\n  }\n}\n", name, name)
		names = append(names, name)
	}
	b.WriteString(h.counter("good", ""))
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
	wrappers := 0.0
	if err := until(ctx, 5*time.Minute, "the floods are over", func() (bool, error) {
		now, err := h.all(ctx)
		over := err == nil
		for _, name := range names {
			s := now[name]
			if over = over && s.State.Ended(); s.State.Ended() || s.PluginPID == nil {
				continue
			}
			if used, err := proc.Peak(*s.PluginPID); err == nil { // it may have ended
				wrappers = max(wrappers, used)
			}
		}
		return over, err
	}); err != nil {
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

// fullDisk runs a host on a small file system and fills it.
func fullDisk(ctx context.Context, l *lab, o *outcome) error {
	h, err := l.newHost("")
	if err != nil {
		return err
	}
	config, err := h.counters(6)
	if err == nil {
		err = h.configure(config)
	}
	if err != nil {
		return err
	}
	small := filepath.Join(h.dir, "s")
	if err := os.MkdirAll(small, 0o700); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=160m"); err != nil {
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
		_, refused = h.tell(ctx, "s0", strings.Repeat("x", 100_000))
		return refused != nil, nil
	})
	if err != nil {
		return err
	}
	o.count("refusals", 1)
	if !strings.Contains(refused.Error(), "full") {
		o.breaks("the refusal does not say that the disk is full: %v", refused)
	}
	o.at("kill -9 while the disk is full")
	if err := h.fullAndKilled(ctx, o, ballast); err != nil {
		return err
	}
	err = until(ctx, time.Minute, "the host keeps things again", func() (bool, error) {
		_, err := h.tell(ctx, "s0", "after")
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
	return h.account(ctx, o, now)
}

// fullAndKilled kills a host whose disk is full, tries to start it, which may
// be refused, makes room, and starts it.
func (h *host) fullAndKilled(ctx context.Context, o *outcome, ballast string) error {
	if err := h.kill(ctx); err != nil {
		return err
	}
	tried, cancel := context.WithTimeout(ctx, 30*time.Second)
	err := h.start(tried)
	cancel()
	o.count("starts refused while it is full", 0)
	if err != nil {
		o.Counts[len(o.Counts)-1].Value = 1
		if !strings.Contains(err.Error(), "full") && !strings.Contains(err.Error(), "no space") {
			o.breaks("the refusal to start does not say that the disk is full: %v", err)
		}
	}
	if e := os.Remove(ballast); e != nil || err == nil {
		return e
	}
	if err := h.start(ctx); err != nil {
		return err
	}
	return h.reach(ctx, time.Minute, running)
}

// damage flips bytes of the database of a host that was killed.
func damage(ctx context.Context, l *lab, o *outcome) error {
	h, before, err := counting(ctx, l, 6)
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
	return h.account(ctx, o, after)
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
	h, err := l.newHost("")
	if err != nil {
		return err
	}
	good := h.counter("good", ", code = %d", never)
	if err := h.configure(fmt.Sprintf(good, 1)); err != nil {
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
	kills := l.scaled(20, 2)
	o.count("kills in the middle of a reload", float64(kills))
	for i := range kills { // a kill in the middle of a reload
		o.at("kill %d", i+1)
		if err := h.configure(fmt.Sprintf(good, i+2)); err != nil {
			return err
		}
		go func() { _, _ = h.Reload(ctx) }()                // the kill is its end
		time.Sleep(time.Duration(i) * 2 * time.Millisecond) // somewhere in it
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
	return h.account(ctx, o, after)
}

// slowViewers opens event streams and reads nothing of them.
func slowViewers(ctx context.Context, l *lab, o *outcome) error {
	h, err := l.newHost("")
	if err != nil {
		return err
	}
	var b strings.Builder
	for i := range 10 {
		b.WriteString(h.counter(fmt.Sprintf("s%d", i), ", pause = 0.0005"))
	}
	if err := h.configure(b.String()); err != nil {
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
	now, err := h.all(ctx)
	if err != nil {
		return err
	}
	return h.account(ctx, o, now)
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
