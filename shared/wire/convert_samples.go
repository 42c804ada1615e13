package wire

import (
	"time"

	pb "github.com/mlhost/mlhost/shared/proto/mlhost/plugin/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// samplesToProto packs samples into columns. It allocates per batch, not per
// sample, as long as the values are floats: this is the busiest way from a
// script to the host.
func samplesToProto(in []script.Sample) *pb.Samples {
	n := len(in)
	out := &pb.Samples{}
	if n == 0 {
		return out
	}
	step, times := make([]int64, n), make([]int64, n)
	number := make([]float64, n)
	var lastStep, lastTime int64
	for i, s := range in {
		t := nanos(s.Time)
		step[i], lastStep = s.Step-lastStep, s.Step
		times[i], lastTime = t-lastTime, t
		if s.Value.Kind() == script.KindFloat {
			number[i], _ = s.Value.Float()
		} else {
			out.Others = append(out.Others, &pb.OtherSample{Index: uint32(i), Value: valueToProto(s.Value)})
		}
	}
	out.Names, out.Name = internNames(in)
	out.Step, out.Time = trimZeros(step), trimZeros(times)
	out.Number = number
	return out
}

// internNames lists the names once and gives each sample's index among them;
// no indexes where there is one name only. Batches have few names, most often
// in the same turn, so the search starts at the one that came after the last.
func internNames(in []script.Sample) (names []string, index []uint32) {
	index = make([]uint32, len(in))
	var known map[string]uint32
	raw := make([]string, 0, 8)
	next := 0
	for i, s := range in {
		if next >= len(raw) {
			next = 0
		}
		if next < len(raw) && raw[next] == s.Name {
			index[i] = uint32(next)
			next++
			continue
		}
		if known == nil {
			known = make(map[string]uint32, 8)
		}
		id, ok := known[s.Name]
		if !ok {
			id = uint32(len(raw))
			known[s.Name] = id
			raw = append(raw, s.Name)
		}
		index[i] = id
		next = int(id) + 1
	}
	if len(raw) == 1 {
		index = nil
	}
	return validAll(raw), index
}

func trimZeros(column []int64) []int64 {
	n := len(column)
	for n > 0 && column[n-1] == 0 {
		n--
	}
	return column[:n]
}

// samplesFromProto is the reverse of samplesToProto.
func samplesFromProto(in *pb.Samples) []script.Sample {
	numbers := in.GetNumber()
	n := len(numbers)
	if n == 0 {
		return nil
	}
	out := make([]script.Sample, n)
	names, name := in.GetNames(), in.GetName()
	steps, times := in.GetStep(), in.GetTime()
	var step, nano int64
	var at time.Time
	for i := range out {
		if i < len(steps) {
			step += steps[i]
		}
		if i < len(times) && (times[i] != 0 || i == 0) {
			nano += times[i]
			at = fromNanos(nano)
		}
		out[i] = script.Sample{Name: nameAt(names, name, i), Step: step, Time: at, Value: script.Float(numbers[i])}
	}
	for _, o := range in.GetOthers() {
		if int64(o.GetIndex()) < int64(n) {
			out[o.GetIndex()].Value = valueFromProto(o.GetValue())
		}
	}
	return out
}

func nameAt(names []string, index []uint32, i int) string {
	id := uint32(0)
	if i < len(index) {
		id = index[i]
	}
	if int64(id) < int64(len(names)) {
		return names[id]
	}
	return ""
}
