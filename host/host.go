package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mlhost/mlhost/host/api"
	"github.com/mlhost/mlhost/host/bus"
	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/host/connector"
	"github.com/mlhost/mlhost/host/notify"
	"github.com/mlhost/mlhost/host/registry"
	"github.com/mlhost/mlhost/host/router"
	"github.com/mlhost/mlhost/host/store"
	"github.com/mlhost/mlhost/host/supervisor"
	"github.com/mlhost/mlhost/shared/script"
)

// Host is one mlhost process: Open, then Run once. Emit, Send and Do may be
// called concurrently while it runs.
type Host struct {
	options Options
	config  atomic.Pointer[config.Config] // what is carried out
	dir     string
	started time.Time // with the steady clock
	logger  *slog.Logger
	lock    *lock

	store      *store.Store
	registry   *registry.Registry
	bus        *bus.Bus
	router     *router.Router
	supervisor *supervisor.Supervisor
	connector  *connector.Connector
	api        *api.API
	listener   net.Listener // of the API's socket
	ports      ports
	web        web
	hands      byHand

	// setting serializes the sets of one script, so that revisions are counted
	// and recorded in order.
	setting keyedMutex
	// reloading guards the carrying out of another configuration, and
	// config.Scripts once the host runs.
	reloading sync.Mutex
	reload    reloadState
	blind     blindness
	reader    *reader
	notifier  *notify.Notifier
	refolder  chan struct{} // size 1: the folders of scripts may be others
	retidy    chan struct{} // size 1: other runs are to be kept than before

	tidied tidied

	ready   chan struct{} // closed: requests are served
	end     chan struct{} // closed: stop the scripts, then end
	endOnce sync.Once
	hurry   chan struct{} // closed: do not wait for scripts to end by themselves
	hurried sync.Once
	leave   chan struct{} // closed: end and leave the scripts running
	heir    heir
	left    sync.Once
}

// Dir returns the directory of the named host below a state directory.
func Dir(stateDir, name string) string { return filepath.Join(stateDir, name) }

// Open claims the host's state directory, opens the store and binds the API's
// socket. Nothing is started yet. The error of a directory that is in use or
// cannot be written says so.
func Open(o Options) (*Host, error) {
	h := &Host{
		options: o, logger: o.Logger, dir: Dir(o.StateDir, o.Config.Host.Name),
		started:  time.Now(),
		setting:  newKeyedMutex(),
		hands:    byHand{sessions: map[string]*connector.Session{}},
		refolder: make(chan struct{}, 1), retidy: make(chan struct{}, 1),
		ready: make(chan struct{}),
		end:   make(chan struct{}), hurry: make(chan struct{}), leave: make(chan struct{}),
	}
	if h.logger == nil {
		h.logger = slog.New(slog.DiscardHandler)
	}
	h.config.Store(o.Config)
	if err := h.open(); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

func (h *Host) open() error {
	if err := os.MkdirAll(h.dir, 0o700); err != nil {
		return StateError(h.dir, err)
	}
	if err := os.Chmod(h.dir, 0o700); err != nil {
		return StateError(h.dir, err)
	}
	var err error
	if h.lock, err = acquireLock(h.dir, h.options.Inherited.lock()); err != nil {
		return err
	}
	h.bus, h.registry = bus.New(), registry.New()
	h.store, err = store.Open(context.Background(), store.Options{
		Dir: h.dir, Logger: h.logger, Committed: h.committed, Outgoing: h.outgoing,
	})
	if err != nil {
		return err
	}
	h.bus.Begin(h.store.NewestEvent())
	if h.web.token, err = api.ReadToken(filepath.Join(h.dir, api.TokenFile)); err != nil {
		return err
	}
	h.makeParts()
	if h.listener, err = listenSocket(SocketPath(h.dir), h.options.Inherited.listener()); err != nil {
		return err
	}
	return h.bindPorts()
}

func (h *Host) makeParts() {
	h.reader = newReader(h.options.Discover, h.learn, h.logger)
	h.router = router.New(router.Options{
		Config: h.options.Config, Registry: h.registry, Logger: h.logger, Emit: h.Emit, Set: h.Send, Command: h.command,
		Mail: router.Mail{
			Enqueue: h.store.Enqueue, EnqueueLater: h.store.EnqueueLater,
			List: h.store.Mail, Acknowledge: h.store.Acknowledge,
		},
	})
	h.notifier = notify.New(notify.Options{Host: h.options.Config.Host.Name, Logger: h.logger, Outbox: h.outbox()}, h.options.Config.Notifies)
	h.supervisor = supervisor.New(supervisor.Options{
		Dir: h.dir, Executable: h.options.Executable, Logger: h.logger, Emit: h.Emit,
		LastSeq: h.store.LastSeq, LogEnd: h.logEnd, Link: h.serveLink, Kept: h.store.Kept,
		Parameters: h.holdParameters, Accepts: h.accepts,
		Discover: h.options.Discover, Checkpoint: h.newestCheckpoint,
	})
	h.connector = connector.New(connector.Options{
		ID: h.options.Config.Host.Name, Directory: h.options.Config.Dir, Registry: h.registry,
		Send: h.Send, Collect: h.router.Collect, Verb: h.connectorVerb, Execute: h.execute, Notify: h.notify, NewID: router.NewID,
		Checks: h.checks,
	})
	h.api = api.New(api.Options{
		Host: h.options.Config.Host.Name, Version: h.options.Version, Directory: h.options.Config.Dir,
		Logger:   h.logger,
		Registry: h.registry, Store: h.store, Bus: h.bus, Send: h.Send, Do: h.Do, Plan: h.planFor, Reload: h.reloadFor, ConfigStatus: h.configStatus, Notices: h.notices,
		Upgrade: h.Upgrade, Succeeded: h.succeeded, Listen: h.Listen,
		Token: h.web.token, URL: h.URL, Backup: h.backup, Findings: h.findings, Notified: h.notified, RouteStates: h.routeStates, Doctor: h.Troubleshoot,
	})
}

// close gives back what open took, last taken first.
func (h *Host) close() error {
	errs := []error{h.closePorts()}
	if h.listener != nil {
		errs = append(errs, ignoreClosed(h.listener.Close()))
	}
	if h.store != nil {
		errs = append(errs, h.store.Close())
	}
	if h.bus != nil {
		h.bus.Close()
	}
	if h.lock != nil {
		errs = append(errs, h.lock.release())
	}
	return errors.Join(errs...)
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Run starts what the configuration says and blocks until all scripts have
// ended, or Down, Leave or the end of ctx end the host. The end of ctx stops
// the scripts in order, as Down does. Nothing of the host is left behind when
// Run returns; it must be called once.
func (h *Host) Run(ctx context.Context) (Outcome, error) {
	defer func() {
		if err := h.close(); err != nil {
			h.logger.Error("close host", "error", err)
		}
	}()
	if err := h.begin(ctx); err != nil {
		return Outcome{}, err
	}
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServing()
	supervising, stopSupervising := context.WithCancel(serving)
	defer stopSupervising()

	var g, fronts errgroup.Group
	fronting, closeFronts := context.WithCancel(serving)
	defer closeFronts()
	g.Go(func() error { return h.router.Run(serving) })
	g.Go(func() error { h.reader.run(serving); return nil })
	g.Go(func() error { return h.notifier.Run(serving) })
	g.Go(func() error { h.tidy(serving); return nil })
	fronts.Go(func() error { return h.endOn(h.api.Serve(fronting, h.listener)) })
	fronts.Go(func() error { return h.servePorts(fronting) })
	g.Go(func() error { return h.endOn(h.followConfig(serving)) })
	g.Go(func() error { return h.endOn(h.followFolders(serving)) })
	close(h.ready)
	supervised := make(chan error, 1)
	go func() { supervised <- h.endOn(h.supervisor.Run(supervising)) }()

	stopErr := h.waitForEnd(ctx, func() error { closeFronts(); return fronts.Wait() })
	outcome := h.outcome()
	// Producers end before the store does: first the scripts' streams, then the
	// routes and the API.
	stopSupervising()
	err := errors.Join(stopErr, <-supervised)
	stopServing()
	return outcome, errors.Join(err, fronts.Wait(), g.Wait())
}

// endOn ends a host that has lost one of its parts: it could not be reached, or
// would watch nothing.
func (h *Host) endOn(err error) error {
	if err != nil {
		h.logger.Error("the host ends", "error", err)
		h.Down()
	}
	return err
}

// waitForEnd blocks until the host is to end, and until its scripts have been
// stopped, unless they are to be left alone. Where another program carries on,
// requests are answered to the end before: those that come then wait for it.
func (h *Host) waitForEnd(ctx context.Context, closeFronts func() error) error {
	var idle <-chan struct{}
	if !h.options.StayUp {
		idle = h.supervisor.Idle()
	}
	select {
	case <-idle:
		return h.endSession()
	case <-h.leave:
		h.notifier.Leave()
		var err error
		if h.succeeded() {
			err = closeFronts()
		}
		h.supervisor.Leave()
		return err
	case <-ctx.Done():
	case <-h.end:
	}
	if err := h.supervisor.StopAll(context.WithoutCancel(ctx), h.hurry); err != nil {
		return fmt.Errorf("stop scripts: %w", err)
	}
	return h.endSession()
}

func (h *Host) endSession() error {
	if err := h.store.EndSession(context.Background()); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// begin opens the session and makes the scripts known.
func (h *Host) begin(ctx context.Context) error {
	if err := h.supervisor.Means(); err != nil {
		return err
	}
	if err := h.beginSession(ctx); err != nil {
		return err
	}
	return h.claimRoutes(ctx)
}

// Ready is closed when the host's scripts are known and requests are served.
func (h *Host) Ready() <-chan struct{} { return h.ready }

// Down makes Run stop the scripts and return.
func (h *Host) Down() { h.endOnce.Do(func() { close(h.end) }) }

// Hurry makes a stop that is under way kill what has not ended yet.
func (h *Host) Hurry() { h.hurried.Do(func() { close(h.hurry) }) }

// Leave makes Run return and leaves the scripts running.
func (h *Host) Leave() { h.left.Do(func() { close(h.leave) }) }

// Terminate stops the scripts that are not to outlive the host, dependents
// first, then makes Run return and leaves the others running; none where the
// host's directory is gone, without which no other host finds them.
func (h *Host) Terminate(ctx context.Context) error {
	if h.gone() {
		h.logger.Error("the scripts are stopped, as no other host could take them over: " + h.goneNotice())
		h.Down()
		return nil
	}
	defer h.Leave()
	err := h.supervisor.StopSome(ctx, h.hurry, func(s *config.Script) bool { return s.OnHostExit == "stop" })
	if err != nil {
		return fmt.Errorf("stop scripts: %w", err)
	}
	return nil
}

// Socket returns the path of the API's socket.
func (h *Host) Socket() string { return SocketPath(h.dir) }

// AwaitRead returns when the scripts known so far have been read, so that
// their parameters are known, or when ctx ends.
func (h *Host) AwaitRead(ctx context.Context) { h.reader.await(ctx) }

// Bus returns the live events, for a front end in the same process.
func (h *Host) Bus() *bus.Bus { return h.bus }

// Scripts returns what is true of every script now.
func (h *Host) Scripts() []registry.Script { return h.registry.Snapshot() }

func (h *Host) outcome() Outcome {
	var o Outcome
	for _, s := range h.registry.Snapshot() {
		o.Scripts = append(o.Scripts, ScriptOutcome{
			Name: s.Name, State: string(s.State), Reason: s.Reason, Run: s.Run,
		})
	}
	return o
}

// Emit takes facts in: they are numbered and kept, then known, acted on and
// shown. It returns when they are kept, and may wait for that.
func (h *Host) Emit(ctx context.Context, events ...script.Event) error {
	begun := time.Now()
	err := h.store.Append(ctx, events...)
	h.api.Appended(time.Since(begun))
	return err
}

// notices tells what a person should know of the host itself.
func (h *Host) notices() []string {
	var out []string
	for _, d := range h.store.Damages() {
		out = append(out, d.String())
	}
	if h.gone() {
		out = append(out, h.goneNotice())
	}
	return out
}

// gone reports whether the host's directory was removed or renamed under it.
func (h *Host) gone() bool { return !h.lock.holds(h.dir) }

func (h *Host) goneNotice() string {
	return fmt.Sprintf("the directory %s was removed or renamed: nothing is kept any more, and commands do not find this host; SIGTERM of process %d ends it and its scripts",
		h.dir, os.Getpid())
}

// logEnd tells how far a run's output was read.
func (h *Host) logEnd(ctx context.Context, run, stream string) (int64, bool, error) {
	last, err := h.store.LogEnd(ctx, run, stream)
	return last.End, last.Partial, err
}

// Swept is closed when scripts that an earlier host left running have been
// taken over, and the end of those that ended meanwhile is recorded.
func (h *Host) Swept() <-chan struct{} { return h.supervisor.Swept() }

// committed is called by the store for events that are kept, in order.
func (h *Host) committed(events []script.Event) {
	h.registry.Apply(events...)
	h.router.Observe(events)
	h.notifier.Observe(events)
	h.bus.Publish(events...)
	h.api.Count(events...)
}

func (h *Host) event(name string, body script.Body) script.Event {
	s, _ := h.registry.Brief(name)
	return script.Event{Time: time.Now(), Script: name, Run: s.Run, Body: body}
}
