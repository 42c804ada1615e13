package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// Options is what a Supervisor is made of. Dir and Emit are required to run
// scripts; Describe alone needs neither.
type Options struct {
	Dir        string // the host's state directory
	Executable string // this program's own path; it serves the wrappers
	Logger     *slog.Logger

	// Emit takes facts in; when it returns they are kept.
	Emit func(ctx context.Context, events ...script.Event) error
	// LastSeq tells the number of a run's last kept event.
	LastSeq func(ctx context.Context, run string) (uint64, error)
	// LogEnd tells how far the output of a run's process, "stdout" or "stderr",
	// has become kept log lines, and whether the last of them is a part of a
	// line; 0 where there are none.
	LogEnd func(ctx context.Context, run, stream string) (end int64, partial bool, err error)
	// Link carries the messages of one process until the link or ctx ends.
	Link func(ctx context.Context, p *Process, link wire.Link) error
	// Kept tells a script's set values, which outlive its runs, and the number
	// of its parameter set. The owners are not used here.
	Kept func(ctx context.Context, script string) (values map[string]script.Value, revision uint64, owners map[string]string, err error)

	// Parameters keeps a script's parameters from being set until unlock, and
	// returns a func that tells the values in use and their revision. nil: those
	// that the run began with are used.
	Parameters func(script string) (values func() (map[string]script.Value, uint64), unlock func())
	// Accepts reports whether what the configuration says of a script goes with
	// a description of it that it is about to have; nil: it does.
	Accepts func(script string, d script.Description) error
	// Discover tells what reading a script finds of its parameters. It is asked
	// before each start of a script that is read; nil: nothing is found.
	Discover func(context.Context, *config.Script) (script.Catalogue, error)

	// Checkpoint returns the newest checkpoint that a run has written, "" where it
	// has written none. nil: nothing is known of checkpoints.
	Checkpoint func(ctx context.Context, run string) (path string, err error)

	StartLimit   int           // scripts starting at once; 0: 8
	StartTimeout time.Duration // for the handshake, and for Describe; 0: 30 s
	CallTimeout  time.Duration // of a call that has no deadline of its own; 0: 10 s
	Heartbeat    time.Duration // how often a plugin shows that it lives; 0: 1 s
	ReadTimeout  time.Duration // for Discover, after which the script starts without; 0: 5 s
	LogLimit     int64         // bytes of an output file before it is rotated; 0: 100 MB
	LogFiles     int           // output files kept per stream; 0: 5
	Clock        Clock         // nil: the machine's
}

func (o *Options) setDefaults() {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Emit == nil {
		o.Emit = func(context.Context, ...script.Event) error { return nil }
	}
	if o.StartLimit <= 0 {
		o.StartLimit = 8
	}
	if o.StartTimeout <= 0 {
		o.StartTimeout = 30 * time.Second
	}
	if o.CallTimeout <= 0 {
		o.CallTimeout = 10 * time.Second
	}
	if o.Heartbeat <= 0 {
		o.Heartbeat = time.Second
	}
	if o.ReadTimeout <= 0 {
		o.ReadTimeout = 5 * time.Second
	}
	if o.LogLimit <= 0 {
		o.LogLimit = 100 << 20
	}
	if o.LogFiles <= 0 {
		o.LogFiles = 5
	}
	if o.Clock == nil {
		o.Clock = realClock{}
	}
}

// Supervisor starts the plugins of scripts, watches them, starts them again
// and stops them. Its methods may be called concurrently.
type Supervisor struct {
	options  Options
	logger   *slog.Logger
	clock    Clock
	binaries binaries
	starting chan struct{} // one place per script that is being started
	follower follower
	rounds   rounds
	// described are descriptions by the sum of the program and their digest.
	described sync.Map

	mu        sync.Mutex
	uncopied  *binaries // hashes of plugins that run where they stand
	units     map[string]*unit
	order     []string
	changed   chan struct{} // closed, and replaced, when anything below has changed
	idlers    []chan struct{}
	running   bool          // Run has looked at what an earlier host left, and begun
	unwatched error         // why programs are only looked at
	closed    bool          // Run is ending: nothing new is started
	swept     chan struct{} // closed: running
	leaving   chan struct{} // closed: let go of the processes
	base      context.Context
	loops     sync.WaitGroup
}

// New returns a Supervisor with no scripts.
func New(o Options) *Supervisor {
	o.setDefaults()
	s := &Supervisor{
		options: o, logger: o.Logger, clock: o.Clock,
		starting: make(chan struct{}, o.StartLimit),
		units:    map[string]*unit{}, changed: make(chan struct{}), leaving: make(chan struct{}), swept: make(chan struct{}),
	}
	if o.Dir != "" {
		s.binaries.dir = filepath.Join(o.Dir, "plugins")
	}
	s.rounds.s = s
	return s
}

// Add makes a script known. While Run runs, it is started unless its
// configuration says otherwise.
func (s *Supervisor) Add(conf *config.Script) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.units[conf.Name] != nil {
		return script.Errorf(script.CodeConflict, "script %q is known already", conf.Name)
	}
	u := newUnit(s, conf)
	s.units[conf.Name] = u
	s.order = append(s.order, conf.Name)
	if s.running && !s.closed {
		s.begin(u)
	}
	s.notify()
	return nil
}

// Recall tells what an earlier host knew of a script when a session that goes
// on was interrupted: its last run, and the state it was in. One that had
// ended is not started by itself, and its run is not told to have ended again.
// Call it before Run.
func (s *Supervisor) Recall(name, run string, state script.State, reason string) error {
	u, err := s.unit(name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u.lastRun, u.lastState = run, state
	switch state {
	case script.Finished, script.Failed, script.Stopped, script.Lost:
		u.hold(state, reason)
	}
	s.notify()
	return nil
}

// hold keeps the script, which has ended, from being started by itself. s.mu
// is held.
func (u *unit) hold(state script.State, reason string) {
	u.wanted, u.held = false, true
	u.state, u.reason, u.well = state, reason, state == script.Finished
}

// Swept is closed when Run has taken up what an earlier host left, but for
// processes that do not answer: those are waited for beside.
func (s *Supervisor) Swept() <-chan struct{} { return s.swept }

// Run takes up what a host before this one left behind, starts the scripts,
// and blocks until ctx ends. Then it stops what StopAll has not stopped, or,
// after Leave, lets go of the processes.
func (s *Supervisor) Run(ctx context.Context) error {
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	s.mu.Lock()
	if s.base != nil {
		s.mu.Unlock()
		return errors.New("run supervisor: it runs already")
	}
	s.base = base
	s.mu.Unlock()
	s.follower.open(s.logger)
	defer s.follower.close()
	s.sweep(base)

	s.mu.Lock()
	s.running = true
	close(s.swept)
	for _, name := range s.order {
		s.begin(s.units[name])
	}
	s.loops.Go(func() { s.watchPrograms(base) })
	s.notify()
	s.mu.Unlock()

	select {
	case <-ctx.Done():
	case <-s.leaving:
	}
	var err error
	if !isClosed(s.leaving) {
		hurry := make(chan struct{})
		err = s.StopAll(context.WithoutCancel(ctx), hurry)
	}
	s.update(func() { s.closed = true })
	cancel()
	s.loops.Wait()
	return err
}

// begin starts a unit's loop, once what an earlier host left of the script is
// taken up. Where the supervisor ends already only processes are attended to.
// s.mu is held.
func (s *Supervisor) begin(u *unit) {
	ending := s.closed || isClosed(s.leaving)
	if s.base == nil || u.looping || u.taking > 0 || ending && u.process == nil {
		return
	}
	u.looping = true
	s.loops.Go(func() { u.loop(s.base) })
}

// Leave makes Run return without stopping anything: the processes run on.
func (s *Supervisor) Leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !isClosed(s.leaving) {
		close(s.leaving)
	}
}

// count is how many scripts there are.
func (s *Supervisor) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.units)
}

// Process returns the live process of a script.
func (s *Supervisor) Process(name string) (*Process, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.units[name]
	if u == nil || u.process == nil {
		return nil, false
	}
	return u.process, true
}

// unit returns the named script's unit.
func (s *Supervisor) unit(name string) (*unit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.units[name]; u != nil {
		return u, nil
	}
	err := script.Errorf(script.CodeNotFound, "there is no script %q", name)
	if best := script.Suggest(name, s.order); best != "" {
		return nil, err.WithHint("did you mean %q?", best)
	}
	return nil, err.WithHint("`mlhost ps` lists the scripts")
}

// notify wakes everybody who waits for a change. s.mu is held.
func (s *Supervisor) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
	s.tellIdle()
}

// update changes what s.mu guards and tells everybody.
func (s *Supervisor) update(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	s.notify()
}

// await blocks until done, asked with s.mu held, is true, or ctx ends.
func (s *Supervisor) await(ctx context.Context, done func() bool) error {
	for {
		s.mu.Lock()
		ok, changed := done(), s.changed
		s.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// emit hands facts of the supervisor's own in. A failure is logged as well: a
// script must be stoppable while the disk is full.
func (s *Supervisor) emit(events ...script.Event) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := s.options.Emit(ctx, events...)
	if err != nil {
		s.logger.Error("keep events", "script", events[0].Script, "run", events[0].Run, "error", err)
	}
	return err
}

// tell is emit for facts that are not worth more than a line in the log where
// they cannot be kept.
func (s *Supervisor) tell(events ...script.Event) { _ = s.emit(events...) }

// event makes a fact of the supervisor's own.
func (s *Supervisor) event(name, run string, body script.Body) script.Event {
	return script.Event{Time: s.clock.Now(), Script: name, Run: run, Body: body}
}

// at names the place in the configuration that a script's program comes from.
func at(conf *config.Script) string {
	r := conf.SourceRange
	if r.Filename == "" {
		r = conf.Range
	}
	if r.Filename == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d,%d", r.Filename, r.Start.Line, r.Start.Column)
}

// blame puts the script's name and place into an error.
func blame(conf *config.Script, err error) *script.Error {
	e := *script.AsError(err)
	e.Message = fmt.Sprintf("script %q: %s", conf.Name, e.Message)
	if e.At == "" {
		e.At = at(conf)
	}
	return &e
}
