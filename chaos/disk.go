//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// fullDisk runs a host on a small file system and fills it.
func fullDisk(ctx context.Context, l *lab, o *outcome) error {
	h, err := l.newHost()
	if err != nil {
		return err
	}
	config, err := h.counters(6)
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
	before, err := h.begin(ctx, config)
	if err != nil {
		return err
	}
	ballast := filepath.Join(small, "ballast")
	o.count("refusals", 2)
	for _, what := range []string{"full", "full again"} {
		o.at("the disk is %s", what)
		if err := h.fill(ctx, o, ballast); err != nil {
			return err
		}
		if what == "full" { // with room again, this host keeps what was said meanwhile
			if err := errors.Join(os.Remove(ballast), h.keepsAgain(ctx), h.hears(ctx, "s0")); err != nil {
				return err
			}
		}
	}
	o.at("kill -9 while the disk is full")
	if err := h.fullAndKilled(ctx, o, ballast); err != nil {
		return err
	}
	if err := h.keepsAgain(ctx); err != nil {
		return err
	}
	now, err := h.all(ctx)
	if err != nil {
		return err
	}
	o.zero("processes replaced", replaced(o, before, now))
	return h.account(ctx, o, now)
}

// fill fills the disk, and waits until what would be acknowledged is refused: it
// must be kept.
func (h *host) fill(ctx context.Context, o *outcome, ballast string) error {
	if out, err := exec.CommandContext(ctx, "dd", "if=/dev/zero", "of="+ballast, "bs=64k").CombinedOutput(); err == nil {
		return fmt.Errorf("the file system does not get full: %s", out)
	}
	var refused error
	err := until(ctx, 30*time.Second, "something is refused", func() (bool, error) {
		_, refused = h.tell(ctx, "s0", strings.Repeat("x", 100_000))
		return refused != nil, nil
	})
	if err == nil && !strings.Contains(refused.Error(), "full") {
		o.breaks("the refusal does not say that the disk is full: %v", refused)
	}
	return err
}

// keepsAgain waits until what is sent is kept.
func (h *host) keepsAgain(ctx context.Context) error {
	return until(ctx, time.Minute, "the host keeps things again", func() (bool, error) {
		_, err := h.tell(ctx, "s0", "after")
		return err == nil, err
	})
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
