package supervisor

import (
	"crypto/rand"
	"time"
)

// idLetters is base 32 without i, l, o and u, which are misread; it is in
// ASCII order, so that ids order as their numbers do.
const idLetters = "0123456789abcdefghjkmnpqrstvwxyz"

// NewRunID returns ten letters: six of seconds (they repeat after 34 years),
// so that ids sort by start and a prefix of the newest is short, and four that
// are random.
func NewRunID(now time.Time) string {
	var random [4]byte
	_, _ = rand.Read(random[:]) // never fails
	id := make([]byte, 10)
	seconds := uint64(now.Unix())
	for i := 5; i >= 0; i-- {
		id[i] = idLetters[seconds%32]
		seconds /= 32
	}
	for i, b := range random {
		id[6+i] = idLetters[b%32]
	}
	return string(id)
}
