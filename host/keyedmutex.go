package host

import "sync"

// keyedMutex is a mutex per key. Keys are few (scripts) and never forgotten.
type keyedMutex struct {
	mu    *sync.Mutex // guards locks
	locks map[string]*sync.Mutex
}

func newKeyedMutex() keyedMutex {
	return keyedMutex{mu: &sync.Mutex{}, locks: map[string]*sync.Mutex{}}
}

// lock locks the key and returns what unlocks it.
func (k keyedMutex) lock(key string) (unlock func()) {
	k.mu.Lock()
	m := k.locks[key]
	if m == nil {
		m = &sync.Mutex{}
		k.locks[key] = m
	}
	k.mu.Unlock()
	m.Lock()
	return m.Unlock
}
