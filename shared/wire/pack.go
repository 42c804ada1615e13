package wire

import (
	"math"
	"sync"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	pb "github.com/mlhost/mlhost/shared/proto/mlhost/plugin/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// Frames of the kinds that come thousands of times a second are written as
// bytes straight from the vocabulary, and read straight into it (see unpack.go):
// to make the generated messages first costs more than all the rest of a
// message's way through a process. The bytes are those of the generated
// messages, to which everything unusual is left.

// Numbers of the fields, as in plugin.proto.
const (
	linkFrames = 1 // of LinkRequest and LinkResponse

	frameEpoch, frameCall, frameDeliver, frameReply = 1, 2, 3, 4

	callID, callKind, callTo, callTopic, callData, callTimeout                                   = 1, 2, 3, 4, 5, 6
	deliverID, deliverKind, deliverSource, deliverTopic, deliverData, deliverTime, deliverExpiry = 1, 2, 3, 4, 5, 6, 7
	replyID, replyValue                                                                          = 1, 2

	valueNull, valueBool, valueInt, valueFloat, valueString, valueBytes, valueList, valueMap = 1, 2, 3, 4, 5, 6, 7, 8

	listValues, mapValues, entryKey, entryValue = 1, 1, 1, 2
)

// packDepth is how deeply values may be nested that are written without the
// generated messages.
const packDepth = 32

// packer appends messages to b.
type packer struct {
	b    []byte
	deep bool // something is nested too deeply; b is of no use
}

// appendFrame appends a frame to the message of a link that b is.
func appendFrame(b []byte, f Frame) ([]byte, error) {
	begin := len(b)
	p := packer{b: b}
	inner := p.open(linkFrames)
	if f.Epoch != 0 {
		p.number(frameEpoch, f.Epoch)
	}
	switch body := f.Body.(type) {
	case Call:
		p.call(body)
	case Deliver:
		if raw := body.shared.of(body); raw != nil {
			p.b = append(p.b, raw...)
			break
		}
		p.deliver(body)
	case Reply:
		if body.Err == nil && len(body.Recipients) == 0 {
			p.reply(body)
			break
		}
		p.deep = true
	default:
		p.deep = true
	}
	if !p.deep {
		p.close(inner)
		return p.b, nil
	}
	raw, err := proto.Marshal(frameToProto(f))
	if err != nil {
		return b, err
	}
	b = protowire.AppendTag(p.b[:begin], linkFrames, protowire.BytesType)
	return protowire.AppendBytes(b, raw), nil
}

// open begins a message in a field; close ends it.
func (p *packer) open(field protowire.Number) (inner int) {
	p.b = append(protowire.AppendTag(p.b, field, protowire.BytesType), 0)
	return len(p.b)
}

func (p *packer) close(inner int) {
	n := len(p.b) - inner
	if n < 0x80 {
		p.b[inner-1] = byte(n)
		return
	}
	more := protowire.SizeVarint(uint64(n)) - 1
	p.b = append(p.b, make([]byte, more)...)
	copy(p.b[inner+more:], p.b[inner:inner+n])
	protowire.AppendVarint(p.b[:inner-1], uint64(n)) // in its place
}

func (p *packer) number(field protowire.Number, n uint64) {
	p.b = protowire.AppendVarint(protowire.AppendTag(p.b, field, protowire.VarintType), n)
}

// text leaves empty text away, but in a oneof.
func (p *packer) text(field protowire.Number, s string) {
	if s != "" {
		p.string(field, s)
	}
}

func (p *packer) string(field protowire.Number, s string) {
	if !utf8.ValidString(s) {
		s = valid(s)
	}
	p.b = protowire.AppendString(protowire.AppendTag(p.b, field, protowire.BytesType), s)
}

func (p *packer) call(c Call) {
	inner := p.open(frameCall)
	p.text(callID, c.ID)
	p.text(callKind, string(c.Kind))
	p.text(callTo, c.To)
	p.text(callTopic, c.Topic)
	p.payload(callData, c.packed, c.Data)
	if c.Timeout != 0 {
		p.number(callTimeout, uint64(c.Timeout))
	}
	p.close(inner)
}

func (p *packer) deliver(d Deliver) {
	inner := p.open(frameDeliver)
	p.text(deliverID, d.ID)
	p.text(deliverKind, string(d.Kind))
	p.text(deliverSource, d.Source)
	p.text(deliverTopic, d.Topic)
	p.payload(deliverData, d.packed, d.Data)
	if n := nanos(d.Time); n != 0 {
		p.number(deliverTime, uint64(n))
	}
	if d.Timeout != 0 {
		p.number(deliverExpiry, uint64(d.Timeout))
	}
	p.close(inner)
}

func (p *packer) reply(r Reply) {
	inner := p.open(frameReply)
	p.text(replyID, r.ID)
	p.payload(replyValue, r.packed, r.Value)
	p.close(inner)
}

// payload appends a value, or what it was packed into before.
func (p *packer) payload(field protowire.Number, packed string, v script.Value) {
	if packed != "" {
		p.b = protowire.AppendString(protowire.AppendTag(p.b, field, protowire.BytesType), packed)
		return
	}
	p.value(field, v, packDepth)
}

func (p *packer) value(field protowire.Number, v script.Value, depth int) {
	if depth == 0 || p.deep {
		p.deep = true
		return
	}
	inner := p.open(field)
	switch v.Kind() {
	case script.KindBool:
		b, _ := v.Bool()
		p.number(valueBool, protowire.EncodeBool(b))
	case script.KindInt:
		i, _ := v.Int()
		p.number(valueInt, protowire.EncodeZigZag(i))
	case script.KindFloat:
		f, _ := v.Float()
		p.b = protowire.AppendFixed64(protowire.AppendTag(p.b, valueFloat, protowire.Fixed64Type), math.Float64bits(f))
	case script.KindString:
		s, _ := v.Text()
		p.string(valueString, s)
	case script.KindBytes:
		raw, _ := v.Bytes()
		p.b = protowire.AppendBytes(protowire.AppendTag(p.b, valueBytes, protowire.BytesType), raw)
	case script.KindList:
		list, _ := v.List()
		in := p.open(valueList)
		for _, e := range list {
			p.value(listValues, e, depth-1)
		}
		p.close(in)
	case script.KindMap:
		table, _ := v.Map()
		in := p.open(valueMap)
		for name, e := range table {
			entry := p.open(mapValues)
			p.string(entryKey, name)
			p.value(entryValue, e, depth-1)
			p.close(entry)
		}
		p.close(in)
	default:
		p.number(valueNull, 1)
	}
	p.close(inner)
}

// encoded is the encoding of a frame's body, made once.
type encoded struct {
	once sync.Once
	raw  []byte // with the field's tag; nil: it could not be made
}

// of returns the encoding of d, nil where it is made for each receiver.
func (e *encoded) of(d Deliver) []byte {
	if e == nil {
		return nil
	}
	e.once.Do(func() {
		p := packer{b: make([]byte, 0, 128+len(d.packed))}
		if p.deliver(d); !p.deep {
			e.raw = p.b
		} else if raw, err := proto.Marshal(&pb.Frame{Body: deliverToProto(d)}); err == nil {
			e.raw = raw
		}
	})
	return e.raw
}

// payload is the value of a message, unpacked where it is packed.
func payload(packed string, v script.Value) script.Value {
	if packed == "" {
		return v
	}
	v, _ = unpackValue(packed, true, 0) // it was looked through when it came
	return v
}
