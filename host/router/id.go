package router

import (
	"encoding/base32"
	"encoding/binary"
	"math/rand/v2"
	"time"
)

// ids are written with the digits of base32hex, which sort.
var ids = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// NewID makes an id for a message: it sorts by time and is unlike any other. It
// is no secret.
func NewID() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(time.Now().UnixNano()))
	binary.BigEndian.PutUint64(b[8:], rand.Uint64()) //nolint:gosec // no secret
	var text [24]byte
	ids.Encode(text[:], b[:15])
	return string(text[:])
}
