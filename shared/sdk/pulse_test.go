package sdk

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// The pulse is the number of the newest event; a host that lets go of it gets
// a heartbeat with the events at once.
func TestPulse(t *testing.T) {
	r, _ := begun(t)
	r.emit(script.Stepped{Step: 1})
	dir := t.TempDir()
	defer r.servePulse(dir)()
	beats, ended := make(chan struct{}, 100), make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		ended <- r.serve(ctx, 1, func(events []script.Event) error {
			for range events {
				beats <- struct{}{}
			}
			return nil
		})
	}()
	defer func() { cancel(); <-ended }()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(dir, wire.PulseFile))
	if err != nil {
		t.Fatal(err)
	}
	number := make([]byte, wire.PulseSize)
	if _, err := io.ReadFull(conn, number); err != nil || binary.BigEndian.Uint64(number) != 1 {
		t.Errorf("the pulse is %v: %v", number, err)
	}
	<-beats
	<-beats
	for range 2 { // none comes in the second between
		if _, err := io.ReadFull(conn, number); err != nil {
			t.Fatal(err)
		}
	}
	if len(beats) > 0 {
		t.Error("a heartbeat beside the pulse")
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	<-beats
}

func TestBeats(t *testing.T) {
	at := time.Now()
	b := beats{count: 1, last: at}
	for _, s := range []struct {
		after time.Duration
		felt  bool
		want  bool
	}{
		{time.Second, true, true}, // the second
		{2 * time.Second, true, false},
		{3 * time.Second, true, false},
		{4 * time.Second, false, true},
		{5 * time.Second, true, false},
		{4*time.Second + slowBeat, true, true},
	} {
		if got := len(b.next(at.Add(s.after), s.felt)) > 0; got != s.want {
			t.Errorf("after %s, felt %v: heartbeat %v", s.after, s.felt, got)
		}
	}
	if len(b.unfelt(true)) > 0 {
		t.Error("a heartbeat beside the pulse")
	}
	if len(b.unfelt(false)) == 0 {
		t.Error("no heartbeat when the pulse is let go of")
	}
	if len(b.unfelt(false)) > 0 {
		t.Error("it is sent twice")
	}
}
