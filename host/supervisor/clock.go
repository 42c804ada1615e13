package supervisor

import "time"

// Clock is where the supervisor gets its time from. Tests put another one in.
type Clock interface {
	Now() time.Time
	// After returns a channel that gets the time once d has passed, and a
	// function that gives the timer back early.
	After(d time.Duration) (c <-chan time.Time, stop func())
}

// realClock is the machine's clock. Its differences are monotonic.
type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}
