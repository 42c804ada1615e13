package wire

import (
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	pb "github.com/mlhost/mlhost/shared/proto/mlhost/plugin/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// packed is the frame as a message of the stream, read by the generated code.
func packed(t *testing.T, f Frame) (raw []byte, m *pb.Frame) {
	t.Helper()
	message, err := appendFrame(nil, f)
	if err != nil {
		t.Fatalf("pack %+v: %v", f, err)
	}
	var list pb.LinkRequest
	if err := proto.Unmarshal(message, &list); err != nil || len(list.GetFrames()) != 1 {
		t.Fatalf("%+v is packed as %x: %v", f, message, err)
	}
	_, _, n := protowire.ConsumeTag(message)
	raw, _ = protowire.ConsumeBytes(message[n:])
	return raw, list.GetFrames()[0]
}

// unpacked reads a frame, and once more as one who passes it on.
func unpacked(t *testing.T, raw []byte) (Frame, error) {
	t.Helper()
	f, err := unpackFrame(raw, false)
	kept, kerr := unpackFrame(raw, true)
	if (err == nil) != (kerr == nil) {
		t.Fatalf("%x is read with %v, and passed on with %v", raw, err, kerr)
	}
	if err != nil {
		return f, err
	}
	_, again := packed(t, kept)
	checkSame(t, f, frameFromProto(again))
	switch body := kept.Body.(type) {
	case Call:
		body.Data, body.packed = body.Payload(), ""
		kept.Body = body
	case Deliver:
		body.Data, body.packed = payload(body.packed, body.Data), ""
		kept.Body = body
	case Reply:
		body.Value, body.packed = body.Payload(), ""
		kept.Body = body
	}
	checkSame(t, f, kept)
	return f, nil
}

// packRoundTrip compares frames that are written and read by hand with what
// the generated messages make of them.
func packRoundTrip(t *testing.T, data []byte) {
	t.Helper()
	f := (&source{data: data}).frame()
	raw, m := packed(t, f)
	checkSame(t, f, frameFromProto(m))
	got, err := unpacked(t, raw)
	if err != nil {
		t.Fatal(err)
	}
	checkSame(t, f, got)
}

func FuzzPack(f *testing.F) {
	seed(f, 3, 300, 10)
	f.Fuzz(packRoundTrip)
}

// foreignFrame reads bytes as the generated code does: the same, or an error
// like it.
func foreignFrame(t *testing.T, raw []byte) {
	t.Helper()
	m := new(pb.Frame)
	want := proto.Unmarshal(raw, m)
	got, err := unpacked(t, raw)
	if (err == nil) != (want == nil) {
		t.Fatalf("%x is read with %v, by the generated code with %v", raw, err, want)
	}
	if err == nil {
		checkSame(t, frameFromProto(m), got)
	}
}

func FuzzForeignFrame(f *testing.F) {
	for _, raw := range oddFrames() {
		f.Add(raw)
	}
	f.Fuzz(foreignFrame)
}

// oddFrames are frames that no peer of ours writes, and their beginnings and
// changes of one byte.
func oddFrames() (all [][]byte) {
	msg := func(field protowire.Number, parts ...[]byte) []byte {
		var in []byte
		for _, p := range parts {
			in = append(in, p...)
		}
		return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), in)
	}
	num := func(field protowire.Number, n uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.VarintType), n)
	}
	one := msg(5, num(3, 2)) // data of a call: the number 1
	for _, f := range []Frame{
		{Epoch: 3, Body: Call{ID: "c1", Kind: script.Ask, To: "b", Topic: "t", Timeout: time.Second, Data: script.Map(map[string]script.Value{
			"x": script.List(script.Int(-7), script.Float(math.Inf(1)), script.Null()), "": script.Bytes([]byte{0, 255}),
		})}},
		{Body: Deliver{ID: "m", Kind: script.Tell, Source: "a", Topic: "t", Data: script.Bool(true), Time: time.Unix(7, 8), Timeout: 9}},
		{Body: Reply{ID: "m", Value: script.String("yes")}},
	} {
		raw, _ := appendFrame(nil, f)
		_, _, n := protowire.ConsumeTag(raw)
		raw, _ = protowire.ConsumeBytes(raw[n:])
		all = append(all, raw)
		for i := range raw {
			all = append(all, raw[:i])
			for _, bit := range []byte{1, 2, 4, 8, 64, 128} {
				changed := append([]byte(nil), raw...)
				changed[i] ^= bit
				all = append(all, changed)
			}
		}
	}
	deep := num(3, 2)
	for range 2 * unpackDepth {
		deep = msg(7, msg(1, deep))
	}
	return append(all,
		nil, num(1, 5), msg(2, one, one), msg(2, msg(5, num(3, 2), num(2, 1))), append(msg(2, one), msg(4)...),
		msg(2, msg(1, []byte("\xff"))), msg(2, msg(5, msg(5, []byte("\xff")))), msg(2, msg(5, msg(8, msg(1, msg(2, num(3, 2)), msg(2, num(3, 4)))))),
		msg(2, msg(5, msg(8, msg(1)))), msg(2, msg(5, num(9, 1))), msg(2, msg(5, deep)), msg(2, num(6, math.MaxUint64)),
		msg(2, num(5, 1)), msg(9, one), msg(2, msg(5)), msg(5, msg(1, []byte("c1"))), msg(6, msg(1, []byte("a")), msg(1, []byte("b"))),
		protowire.AppendVarint(nil, 1<<35|2<<3|2), []byte{0x12, 0x80}, []byte{0x12, 0x82, 0x80, 0x00, 0x0a, 0x00},
	)
}

func TestOddFrames(t *testing.T) {
	for _, raw := range oddFrames() {
		foreignFrame(t, raw)
	}
}

// Bad text is repaired in frames too, and values are as deep as anybody likes.
func TestPackUnusualValues(t *testing.T) {
	deep := script.String("x")
	for range 5 * packDepth {
		deep = script.List(script.Map(map[string]script.Value{"in": deep}))
	}
	long := script.String(strings.Repeat("long ", 10_000))
	for _, v := range []script.Value{deep, long, script.List(long, long), script.List(), script.Map(nil)} {
		for _, body := range []FrameBody{Call{ID: "c", Data: v}, Deliver{ID: "d", Data: v}, Deliver{ID: "d", Data: v}.Shared(), Reply{ID: "r", Value: v}} {
			raw, m := packed(t, Frame{Epoch: 7, Body: body})
			got, err := unpacked(t, raw)
			if err != nil {
				t.Fatal(err)
			}
			checkSame(t, frameFromProto(m), got)
			checkSame(t, frameFromProto(throughWire(t, frameToProto(Frame{Epoch: 7, Body: body}), new(pb.Frame))), got)
		}
	}
	raw, _ := packed(t, Frame{Body: Call{ID: "caf\xe9", Data: script.Map(map[string]script.Value{"\xff": script.String("\xfe")})}})
	got, err := unpacked(t, raw)
	if err != nil {
		t.Fatal(err)
	}
	checkSame(t, Frame{Body: Call{ID: "caf\uFFFD", Data: script.Map(map[string]script.Value{"\uFFFD": script.String("\uFFFD")})}}, got)
}

// What is encoded once for many receivers is what each would get alone, and
// what is passed on as it came is too.
func TestSharedEncoding(t *testing.T) {
	data := script.List(script.Int(1), script.String("\xff"))
	d := Deliver{ID: "m1", Kind: script.Broadcast, Source: "a", Topic: "news", Data: data, Time: time.Unix(7, 8)}
	raw, _ := packed(t, Frame{Body: Call{Data: data}})
	came, err := unpackFrame(raw, true)
	if err != nil {
		t.Fatal(err)
	}
	call, _ := came.Body.(Call)
	if !call.Data.IsNull() {
		t.Errorf("the data were unpacked: %s", call.Data)
	}
	d.Data = script.Null()
	for _, shared := range []Deliver{d.Carrying(Call{Data: data}).Shared(), d.Carrying(call).Shared(), d.Carrying(call)} {
		for epoch := range uint64(3) {
			_, alone := packed(t, Frame{Epoch: epoch, Body: d.Carrying(Call{Data: data})})
			_, m := packed(t, Frame{Epoch: epoch, Body: shared})
			checkSame(t, frameFromProto(alone), frameFromProto(m))
		}
	}
}

func BenchmarkFrame(b *testing.B) {
	f := Frame{Epoch: 1, Body: Call{ID: "c1", Kind: script.Ask, To: "pong", Topic: "ping", Data: script.Map(map[string]script.Value{"n": script.Int(7)})}}
	for _, pack := range []bool{false, true} {
		b.Run(map[bool]string{false: "whole", true: "packed"}[pack], func(b *testing.B) {
			b.ReportAllocs()
			var raw []byte
			for b.Loop() {
				raw, _ = appendFrame(raw[:0], f)
				if _, err := unpackFrame(raw[2:], pack); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("generated", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			raw, _ := proto.Marshal(frameToProto(f))
			m := new(pb.Frame)
			if err := proto.Unmarshal(raw, m); err != nil {
				b.Fatal(err)
			}
			frameFromProto(m)
		}
	})
}
