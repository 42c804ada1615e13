package interpreter

import (
	"fmt"
	"math"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/wrappers/interpreter/printed"
)

const (
	// progressInterval is the least time between two reports of progress, unless
	// progressShare of the whole was done since.
	progressInterval = 100 * time.Millisecond
	progressShare    = 0.005
)

// readout is what is read from a script's output beside the configured
// patterns. The run's output lock guards it.
type readout struct {
	reader       printed.Reader
	declared     map[string]bool
	lastProgress time.Time
	lastDone     float64
	lastStep     int64
}

// readLine takes a complete line of output, or a state of a progress bar.
func (r *run) readLine(line []byte) {
	now := time.Now()
	if len(r.patterns.list) > 0 {
		if found := r.patterns.samples(line, r.step.Load(), now); len(found) > 0 {
			r.session.Emit(script.Samples{Samples: found})
		}
	}
	found := r.readout.reader.Read(line, now)
	if found.Full != "" {
		r.warn(fmt.Errorf("the output names more than %d variables: %s and those that come later are not kept", printed.MaxNames, found.Full))
	}
	if samples := r.claimed(found); len(samples) > 0 {
		r.session.Emit(script.Samples{Samples: samples})
	}
	if known := r.step.Load() >= 0; !known && found.Step >= 0 && found.Step != r.readout.lastStep {
		r.readout.lastStep = found.Step
		r.session.Emit(script.Stepped{Step: found.Step})
		r.printedStep.Store(found.Step)
		r.comeTo(found.Step)
	}
	r.readProgress(found.Progress, now)
}

// claimed returns the samples that nobody else reports, declared and with the
// script's own step where the line has none.
func (r *run) claimed(found printed.Found) []script.Sample {
	known := r.step.Load()
	var kept []script.Sample
	var d script.Description
	earlier := len(found.Earlier)
	for i, s := range append(found.Earlier, found.Samples...) {
		if !r.claims.claim(s.Name, fromOutput) {
			continue
		}
		if known >= 0 && found.Step < 0 && i >= earlier {
			s.Step = known
		}
		if !r.readout.declared[s.Name] {
			if r.readout.declared == nil {
				r.readout.declared = map[string]bool{}
			}
			r.readout.declared[s.Name] = true
			d.Variables = append(d.Variables, script.VariableSpec{Name: s.Name, Type: script.TypeAny, Unit: found.Units[s.Name], ReadOnly: true})
		}
		kept = append(kept, s)
	}
	if len(d.Variables) > 0 {
		r.session.Declare(d, nil)
	}
	return kept
}

// readProgress reports the progress that the output shows, unless the script
// tells its own.
func (r *run) readProgress(p *script.Progress, now time.Time) {
	if p == nil || r.tellsProgress.Load() {
		return
	}
	o := &r.readout
	soon := now.Sub(o.lastProgress) < progressInterval
	if soon && p.Done < p.Total && math.Abs(p.Done-o.lastDone) < progressShare*p.Total {
		return
	}
	o.lastProgress, o.lastDone = now, p.Done
	r.session.Emit(*p)
}
