package sdk

import (
	"encoding/binary"
	"io"
	"net"
	"path/filepath"
	"testing"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// One socket is for callers and for those who feel the pulse; who says nothing
// keeps nobody out.
func TestDoor(t *testing.T) {
	r, _ := begun(t)
	r.emit(script.Stepped{Step: 1})
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	d := newDoor(l, r.beat)
	dial := func(say string) net.Conn {
		t.Helper()
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "unix", l.Addr().String())
		if err == nil && say != "" {
			_, err = io.WriteString(conn, say)
		}
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	dumb, felt, caller := dial(""), dial("\x00"), dial("PRI")
	number := make([]byte, wire.PulseSize)
	if _, err := io.ReadFull(felt, number); err != nil || binary.BigEndian.Uint64(number) != 1 {
		t.Errorf("the pulse is %v: %v", number, err)
	}
	conn, err := d.Accept()
	if err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 3)
	if _, err := io.ReadFull(conn, said); err != nil || string(said) != "PRI" {
		t.Errorf("the caller said %q: %v", said, err)
	}
	for _, c := range []net.Conn{dumb, felt, caller, conn} {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if _, err := d.Accept(); err == nil {
		t.Error("a closed door lets somebody in")
	}
}
