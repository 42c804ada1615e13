package wire

import (
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	pb "github.com/mlhost/mlhost/shared/proto/mlhost/plugin/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// unpackDepth is how deeply values may be nested that are read without the
// generated messages.
const unpackDepth = 100

// unpackFrame reads a frame. Where pack is set, values stay packed: they are
// looked through, so that they can be passed on to others.
func unpackFrame(raw []byte, pack bool) (Frame, error) {
	if f, ok := unpackPlain(string(raw), pack); ok {
		return f, nil
	}
	m := new(pb.Frame)
	if err := proto.Unmarshal(raw, m); err != nil {
		return Frame{}, fmt.Errorf("read frame: %w", err)
	}
	return frameFromProto(m), nil
}

// unpackPlain reads a frame of the kinds that come often, as any peer writes
// them; not ok is everything else, be it unusual or wrong.
func unpackPlain(raw string, pack bool) (f Frame, ok bool) {
	r := reader{left: raw}
	for r.next() {
		if r.field != frameEpoch && f.Body != nil {
			return f, false
		}
		switch r.field {
		case frameEpoch:
			f.Epoch = r.number()
		case frameCall:
			c, ok := unpackCall(r.bytes(), pack)
			if f.Body = c; !ok {
				return f, false
			}
		case frameDeliver:
			d, ok := unpackDeliver(r.bytes(), pack)
			if f.Body = d; !ok {
				return f, false
			}
		case frameReply:
			a, ok := unpackReply(r.bytes(), pack)
			if f.Body = a; !ok {
				return f, false
			}
		default:
			return f, false
		}
	}
	return f, !r.bad && f.Body != nil
}

func unpackCall(raw string, pack bool) (c Call, ok bool) {
	r := reader{left: raw}
	for r.next() {
		switch r.field {
		case callID:
			c.ID = r.text()
		case callKind:
			c.Kind = script.MessageKind(r.text())
		case callTo:
			c.To = r.text()
		case callTopic:
			c.Topic = r.text()
		case callData:
			c.packed, c.Data = r.payload(pack)
		case callTimeout:
			c.Timeout = time.Duration(r.number())
		default:
			return c, false
		}
	}
	return c, !r.bad
}

func unpackDeliver(raw string, pack bool) (d Deliver, ok bool) {
	r := reader{left: raw}
	for r.next() {
		switch r.field {
		case deliverID:
			d.ID = r.text()
		case deliverKind:
			d.Kind = script.MessageKind(r.text())
		case deliverSource:
			d.Source = r.text()
		case deliverTopic:
			d.Topic = r.text()
		case deliverData:
			d.packed, d.Data = r.payload(pack)
		case deliverTime:
			d.Time = fromNanos(int64(r.number()))
		case deliverExpiry:
			d.Timeout = time.Duration(r.number())
		default:
			return d, false
		}
	}
	return d, !r.bad
}

func unpackReply(raw string, pack bool) (a Reply, ok bool) {
	r := reader{left: raw}
	for r.next() {
		switch r.field {
		case replyID:
			a.ID = r.text()
		case replyValue:
			a.packed, a.Value = r.payload(pack)
		default:
			return a, false
		}
	}
	return a, !r.bad
}

// unpackValue reads a value, or where build is not set only looks through it.
func unpackValue(raw string, build bool, depth int) (v script.Value, ok bool) {
	if raw == "" {
		return script.Null(), true
	}
	if depth > unpackDepth {
		return v, false
	}
	r := reader{left: raw}
	if !r.next() {
		return v, false
	}
	switch r.field {
	case valueNull:
		r.number()
	case valueBool:
		v = script.Bool(r.number() != 0)
	case valueInt:
		v = script.Int(protowire.DecodeZigZag(r.number()))
	case valueFloat:
		v = script.Float(math.Float64frombits(r.fixed()))
	case valueString:
		v = script.String(r.text())
	case valueBytes:
		if s := r.bytes(); build {
			v = script.Bytes([]byte(s))
		}
	case valueList:
		v, ok = unpackList(r.bytes(), build, depth)
		r.bad = r.bad || !ok
	case valueMap:
		v, ok = unpackMap(r.bytes(), build, depth)
		r.bad = r.bad || !ok
	default:
		return v, false
	}
	return v, !r.bad && r.left == "" // one of them, once
}

func unpackList(raw string, build bool, depth int) (script.Value, bool) {
	var list []script.Value
	r := reader{left: raw}
	for r.next() {
		if r.field != listValues {
			return script.Null(), false
		}
		v, ok := unpackValue(r.bytes(), build, depth+1)
		if !ok {
			return v, false
		}
		if build {
			list = append(list, v)
		}
	}
	return script.List(list...), !r.bad
}

func unpackMap(raw string, build bool, depth int) (script.Value, bool) {
	var table map[string]script.Value
	r := reader{left: raw}
	for r.next() {
		if r.field != mapValues {
			return script.Null(), false
		}
		entry := reader{left: r.bytes()}
		name, v, valued := "", script.Null(), false
		for entry.next() {
			switch entry.field {
			case entryKey:
				name = entry.text()
			case entryValue:
				var ok bool
				if v, ok = unpackValue(entry.bytes(), build, depth+1); !ok || valued {
					return v, false
				}
				valued = true
			default:
				return v, false
			}
		}
		if entry.bad {
			return v, false
		}
		if build {
			if table == nil {
				table = make(map[string]script.Value)
			}
			table[name] = v
		}
	}
	return script.Map(table), !r.bad
}

// reader takes the fields off the front of a message. It goes bad at what is
// not well formed, or of another type than asked for.
type reader struct {
	left  string
	field protowire.Number
	kind  protowire.Type
	paid  bool // there was a payload
	bad   bool
}

// next reads the tag of the next field.
func (r *reader) next() bool {
	if r.left == "" || r.bad {
		return false
	}
	tag := r.varint()
	r.bad = r.bad || tag > math.MaxUint32
	r.field, r.kind = protowire.Number(tag>>3), protowire.Type(tag&7)
	return !r.bad
}

func (r *reader) varint() uint64 {
	var n uint64
	for i := range min(len(r.left), 10) {
		b := r.left[i]
		if n |= uint64(b&0x7f) << (7 * i); b < 0x80 {
			if i == 9 && b > 1 {
				break
			}
			r.left = r.left[i+1:]
			return n
		}
	}
	r.bad = true
	return 0
}

// number reads a field that holds a number.
func (r *reader) number() uint64 {
	if r.kind != protowire.VarintType {
		r.bad = true
		return 0
	}
	return r.varint()
}

func (r *reader) fixed() uint64 {
	if r.kind != protowire.Fixed64Type || len(r.left) < 8 {
		r.bad = true
		return 0
	}
	var n uint64
	for i := range 8 {
		n |= uint64(r.left[i]) << (8 * i)
	}
	r.left = r.left[8:]
	return n
}

// bytes reads a field that holds bytes, or a message.
func (r *reader) bytes() string {
	if r.kind != protowire.BytesType {
		r.bad = true
		return ""
	}
	n := r.varint()
	if r.bad || n > uint64(len(r.left)) {
		r.bad = true
		return ""
	}
	s := r.left[:n]
	r.left = r.left[n:]
	return s
}

func (r *reader) text() string {
	s := r.bytes()
	r.bad = r.bad || !utf8.ValidString(s)
	return s
}

// payload reads a field that holds a value, which is there once.
func (r *reader) payload(pack bool) (packed string, v script.Value) {
	raw := r.bytes()
	v, ok := unpackValue(raw, !pack, 0)
	r.bad = r.bad || !ok || r.paid
	r.paid = true
	if pack {
		return raw, script.Null()
	}
	return "", v
}
