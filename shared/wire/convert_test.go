package wire

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/proto"

	pb "github.com/mlhost/mlhost/shared/proto/mlhost/plugin/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// throughWire encodes and decodes a message, as a connection does.
func throughWire[M proto.Message](t *testing.T, in, out M) M {
	t.Helper()
	data, err := proto.Marshal(in)
	if err != nil {
		t.Fatalf("marshal: %v", err)
	}
	if err := proto.Unmarshal(data, out); err != nil {
		t.Fatalf("unmarshal: %v", err)
	}
	return out
}

func checkSame[T any](t *testing.T, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.IgnoreUnexported(Call{}, Deliver{}, Reply{})); diff != "" {
		t.Errorf("round trip of %T (-want +got):\n%s", want, diff)
	}
}

// roundTrip sends everything that the vocabulary has over and back.
func roundTrip(t *testing.T, data []byte) {
	t.Helper()
	s := &source{data: data}
	v := s.any()
	checkSame(t, v, valueFromProto(throughWire(t, valueToProto(v), &pb.Value{})))
	e := s.event()
	checkSame(t, e, eventFromProto(throughWire(t, eventToProto(e), &pb.Event{})))
	f := s.frame()
	checkSame(t, f, frameFromProto(throughWire(t, frameToProto(f), &pb.Frame{})))
	d := s.description()
	checkSame(t, d, descriptionFromProto(throughWire(t, descriptionToProto(d), &pb.Description{})))
	b := s.batch()
	checkSame(t, b, batchFromProto(throughWire(t, batchToProto(b), &pb.Batch{})))
	r := s.batchReply()
	checkSame(t, r, batchReplyFromProto(throughWire(t, batchReplyToProto(r), &pb.BatchReply{})))
	st := s.start()
	checkSame(t, st, startFromProto(throughWire(t, startToProto(st), &pb.StartRequest{})))
	id := s.identity()
	checkSame(t, id, identityFromProto(throughWire(t, identityToProto(id), &pb.IdentifyResponse{})))
	if err := s.err(); err != nil { // as a part of a frame it may be nil
		checkSame(t, err, errorFromProto(throughWire(t, errorToProto(err), &pb.Error{})))
	}
	g := Diagnostic{Severity: s.text(), Summary: s.text(), Detail: s.text(), Path: s.texts()}
	checkSame(t, g, diagnosticFromProto(throughWire(t, diagnosticToProto(g), &pb.Diagnostic{})))

	line, lerr := AppendEventLine(nil, e)
	if lerr != nil {
		t.Fatal(lerr)
	}
	read, lerr := ParseEventLine(line)
	if lerr != nil {
		t.Fatal(lerr)
	}
	checkSame(t, e, read)
}

// seed gives a fuzz test n inputs of random bytes, of 1 to 1<<(sizes-1) of them.
func seed(f *testing.F, number uint64, n, sizes int) {
	f.Helper()
	r := rand.New(rand.NewPCG(number, number+1))
	for i := range n {
		data := make([]byte, 1<<(i%sizes))
		for j := range data {
			data[j] = byte(r.Uint32())
		}
		f.Add(data)
	}
}

func FuzzRoundTrip(f *testing.F) {
	seed(f, 1, 200, 12)
	f.Fuzz(roundTrip)
}

// FuzzForeign gives the conversions messages that no peer of ours would send.
func FuzzForeign(f *testing.F) {
	for _, m := range []proto.Message{
		&pb.Event{Body: &pb.Event_Samples{}}, &pb.Event{Body: &pb.Event_Samples{Samples: &pb.Samples{Names: []string{"a"}}}},
		&pb.Event{Body: &pb.Event_Samples{Samples: &pb.Samples{
			Number: []float64{1, 2}, Name: []uint32{math.MaxUint32}, Others: []*pb.OtherSample{{Index: math.MaxUint32}},
		}}},
		&pb.Event{Body: &pb.Event_State{}}, &pb.Event{Body: &pb.Event_Parameters{}}, &pb.Event{Body: &pb.Event_Described{}},
	} {
		data, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		var e pb.Event
		if proto.Unmarshal(data, &e) == nil {
			eventFromProto(&e)
		}
		var d pb.Description
		if proto.Unmarshal(data, &d) == nil {
			descriptionFromProto(&d)
		}
		var fr pb.Frame
		if proto.Unmarshal(data, &fr) == nil {
			frameFromProto(&fr)
		}
		_, _ = ParseEventLine(data)
	})
}

func TestNilMessagesConvert(t *testing.T) {
	checkSame(t, script.Null(), valueFromProto(nil))
	checkSame(t, script.Event{}, eventFromProto(nil))
	checkSame(t, Frame{}, frameFromProto(nil))
	checkSame(t, script.Batch{}, batchFromProto(nil))
	checkSame(t, script.Description{}, descriptionFromProto(nil))
	checkSame(t, Checkpoint{}, checkpointFromProto(nil))
	checkSame(t, nil, errorFromProto(nil))
	checkSame(t, nil, samplesFromProto(nil))
}

func TestBadTextIsRepaired(t *testing.T) {
	e := script.Event{Seq: 1, Body: script.LogLine{Text: "caf\xe9 \xff"}}
	got := eventFromProto(throughWire(t, eventToProto(e), &pb.Event{}))
	checkSame(t, script.LogLine{Text: "caf\uFFFD \uFFFD"}, got.Body.(script.LogLine))
}

func TestSamplesArePacked(t *testing.T) {
	begin := time.Unix(1_700_000_000, 0)
	var in []script.Sample
	for i := range 256 {
		in = append(in, script.Sample{
			Name: []string{"loss", "accuracy"}[i%2], Step: int64(i / 2), Time: begin.Add(time.Duration(i) * time.Millisecond),
			Value: script.Float(1 / float64(i+1)),
		})
	}
	data, err := proto.Marshal(samplesToProto(in))
	if err != nil {
		t.Fatal(err)
	}
	if most := 256 * 16; len(data) > most {
		t.Errorf("256 samples take %d bytes, more than %d", len(data), most)
	}
	in[7].Value, in[9].Value = script.Float(math.NaN()), script.String("NaN")
	checkSame(t, in, samplesFromProto(throughWire(t, samplesToProto(in), &pb.Samples{})))
}

func TestSamplesAllZero(t *testing.T) {
	in := make([]script.Sample, 300)
	for i := range in {
		in[i] = script.Sample{Name: "x", Value: script.Float(0)}
	}
	checkSame(t, in, samplesFromProto(throughWire(t, samplesToProto(in), &pb.Samples{})))
	in[1].Value = script.Float(math.Copysign(0, -1))
	out := samplesFromProto(throughWire(t, samplesToProto(in), &pb.Samples{}))
	if f, _ := out[1].Value.Float(); !math.Signbit(f) {
		t.Error("-0 has lost its sign")
	}
}

func BenchmarkSamples(b *testing.B) {
	in := make([]script.Sample, 256)
	for i := range in {
		in[i] = script.Sample{Name: "loss", Step: int64(i), Time: time.Unix(0, int64(i)*1000), Value: script.Float(float64(i))}
	}
	b.ReportAllocs()
	for b.Loop() {
		samplesFromProto(samplesToProto(in))
	}
}
