//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// clockEnv names the file that tells a program with a clock that jumps how
// many seconds to add to the machine's.
const clockEnv = "MLHOST_CHAOS_CLOCK"

// clockFile becomes a part of package main of a program whose clock jumps. It
// puts another function in the place of time.Now, in the program's own memory:
// the time that people read is moved, as the machine's would be, and the one
// that timers use goes on. Whatever the program is made of sees that.
const clockFile = `package main

import (
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

//go:linkname clockNow time.now
func clockNow() (sec int64, nsec int32, mono int64)

var clockBase, clockAdd = func() (int64, *int64) {
	path := os.Getenv("` + clockEnv + `")
	if path == "" {
		return 0, nil
	}
	file, err := os.Open(path)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	b, err := syscall.Mmap(int(file.Fd()), 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic(err)
	}
	t := time.Now()
	_, _, mono := clockNow()
	return mono - (*clockTime)(unsafe.Pointer(&t)).ext, (*int64)(unsafe.Pointer(&b[0]))
}()

// clockTime is a time.Time.
type clockTime struct {
	wall uint64
	ext  int64
	loc  *time.Location
}

func clockJumped() (out time.Time) {
	sec, nsec, mono := clockNow()
	const from1885 = ((1970-1885)*365 + 20) * 86400 // where the seconds of a Time begin
	t := (*clockTime)(unsafe.Pointer(&out))
	t.wall = 1<<63 | uint64(sec+atomic.LoadInt64(clockAdd)+from1885)<<30 | uint64(nsec)
	t.ext = mono - clockBase
	t.loc = time.Local
	return out
}

func init() {
	if clockAdd == nil {
		return
	}
	now, jumped := time.Now, clockJumped
	at := **(**uintptr)(unsafe.Pointer(&now))
	page := uintptr(syscall.Getpagesize())
	first := at &^ (page - 1)
	code := unsafe.Slice((*byte)(unsafe.Pointer(first)), 2*page)
	if err := syscall.Mprotect(code, syscall.PROT_READ|syscall.PROT_WRITE|syscall.PROT_EXEC); err != nil {
		panic(err)
	}
	jump := append([]byte{0x48, 0xba}, (*[8]byte)(unsafe.Pointer(&jumped))[:]...) // movabs $jumped, %rdx
	copy(code[at-first:], append(jump, 0xff, 0x22))                                // jmp *(%rdx)
	if err := syscall.Mprotect(code, syscall.PROT_READ|syscall.PROT_EXEC); err != nil {
		panic(err)
	}
	clockKept = jumped
}

var clockKept func() time.Time
`

// withClock builds a program whose clock jumps.
func (l *lab) withClock(ctx context.Context, name, source string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", "github.com/mlhost/mlhost/"+source).Output()
	if err != nil {
		return "", err
	}
	file := filepath.Join(l.dir, "clock.go")
	if err := os.WriteFile(file, []byte(clockFile), 0o600); err != nil {
		return "", err
	}
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(strings.TrimSpace(string(out)), "chaos_clock.go"): file}})
	if err != nil {
		return "", err
	}
	path := filepath.Join(l.dir, "overlay.json")
	if err := os.WriteFile(path, list, 0o600); err != nil {
		return "", err
	}
	return l.program(ctx, name, source, "-overlay", path)
}

// jump sets the clock of the programs that read the file.
func jump(path string, by time.Duration) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600) // in its place: programs have it mapped
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.Write(binary.NativeEndian.AppendUint64(nil, uint64(int64(by/time.Second))))
	return err
}

// clockJumps sets the clock of a host and its plugins back and forth.
func clockJumps(ctx context.Context, l *lab, o *outcome) error {
	if runtime.GOARCH != "amd64" {
		o.Skipped = "the clock of programs can be changed on amd64 alone"
		return nil
	}
	mlhost, err := l.withClock(ctx, "mlhost-clock", "cmd/mlhost")
	if err != nil {
		return err
	}
	plugin, err := l.withClock(ctx, "counter-clock", "chaos/plugin")
	if err != nil {
		return err
	}
	h, err := l.newHost()
	if err != nil {
		return err
	}
	h.mlhost, h.plugin = mlhost, plugin
	clock := filepath.Join(h.dir, "clock")
	if err := jump(clock, 0); err != nil {
		return err
	}
	h.env = []string{clockEnv + "=" + clock}
	if err := h.write("bad.sh", "exit 1\n"); err != nil {
		return err
	}
	config := h.counter("s1", ", pause = 0.1", "  stalled_after = \"1m\"\n") + fmt.Sprintf(
		"script \"quiet\" {\n  plugin = %[1]q\n  parameters = { pause = 3600 }\n  stalled_after = \"30m\"\n}\n"+
			"script \"bad\" {\n  source = \"bad.sh\"\n  interpreter = \"bash\"\n  autostart = false\n  restart {\n    max_attempts = 1\n    backoff = \"%[2]s\"\n    max_backoff = \"%[2]s\"\n  }\n}\n",
		plugin, backoff)
	before, err := h.begin(ctx, config, "s1", "quiet")
	if err != nil {
		return err
	}
	jumps := []time.Duration{time.Hour, -time.Hour, 400 * 24 * time.Hour, -400 * 24 * time.Hour, 0}
	for i, by := range jumps {
		o.at("jump to %s, %d of %d", by, i+1, len(jumps))
		if err := h.acrossJump(ctx, o, clock, by); err != nil {
			return err
		}
	}
	o.count("jumps", float64(len(jumps)))
	o.at("kill -9 and a jump")
	if err := h.kill(ctx); err != nil {
		return err
	}
	if err := jump(clock, -48*time.Hour); err != nil {
		return err
	}
	if err := h.start(ctx); err != nil {
		return err
	}
	if err := h.reach(ctx, time.Minute, running, "s1", "quiet"); err != nil {
		return err
	}
	after, err := h.all(ctx)
	if err != nil {
		return err
	}
	delete(before, "bad")
	o.zero("processes replaced", replaced(o, before, after))
	return h.account(ctx, o, map[string]v1.Script{"s1": after["s1"]})
}

// backoff is how long the script that fails waits before its second try.
const backoff = 2 * time.Second

// acrossJump sets the clock while a script waits for its next try and a call
// waits for its answer.
func (h *host) acrossJump(ctx context.Context, o *outcome, clock string, by time.Duration) error {
	if _, err := h.Act(ctx, "bad", "start"); err != nil && script.CodeOf(err) != script.CodeRejected && script.CodeOf(err) != script.CodeUnavailable {
		return fmt.Errorf("start: %w", err)
	}
	if err := h.reach(ctx, 30*time.Second, []script.State{script.Backoff}, "bad"); err != nil {
		return err
	}
	waits := time.Now()
	asked := make(chan time.Duration, 1)
	go func() {
		began := time.Now()
		_, _ = h.Ask(ctx, "s1", v1.Ask{Topic: "hang", Timeout: 1}) // when it ends is what counts
		asked <- time.Since(began)
	}()
	if err := until(ctx, 10*time.Second, "the call is under way", func() (bool, error) {
		m, err := h.Variables(ctx, "s1")
		for _, v := range m.Variables {
			if n, _ := v.Value.Int(); v.Name == "hanging" && n > 0 {
				return true, nil
			}
		}
		return false, err
	}); err != nil {
		return err
	}
	if err := jump(clock, by); err != nil {
		return err
	}
	if err := h.hears(ctx, "s1"); err != nil {
		return err
	}
	if err := h.hasJumped(ctx, by); err != nil {
		return err
	}
	took := (<-asked).Seconds()
	if took < 0.8 || took > 30 {
		o.breaks("a call of 1 s took %.1f s across a jump to %s", took, by)
	}
	if err := h.reach(ctx, 30*time.Second, []script.State{script.Failed}, "bad"); err != nil {
		return err
	}
	if waited := time.Since(waits); waited < backoff*8/10 || waited > backoff+30*time.Second {
		o.breaks("a pause of %s took %s across a jump to %s", backoff, waited, by)
	}
	now, err := h.all(ctx)
	if err != nil {
		return err
	}
	for _, name := range []string{"s1", "quiet"} {
		if now[name].State != script.Running {
			o.breaks("%s is %s after a jump to %s: %s", name, now[name].State, by, now[name].Reason)
		}
	}
	if up := now["s1"].Uptime; up == nil || *up < 0 || *up > 600 {
		o.breaks("after a jump to %s the uptime is %v s", by, up)
	}
	return nil
}

// hasJumped makes sure that the clocks of the host's programs did jump: the
// last sample is as old as it should be.
func (h *host) hasJumped(ctx context.Context, by time.Duration) error {
	vars, err := h.Variables(ctx, "s1")
	if err != nil {
		return err
	}
	for _, v := range vars.Variables {
		if v.Name != "n" || v.Time == nil {
			continue
		}
		if off := v.Time.Sub(time.Now().Add(by)).Abs(); off > 10*time.Minute {
			return fmt.Errorf("the clock of a plugin is off by %s after a jump to %s", off, by)
		}
		return nil
	}
	return errors.New("nothing tells the time of a plugin")
}
