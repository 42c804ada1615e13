package supervisor

import (
	"encoding/binary"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/mlhost/mlhost/shared/wire"
)

// A pulse shows that a process lives as long as it tells of nothing that does
// not come, and is let go of before its silence counts as stuck.
func TestPulse(t *testing.T) {
	clock := newHandClock(func(time.Duration) bool { return false })
	r := newRig(t, Options{Clock: clock}, testPlugin("trainer", "waits"))
	p := newProcess(r.units["trainer"])
	p.dir = t.TempDir()
	p.seen.reach(7)
	p.child = &child{addr: "unix:" + filepath.Join(p.dir, "plugin1")}
	p.feel() // there is none
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(p.dir, wire.PulseFile))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	clock.advance(pulseAgain * time.Second)
	p.status.hear()
	p.feel()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	say := func(numbers ...uint64) {
		t.Helper()
		var text []byte
		for _, n := range numbers {
			text = binary.BigEndian.AppendUint64(text, n)
		}
		if _, err := conn.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	hears := func(what string, want time.Duration) {
		t.Helper()
		clock.advance(time.Second)
		p.feel()
		if got := p.status.silence(); got != want {
			t.Errorf("%s: a silence of %s, want %s", what, got, want)
		}
	}
	say(7)
	hears("the newest event", 0)
	many := make([]uint64, 1000)
	many[len(many)-1] = 7
	say(many...)
	hears("what came while nobody looked", 0)
	if _, err := conn.Write(make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	hears("a part", time.Second)
	if _, err := conn.Write([]byte{0, 0, 0, 0, 7}); err != nil {
		t.Fatal(err)
	}
	hears("the rest", 0)
	say(8)
	hears("an event that does not come", time.Second)
	say(8)
	hears("that event again", 2*time.Second)
	if _, err := conn.Read(make([]byte, 1)); err == nil || p.pulse.fd >= 0 {
		t.Error("the pulse is still felt")
	}
}
