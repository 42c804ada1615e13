package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// Process is one run of a script and the plugin process behind it.
type Process struct {
	unit    *unit
	s       *Supervisor
	name    string
	run     string
	home    string // the run's directory
	dir     string // this process's own: home, or for a successor one in it
	logger  *slog.Logger
	done    chan struct{} // closed when the run is over and told
	traffic *traffic      // shared by the processes of a run

	// Set while it is prepared, and not changed after.
	program  program
	instance instance
	child    *child
	conn     *grpc.ClientConn
	client   *wire.Client
	identity wire.Identity
	values   map[string]script.Value // that the run starts with
	revision uint64
	goesOn   *goesOn // from a checkpoint of an earlier run; nil: it begins anew
	onReady  func()
	began    time.Time

	tails      []*tail
	status     status
	pulse      pulse          // of rounds
	forced     bool           // it did not end when it was asked to; of attend
	lastReason string         // why the run ends, where its processes do not say
	hurried    bool           // its stop lost patience before its grace was over; of attend
	first      []script.Event // to be kept before what it says
	moves      atomic.Int64   // changes of parameters that were read and are not kept yet
	seen       progress       // number of the last event read
	taken      uint64         // number of the last event kept; of keepEvents, and then of finish

	mu        sync.Mutex
	described script.Description
	plain     script.Description // as the process gave it before its run, without what the configuration says
}

func newProcess(u *unit) *Process {
	p := &Process{unit: u, s: u.s, name: u.name, done: make(chan struct{}),
		logger: u.s.logger.With("script", u.name), onReady: func() {}, pulse: pulse{fd: -1}}
	p.status.init(p)
	p.traffic = newTraffic(p)
	return p
}

// config returns what the configuration says of the script now; what the
// process was started with may differ.
func (p *Process) config() *config.Script { return p.unit.config() }

// Name returns the script's name.
func (p *Process) Name() string { return p.name }

// Run returns the run's id.
func (p *Process) Run() string { return p.run }

// PID returns the plugin process's id.
func (p *Process) PID() int { return p.child.pid }

// Description returns what the script has said of itself so far, refined by
// the configuration.
func (p *Process) Description() script.Description {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.described
}

// Done is closed when the run is over, and everything it said is kept.
func (p *Process) Done() <-chan struct{} { return p.done }

// abandon ends a process whose run has not begun, and tells what it printed.
func (p *Process) abandon() error {
	var err error
	if p.conn != nil {
		err = p.conn.Close()
	}
	if p.child != nil {
		err = errors.Join(err, p.child.kill())
	}
	p.openTails()
	p.readTails(true)
	return errors.Join(err, discardRunDir(p.home))
}

// serve begins the run, attends to it until it is over, and tells how it
// ended. When ctx ends the run is stopped, or let go of after Leave.
func (p *Process) serve(ctx context.Context) ending {
	defer close(p.done)
	if err := p.begin(ctx); err != nil {
		return p.refused(ctx, err)
	}
	return p.attend(ctx)
}

// begin tells that the run starts, and starts it.
func (p *Process) begin(ctx context.Context) error {
	p.record()
	if source := p.config().MainFile(); source != "" {
		sum, err := hashFile(source)
		if err != nil {
			return err
		}
		p.instance.Source = sum
	}
	if err := completeInstance(p.home, p.instance); err != nil {
		return &script.Error{Code: script.CodeIO, Message: err.Error(), Hint: "is the disk full?"}
	}
	p.began = p.s.clock.Now()
	started := script.RunStarted{
		Parameters: p.startValues(), Revision: p.revision, Binary: p.program.sum,
		Plugin: p.program.plugin, Command: p.program.argv, Attempt: p.unit.restarts.attempt,
	}
	events := []script.Event{
		p.s.event(p.name, p.run, started),
		p.s.event(p.name, p.run, script.Described{Description: p.described}),
		p.s.event(p.name, p.run, script.StateChanged{State: script.Starting, PID: p.child.pid, PluginPID: p.child.pid}),
	}
	if p.goesOn != nil {
		events = append(events, p.s.event(p.name, p.run, p.goesOn.record()))
	}
	err := p.s.emit(events...)
	if err != nil {
		return err // a run that is not recorded is not begun
	}
	ctx, cancel := context.WithTimeout(ctx, p.s.options.StartTimeout)
	defer cancel()
	err = p.client.Start(ctx, wire.StartRequest{
		Run: p.run, Script: p.name, Parameters: p.values, Revision: p.revision, FirstSeq: 1, RunDir: p.dir,
	})
	if err != nil && (script.CodeOf(err) != script.CodeUnavailable || !p.dies()) {
		return p.explain("start", err)
	}
	// One that died at once has begun too: what it left tells how it ended.
	p.s.update(func() { p.unit.began = true })
	return nil
}

// record notes in its instance what is known of a process that has been
// prepared.
func (p *Process) record() {
	p.instance.PID, p.instance.StartTime = p.child.pid, p.child.began
	p.instance.SHA256, p.instance.Protocol = p.program.sum, wire.ProtocolVersion
	p.instance.Socket, p.instance.Begun = p.child.addr, true
	p.instance.Attempt, p.instance.Restarts = p.unit.restarts.attempt, p.unit.restarts.made
	p.instance.Tailed = !p.described.Has(script.CapabilityLogs)
	if p.child.printed {
		p.instance.Handshake = int64(len(p.child.line)) + 1
	}
}

// dies reports whether the process is about to be gone, as a broken
// connection to it suggests.
func (p *Process) dies() bool {
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-p.child.exited:
		return true
	case <-timer.C:
		return false
	}
}

// startValues are the values that the run starts with, defaults included.
func (p *Process) startValues() map[string]script.Value {
	all := make(map[string]script.Value, len(p.values))
	for _, spec := range p.described.Parameters {
		if !spec.Default.IsNull() {
			all[spec.Name] = spec.Default
		}
	}
	maps.Copy(all, p.values)
	return all
}

// refused ends a run that its plugin did not start.
func (p *Process) refused(ctx context.Context, err error) ending {
	left := errors.Join(p.conn.Close(), p.child.kill())
	p.openTails()
	p.readTails(true)
	left = errors.Join(left, sealRunDir(p.home))
	return p.unit.failed(ctx, p.run, joined(err, left))
}

// settle decides the values that the run starts with: the configured ones, and
// over them those that were set in earlier runs, as far as they still fit. The
// plugin may refuse them.
func (p *Process) settle(ctx context.Context, configured map[string]script.Value) error {
	kept, revision, err := p.kept(ctx)
	if err != nil {
		return err
	}
	p.revision = revision
	p.values = map[string]script.Value{}
	maps.Copy(p.values, configured)
	laid := false
	for name, v := range kept {
		v, err := p.fit(name, v)
		if err != nil {
			p.warn("the value that was set for %s before does not fit any more and is dropped: %v", name, err)
			continue
		}
		p.values[name] = v
		laid = true
	}
	err = p.validate(ctx, p.values)
	if err == nil || !laid {
		return err
	}
	if p.validate(ctx, configured) != nil {
		return err
	}
	p.warn("the values that were set before are dropped, the configured ones are used: %v", err)
	p.values = configured
	return nil
}

func (p *Process) kept(ctx context.Context) (map[string]script.Value, uint64, error) {
	if p.s.options.Kept == nil {
		return nil, 0, nil
	}
	kept, revision, _, err := p.s.options.Kept(ctx, p.name)
	if err != nil {
		return nil, 0, fmt.Errorf("read the values set before: %w", err)
	}
	return kept, revision, nil
}

// fit checks a kept value against what the script now declares.
func (p *Process) fit(name string, v script.Value) (script.Value, error) {
	spec, ok := p.described.Parameter(name)
	if ok {
		return spec.Check(v)
	}
	if p.described.Has(script.CapabilityDynamic) {
		return v, nil // it may be declared later
	}
	return v, errors.New("there is no such parameter")
}

// warn tells a person something about the script.
func (p *Process) warn(format string, args ...any) {
	p.s.tell(p.s.event(p.name, p.run, script.Warned{Text: fmt.Sprintf(format, args...)}))
}

// fitsPlainly reports whether values fit what the plugin itself says of its
// parameters.
func fitsPlainly(d script.Description, values map[string]script.Value) bool {
	for name, v := range values {
		spec, ok := d.Parameter(name)
		if !ok && !d.Has(script.CapabilityDynamic) {
			return false
		}
		if ok {
			if _, err := spec.Check(v); err != nil {
				return false
			}
		}
	}
	return !slices.ContainsFunc(d.Parameters, func(spec script.ParameterSpec) bool {
		_, given := values[spec.Name]
		return spec.Required && !given
	})
}

// validate asks the plugin whether the values go together.
func (p *Process) validate(ctx context.Context, values map[string]script.Value) error {
	if slices.Contains(p.identity.Capabilities, wire.CapabilityPlain) && fitsPlainly(p.plain, values) {
		return nil // it would say so too
	}
	diags, err := p.client.Validate(ctx, values)
	if err != nil {
		return p.explain("check its parameters", err)
	}
	for _, d := range diags {
		text := d.Summary
		if d.Detail != "" {
			text += ": " + d.Detail
		}
		if d.Severity == wire.SeverityWarning {
			p.warn("%s", text)
			continue
		}
		return &script.Error{Code: script.CodeConfigInvalid, Message: text, At: p.place(d.Path)}
	}
	return nil
}

// place finds where the configuration speaks of a parameter.
func (p *Process) place(path []string) string {
	for _, c := range p.config().Parameters {
		if len(path) > 0 && c.Name == path[0] && c.Range.Filename != "" {
			return fmt.Sprintf("%s:%d,%d", c.Range.Filename, c.Range.Start.Line, c.Range.Start.Column)
		}
	}
	return ""
}

// openTails prepares to read what the process prints, unless it tells that by
// itself.
func (p *Process) openTails() {
	if p.described.Has(script.CapabilityLogs) || p.tails != nil {
		return
	}
	p.tails = p.s.tails(p.dir)
	if p.child != nil && p.child.printed {
		p.tails[0].skip = int64(len(p.child.line)) + 1
	}
}

// tails returns what follows the output of a run: stdout, stderr.
func (s *Supervisor) tails(dir string) []*tail {
	var all []*tail
	for _, stream := range []string{stdoutFile, stderrFile} {
		all = append(all, &tail{
			path: filepath.Join(dir, stream), stream: stream[:len("stdout")],
			limit: s.options.LogLimit, keep: s.options.LogFiles,
		})
	}
	return all
}
