package sdk

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// Plugin is the wire.Server of one Script. Serve makes one; tests may.
type Plugin struct {
	script  Script
	nonce   string
	started time.Time

	recorder    *recorder
	parameters  *parameters
	variables   *variables
	switchboard *switchboard
	batches     batches
	setting     sync.Mutex // held from a batch's check to its commit
	ctx         context.Context
	cancel      context.CancelFunc
	done        chan struct{} // closed when the run is over

	mu          sync.Mutex
	description script.Description
	request     wire.StartRequest // constant once the run has begun
	record      string            // the host's of the run; "": there is none
	state       script.State
	reason      string
	deadline    time.Time // of a stop
	stopping    bool
	failure     string // of Session.Fail
	pid         int    // of the script's own process
	pause       pauseState
	due         chan struct{} // closed when something waits for the next step
	step        int64
	ownStep     bool // the script sets its steps itself
	restored    bool // the run goes on with what another process left
	progressed  progressState
	warned      map[string]bool
}

// NewPlugin returns the server of s. It describes the script at once, and
// returns an error where that panics.
func NewPlugin(s Script) (*Plugin, error) {
	d, err := describeScript(s)
	if err != nil {
		return nil, err
	}
	p := &Plugin{
		script: s, nonce: rand.Text(), started: time.Now(), description: d, state: script.Ready,
		recorder: newRecorder(), parameters: newParameters(d.Parameters), variables: newVariables(d.Variables),
		done: make(chan struct{}), due: make(chan struct{}), warned: map[string]bool{},
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.switchboard = newSwitchboard(p.ctx, p.answer, func(n uint64) {
		p.recorder.emit(script.Gap{Dropped: n, Reason: "broadcasts came faster than the script handles them"})
	})
	return p, nil
}

// describeScript asks the script for its description and completes it.
func describeScript(s Script) (d script.Description, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = script.Errorf(script.CodeInternal, "Describe panicked: %s", fmt.Sprint(cause))
		}
	}()
	d = s.Describe()
	add := func(has bool, capability string) {
		if has && !d.Has(capability) {
			d.Capabilities = append(slices.Clone(d.Capabilities), capability)
		}
	}
	_, answers := s.(Answerer)
	_, checkpoints := s.(Checkpointer)
	_, pauses := s.(Pauser)
	_, wraps := s.(Setter)
	add(answers, script.CapabilityAnswer)
	add(checkpoints, script.CapabilityCheckpoint)
	add(pauses || !wraps, script.CapabilityPause)
	d.Parameters = slices.Clone(d.Parameters)
	for i := range d.Parameters {
		spec := &d.Parameters[i]
		if spec.Type == "" {
			spec.Type = script.TypeAny
		}
		if spec.Mutability == "" {
			spec.Mutability = script.Live
		}
		if spec.Confidence == "" {
			spec.Confidence = script.Sure
		}
		if spec.Origin.Style == "" {
			spec.Origin.Style = "plugin"
		}
	}
	return d, nil
}

// Identify tells which process this is and what it does now.
func (p *Plugin) Identify(context.Context) (wire.Identity, error) {
	sum := binarySHA256()
	p.mu.Lock()
	defer p.mu.Unlock()
	return wire.Identity{
		Nonce: p.nonce, PID: os.Getpid(), Started: p.started, SHA256: sum, API: wire.ProtocolVersion,
		Capabilities: p.capabilities(p.description), Run: p.request.Run, State: p.state,
		LastSeq: p.recorder.lastSeq(), ScriptPID: p.pid,
	}, nil
}

// Describe returns the script's description, with what it declared since.
func (p *Plugin) Describe(context.Context) (script.Description, error) { return p.describe(), nil }

func (p *Plugin) describe() script.Description {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.description
}

// Validate checks values against the specs and asks the script's Validator.
func (p *Plugin) Validate(_ context.Context, values map[string]script.Value) ([]wire.Diagnostic, error) {
	trial := newParameters(p.describe().Parameters)
	var found []wire.Diagnostic
	strict := !p.describe().Has(script.CapabilityDynamic)
	if err := trial.start(values, 0, strict); err != nil {
		e := script.AsError(err)
		found = append(found, wire.Diagnostic{Severity: wire.SeverityError, Summary: e.Message, Detail: e.Hint})
		return found, nil
	}
	if err := p.askValidator(trial.all()); err != nil {
		found = append(found, wire.Diagnostic{Severity: wire.SeverityError, Summary: err.Error()})
	}
	return found, nil
}

func (p *Plugin) askValidator(values map[string]script.Value) (err error) {
	v, ok := p.script.(Validator)
	if !ok {
		return nil
	}
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the check of the values panicked: %s", fmt.Sprint(cause))
		}
	}()
	return v.Validate(values)
}

// Start begins the run.
func (p *Plugin) Start(_ context.Context, request wire.StartRequest) error {
	if request.Checkpoint != nil {
		if err := p.Restore(p.ctx, *request.Checkpoint); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.request.Run != "" {
		return script.Errorf(script.CodeConflict, "this process already has run %s", p.request.Run)
	}
	if request.Run == "" {
		return script.Errorf(script.CodeUsage, "a run needs an id")
	}
	if p.stopping {
		return script.Errorf(script.CodeUnavailable, "the process is stopping")
	}
	if err := p.parameters.start(request.Parameters, request.Revision, !p.description.Has(script.CapabilityDynamic)); err != nil {
		return err
	}
	if err := p.askValidator(p.parameters.all()); err != nil {
		return script.Errorf(script.CodeRejected, "the parameters do not fit: %s", err)
	}
	p.request, p.record = request, recordOf(request.RunDir)
	path := ""
	if dir := request.OwnDir(); dir != "" {
		path = filepath.Join(dir, wire.SpoolFile)
	}
	p.recorder.begin(request.FirstSeq, path)
	p.toState(script.Running, "")
	if request.Paused {
		p.pause.begin()
		p.markDue()
	}
	p.recordFacts()
	go p.run()
	return nil
}

// run is the goroutine of the script; it ends when Run returns.
func (p *Plugin) run() {
	if p.restored { // the process before it stood in this step, and had not left it
		p.reach(p.currentStep())
	}
	err := p.callRun()
	p.flush()
	p.cancel()
	p.finish(err)
}

// flush lets the host deal with what was published before the run is over.
func (p *Plugin) flush() {
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	p.switchboard.flush(ctx)
}

// flushTime is how long the end of a run waits for what was published.
const flushTime = 5 * time.Second

func (p *Plugin) callRun() (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			fmt.Fprintf(os.Stderr, "panic: %v\n\n%s", cause, debug.Stack())
			err = fmt.Errorf("panicked: %s", fmt.Sprint(cause))
		}
	}()
	return p.script.Run(p.ctx, &Session{p: p})
}

// finish records the end of the run.
func (p *Plugin) finish(err error) {
	p.mu.Lock()
	state, reason, code := p.verdict(err)
	p.state, p.reason = state, reason
	p.pause.end()
	pid := p.pid
	request := p.request
	p.mu.Unlock()
	p.leaveWaiting()
	end := script.StateChanged{State: state, Reason: reason, PID: cmpPID(pid), PluginPID: os.Getpid(), ExitCode: &code}
	p.recorder.last(end, func(seq uint64) {
		dir := request.OwnDir()
		if dir == "" {
			return
		}
		exit := wire.Exit{
			Run: request.Run, Script: request.Script, State: state, ExitCode: &code, Reason: reason, Time: time.Now(), LastSeq: seq, Final: isFinal(err),
		}
		if err := wire.WriteExit(dir, exit); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	})
	close(p.done)
}

// leaveWaiting tells which changes have waited for a step that did not come.
func (p *Plugin) leaveWaiting() {
	for _, left := range p.parameters.leave() {
		c := left.Changes[0]
		p.warn("the run ended before %s was set to %s: that waited for a later step, and is for the next run", c.Name, c.New)
		p.recorder.emit(left)
	}
}

func isFinal(err error) bool {
	exit, ok := errors.AsType[*Exit](err)
	return ok && exit.Final
}

// verdict tells what Run's error means. The caller holds mu.
func (p *Plugin) verdict(err error) (state script.State, reason string, code int) {
	exit, isExit := errors.AsType[*Exit](err)
	switch {
	case p.failure != "":
		state, reason, code = script.Failed, p.failure, 1
		if isExit && exit.Code != 0 {
			code = exit.Code
		}
	case p.stopping && (isExit || err == nil || errors.Is(err, context.Canceled)):
		state, reason = script.Stopped, p.reason
		if isExit {
			code = exit.Code
		}
	case err == nil:
		state = script.Finished
	case isExit && exit.Code == 0:
		state, reason = script.Finished, exit.Reason
	case isExit:
		state, reason, code = script.Failed, exit.Error(), exit.Code
	default:
		state, reason, code = script.Failed, err.Error(), 1
	}
	return state, reason, code
}

// toState goes into another state and reports it. The caller holds mu.
func (p *Plugin) toState(state script.State, reason string) {
	p.state = state
	p.recorder.emit(script.StateChanged{State: state, Reason: reason, PID: cmpPID(p.pid), PluginPID: os.Getpid()})
}

// cmpPID is the pid that people want to see: the interpreter's, else ours.
func cmpPID(pid int) int {
	if pid != 0 {
		return pid
	}
	return os.Getpid()
}

// Done is closed when the run is over.
func (p *Plugin) Done() <-chan struct{} { return p.done }

// begun reports whether there is a run.
func (p *Plugin) begun() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.request.Run != ""
}

// over reports whether the run has ended.
func (p *Plugin) over() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}
