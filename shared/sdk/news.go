package sdk

import (
	"sync"

	"github.com/mlhost/mlhost/shared/wire"
)

// maxNews is how many broadcasts wait to be handled, and maxNewsSize how many
// bytes of them, about; more are dropped.
const (
	maxNews     = 1 << 16
	maxNewsSize = 64 << 20
)

// news is a broadcast that waits to be handled.
type news struct {
	line  *line
	epoch uint64
	d     wire.Deliver
}

// newspaper holds the broadcasts that wait to be handled, in their order.
type newspaper struct {
	lost func(n uint64) // reports broadcasts that were dropped
	once sync.Once      // starts the goroutine that handles them
	bell chan struct{}  // size 1: there is something to read

	mu    sync.Mutex // guards what follows
	queue []news
	size  int
	drops uint64 // dropped and not reported yet
	busy  bool   // some are in hand
}

// broadcast puts a broadcast that nobody waits for behind those before it.
func (b *switchboard) broadcast(n news) {
	b.news.once.Do(func() { go b.readNews() })
	size := 200 + valueSize(n.d.Data)
	b.news.mu.Lock()
	if len(b.news.queue) >= maxNews || b.news.size+size > maxNewsSize && len(b.news.queue) > 0 {
		b.news.drops++
		b.news.mu.Unlock()
		return
	}
	b.news.queue = append(b.news.queue, n)
	b.news.size += size
	b.news.mu.Unlock()
	select {
	case b.news.bell <- struct{}{}:
	default:
	}
}

// readNews handles broadcasts in their order until the run ends.
func (b *switchboard) readNews() {
	var spare []news
	for {
		select {
		case <-b.news.bell:
		case <-b.ctx.Done():
			return
		}
		b.news.mu.Lock()
		hand, drops := b.news.queue, b.news.drops
		b.news.queue, b.news.size, b.news.drops, b.news.busy = spare, 0, 0, true
		b.news.mu.Unlock()
		if drops > 0 {
			b.news.lost(drops)
		}
		for _, n := range hand {
			if b.ctx.Err() != nil {
				return
			}
			if _, err := b.handle(b.ctx, n.d); err != nil {
				b.reply(n.line, n.epoch, wire.Reply{ID: n.d.ID, Err: handlerError(err)})
			}
		}
		clear(hand)
		if spare = hand[:0]; cap(spare) > 1024 {
			spare = nil
		}
		b.news.mu.Lock()
		b.news.busy = false
		b.news.mu.Unlock()
	}
}

// unread reports whether broadcasts wait or are in hand.
func (n *newspaper) unread() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.busy || len(n.queue) > 0
}
