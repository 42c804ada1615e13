package interpreter

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

const (
	// politeTime is how long what a script leaves behind may take to end by
	// itself after it was asked to.
	politeTime = 2 * time.Second
	// killTime is how long killed processes may take to vanish.
	killTime = 5 * time.Second
)

// session is what the wrapper needs of sdk.Session.
type session interface {
	Run() string
	Script() string
	RunDir() string
	Values() map[string]script.Value
	Given() map[string]script.Value
	Declare(script.Description, map[string]script.Value)
	Retract(names ...string)
	Emit(script.Body)
	Call(context.Context, script.Message) (script.Reply, error)
	SetPID(int)
	SetParameters(map[string]any) error
	Revision() uint64
}

// run is one execution of the script.
type run struct {
	launch  script.Launch
	session session
	values  map[string]script.Value // what the run was started with
	killer  killer

	proc     *process
	reaper   *reaper // nil: this process does not bury orphans
	conn     *conn   // nil: the script speaks no lines
	recorder *recorder
	attach   *attach    // nil: the script's end of the lines is inherited, not fetched
	ranks    *rankPipes // nil: the script is run by no launcher
	streams  []*stream
	output   sync.Mutex // held to read a stream and hand on what it said
	patterns *patterns
	readout  readout
	claims   claims
	files    paramFiles
	calls    *calls
	outbox   chan *requestLine // the script's tells, broadcasts and notices, in order
	asks     chan struct{}     // holds one token for each ask under way
	ctx      context.Context   // of the script's asks: ends when nobody waits for them
	cancel   context.CancelFunc
	step     atomic.Int64 // that the script has told; -1: none
	// printedStep: of its lines, as long as it tells none; -1: none.
	printedStep atomic.Int64
	began       time.Time   // of the script's process; set before up is closed
	version     string      // of the interpreter, as far as it was asked for
	shimmed     bool        // the Python shim stands before the script
	greeted     atomic.Bool // the script has sent a line
	holds       atomic.Bool // the script keeps sets for a step by itself
	releases    atomic.Bool // the script takes release lines
	ended       atomic.Bool // the script has said that it comes to its end
	bare        atomic.Bool // the shim has given up: nobody reads the lines
	// tellsProgress: the script has told its progress on a line.
	tellsProgress atomic.Bool
	up            chan struct{} // closed when the script has started
	done          chan struct{} // closed when nothing of the run is left
	readers       sync.WaitGroup

	declarations declarations // touched by the line reader only
	bad          badLines     // likewise
	differences  differences  // likewise

	mu        sync.Mutex                      // guards all below
	declared  map[string]script.ParameterSpec // by the script itself
	forgot    map[string]bool                 // what it has turned out not to have
	news      chan struct{}                   // closed, and replaced, when something was declared or forgotten
	inUse     map[string]script.Value         // as the script declared them
	variables map[string]script.VariableSpec
	pending   map[string]script.Value // set by the host, to be applied by the script at a boundary
	deferred  []deferred              // changes that wait for a step
	reports   []func()                // what the script told of its parameters, to be reported in turn
	reporting bool                    // there is a goroutine that does so
	// uncommitted: the script has answered a set, and the session may not have
	// taken that over yet.
	uncommitted bool
	frozen      bool      // by SIGSTOP
	asked       bool      // to pause, by a line
	deadline    time.Time // of a stop; zero: nobody has asked for one
	failure     error     // why the run failed, whatever its exit code
}

func newRun(launch script.Launch, s session, descendants bool) *run {
	r := &run{
		launch: launch, session: s, killer: killer{run: s.Run(), descendants: descendants},
		calls: newCalls(), outbox: make(chan *requestLine, maxMessages), asks: make(chan struct{}, maxAsks),
		up: make(chan struct{}), done: make(chan struct{}),
		values: map[string]script.Value{}, declared: map[string]script.ParameterSpec{}, forgot: map[string]bool{}, news: make(chan struct{}), inUse: map[string]script.Value{},
		variables: map[string]script.VariableSpec{}, pending: map[string]script.Value{},
	}
	for name, v := range s.Values() {
		if !v.IsNull() {
			r.values[name] = v
		}
	}
	r.dropDefaults()
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.recorder = newRecorder(s)
	r.step.Store(-1)
	r.printedStep.Store(-1)
	return r
}

// execute runs the script from start to end. The exit code is -1 where there
// was none.
func (r *run) execute(ctx context.Context) (exitCode int, _ error) {
	defer close(r.done)
	cmd, lines, err := r.command(ctx)
	if err != nil {
		return -1, err
	}
	r.files, err = writeParamFiles(cmd.Dir, r.launch.Parameters, r.values)
	defer func() { r.warn(r.files.remove()) }()
	if err != nil {
		return -1, err
	}
	r.recorder.begin(r, cmd)
	defer func() { r.warn(r.attach.close()) }()
	sending, give := context.WithCancel(context.Background())
	defer give()
	if err := r.start(sending, cmd, lines); err != nil {
		r.recorder.abandon()
		return -1, err
	}
	select {
	case <-r.proc.exited:
	case <-ctx.Done():
		r.warn(r.proc.signalGroup(syscall.SIGKILL))
		<-r.proc.exited
	}
	r.finish(give)
	r.recorder.end(r.stopped())
	r.warnUnregistered()
	return r.outcome()
}

// start starts the process and everything that reads from it.
func (r *run) start(sending context.Context, cmd *exec.Cmd, lines bool) error {
	inherited, err := r.connect(cmd, lines)
	defer func() {
		for _, f := range inherited {
			_ = f.Close() // the script has its own
		}
	}()
	if err == nil {
		r.proc, err = startProcess(cmd)
	}
	if err != nil {
		for _, s := range r.streams {
			err = errors.Join(err, s.close())
		}
		if r.conn != nil {
			r.conn.close()
		}
		err = errors.Join(err, r.ranks.drop())
		return fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	if r.killer.descendants {
		r.reaper = newReaper(r.proc.pid)
	}
	r.began = time.Now()
	close(r.up)
	r.session.SetPID(r.proc.pid)
	for _, s := range r.streams {
		r.readers.Go(s.run)
	}
	if r.attach != nil {
		r.readers.Go(func() { r.warn(r.attach.serve()) })
		r.readers.Go(r.awaitAttach)
		r.readers.Go(func() { r.warn(r.ranks.serve()) })
	}
	if r.conn != nil {
		r.readers.Go(r.conn.write)
		r.readers.Go(func() { r.work(sending) })
		go r.listen()
	}
	return nil
}

// finish ends what the script has left behind, reads the last of its output
// and sends its last messages, until giveUp.
func (r *run) finish(giveUp context.CancelFunc) {
	left, err := r.killer.clean(r.leftoverTime(), killTime)
	r.warn(err)
	if left > 0 {
		r.warn(fmt.Errorf("%d processes of the run could not be ended", left))
	}
	for _, s := range r.streams {
		s.begin()
	}
	r.warn(errors.Join(r.attach.close(), r.ranks.close()))
	if r.conn != nil {
		r.conn.ending.begin()
		<-r.calls.gone
		close(r.outbox)
		defer time.AfterFunc(politeTime, giveUp).Stop()
	}
	r.cancel()
	r.readers.Wait()
	if r.reaper != nil {
		r.reaper.close()
	}
}

// outcome tells how the run ended.
func (r *run) outcome() (int, error) {
	code, err := r.proc.exitCode()
	if err != nil {
		return code, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.failure != nil:
		return code, r.failure
	case code == 0:
		return 0, nil
	case r.proc.signalName() != "":
		return code, fmt.Errorf("ended by signal %d (%s)", code-128, r.proc.signalName())
	}
	return code, fmt.Errorf("exit code %d", code)
}

// fail makes the run fail for the given reason and ends the script.
func (r *run) fail(err error) {
	r.mu.Lock()
	if r.failure == nil {
		r.failure = err
	}
	r.mu.Unlock()
	r.warn(r.proc.signalGroup(syscall.SIGTERM))
	r.readers.Go(func() {
		if !r.exitsWithin(politeTime) {
			r.warn(r.proc.signalGroup(syscall.SIGKILL))
		}
	})
}

// stopped reports whether somebody has asked for the end.
func (r *run) stopped() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.deadline.IsZero()
}

// isUp reports whether the script has started.
func (r *run) isUp() bool {
	select {
	case <-r.up:
		return true
	default:
		return false
	}
}

// exitsWithin waits for the script's process to end.
func (r *run) exitsWithin(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-r.proc.exited:
		return true
	case <-timer.C:
		return false
	}
}

// warn tells people of a trouble that the run survives.
func (r *run) warn(err error) {
	if err != nil {
		r.session.Emit(script.Warned{Text: err.Error()})
	}
}
