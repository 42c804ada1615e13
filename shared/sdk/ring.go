package sdk

import "github.com/mlhost/mlhost/shared/script"

// What a ring keeps of what was sent already. Both bounds are above what can
// be under way to a host that has not yet written it down.
const (
	ringEvents   = 4096
	ringMinBytes = 1 << 20
	ringMaxBytes = 8 << 20
	// underWay is more than the streams' windows and buffers hold: events this
	// far behind the newest one sent have been written down by the host.
	underWay = 1 << 20
)

// ring holds the newest events, with consecutive numbers.
type ring struct {
	entries []entry
	bytes   int
}

type entry struct {
	event script.Event
	size  int
}

func (r *ring) push(e script.Event) int {
	size := sizeOf(e.Body)
	r.entries = append(r.entries, entry{event: e, size: size})
	r.bytes += size
	return size
}

// drop forgets the oldest event and returns its size.
func (r *ring) drop() int {
	size := r.entries[0].size
	r.bytes -= size
	r.entries[0] = entry{} // the event may be large
	r.entries = r.entries[1:]
	return size
}

// full reports whether the ring is over its bounds.
func (r *ring) full() bool {
	n := len(r.entries)
	return n > 1 && (r.bytes > ringMaxBytes || (n > ringEvents && r.bytes > ringMinBytes))
}

// oldest returns the number of the first event that is here, or one more than
// newest where there is none.
func (r *ring) oldest(newest uint64) uint64 {
	if len(r.entries) == 0 {
		return newest + 1
	}
	return r.entries[0].event.Seq
}

// after returns the entries with numbers above seq.
func (r *ring) after(seq uint64) []entry {
	if len(r.entries) == 0 {
		return nil
	}
	first := r.entries[0].event.Seq
	if seq < first {
		return r.entries
	}
	return r.entries[min(seq-first+1, uint64(len(r.entries))):]
}

// sizeOf estimates how many bytes a body takes, in memory and on the wire; a
// little too much for small ones.
func sizeOf(body script.Body) int {
	const base = 64
	switch b := body.(type) {
	case script.Samples:
		size := base
		for i := range b.Samples {
			size += 24
			switch b.Samples[i].Value.Kind() {
			case script.KindNull, script.KindBool, script.KindInt, script.KindFloat:
			default:
				size += valueSize(b.Samples[i].Value)
			}
		}
		return size
	case script.LogLine:
		return base + len(b.Text)
	case script.ResultSet:
		return base + len(b.Name) + valueSize(b.Value)
	case script.Notified:
		return base + len(b.Event) + valueSize(b.Data)
	case script.Warned:
		return base + len(b.Text)
	case script.ParametersChanged:
		size := base
		for _, c := range b.Changes {
			size += base + valueSize(c.Old) + valueSize(c.New)
		}
		return size
	case script.ParametersObserved:
		return base + valueSize(b.Value)
	case script.Recorded:
		size := base
		for name, v := range b.Record {
			size += len(name) + valueSize(v)
		}
		for name, text := range b.Texts {
			size += len(name) + len(text)
		}
		return size
	case script.ArtifactWritten:
		return base + len(b.Path) + len(b.SHA256)
	case script.Described:
		return base + 512*(len(b.Description.Parameters)+len(b.Description.Variables)+1)
	}
	return base
}

func valueSize(v script.Value) int {
	size := 16
	if s, ok := v.Text(); ok {
		return size + len(s)
	}
	if v.Kind() == script.KindBytes {
		b, _ := v.Bytes()
		return size + len(b)
	}
	if list, ok := v.List(); ok {
		for _, e := range list {
			size += valueSize(e)
		}
	}
	if table, ok := v.Map(); ok {
		for name, e := range table {
			size += len(name) + valueSize(e)
		}
	}
	return size
}

// droppable reports whether an event may be left out when there is no place
// for it.
func droppable(body script.Body) bool {
	switch body.(type) {
	case script.Samples, script.LogLine, script.Progress, script.Stepped, script.ParametersObserved, script.Heartbeat:
		return true
	}
	return false
}

// weight is what dropping an event counts in a Gap.
func weight(body script.Body) uint64 {
	if s, ok := body.(script.Samples); ok {
		return uint64(len(s.Samples))
	}
	return 1
}
