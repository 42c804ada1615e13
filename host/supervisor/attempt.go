package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// program is what is executed for a script.
type program struct {
	command command
	sum     string   // sha256 of the executable
	plugin  string   // its path, or "interpreter"
	argv    []string // of the plugin, or of the wrapped script
}

// attempt runs the script once: from the run directory to the end of the
// process. The place among the starting ones is given back as soon as the
// script is ready, or has ended.
func (u *unit) attempt(ctx context.Context, release func()) ending {
	release = sync.OnceFunc(release)
	defer release()
	u.s.update(func() { u.gen++; u.trying = true })
	p, err := u.open(ctx)
	if err != nil {
		return u.failed(ctx, p.run, err)
	}
	p.onReady = release
	u.s.update(func() { u.process = p })
	return p.serve(ctx)
}

// settle notes that the attempt has ended.
func (u *unit) settle() {
	u.s.update(func() { u.process, u.trying, u.over = nil, false, true })
}

// failed reports an attempt whose run did not begin.
func (u *unit) failed(ctx context.Context, run string, err error) ending {
	if ctx.Err() != nil {
		u.settle()
		if isClosed(u.s.leaving) {
			return ending{left: true}
		}
		u.stopped(ctx, run)
		return ending{run: run, state: script.Stopped}
	}
	e := blame(u.config(), err)
	u.settle()
	end := ending{run: run, state: script.Failed, reason: reason(script.AsError(err), e.At), fatal: fatal(err)}
	u.s.logger.Info("start script", "script", u.name, "error", e)
	end = u.conclude(ctx, end)
	u.s.update(func() { u.err = e }) // who waits for it sees the state too
	return end
}

// reason words an error for a state: with its place and its hint, without the
// script's name, which stands beside it.
func reason(e *script.Error, at string) string {
	c := *e
	if c.At == "" {
		c.At = at
	}
	return c.Error()
}

// fatal reports whether another try would fail the same way.
func fatal(err error) bool {
	switch script.CodeOf(err) {
	case script.CodeUnavailable, script.CodeDeadline, script.CodeInternal, script.CodeIO:
		return false
	}
	return true
}

// open makes a described, validated process that has not begun its run. On an
// error nothing of it is left.
func (u *unit) open(ctx context.Context) (p *Process, err error) {
	p = newProcess(u)
	if p.run, p.home, err = u.s.newRunDir(); err != nil {
		p.run = ""
		return p, err
	}
	p.dir = p.home
	defer func() {
		if err != nil {
			err = joined(err, p.abandon())
		}
	}()
	u.s.tell(u.s.event(u.name, p.run, script.StateChanged{State: script.Starting}))
	u.note(script.Starting, "")
	p.instance = instance{Run: p.run, Script: u.name, Launched: u.s.clock.Now()}
	if p.instance.BootID, err = bootID(); err != nil {
		return p, err
	}
	conf := u.asStarted()
	found := p.discover(ctx, conf)
	if p.program, err = u.s.program(conf, p.run, p.dir, &u.s.binaries, found); err != nil {
		return p, err
	}
	p.goesOn = p.findCheckpoint(ctx, conf, found)
	if err = beginInstance(p.home, p.instance); err != nil {
		return p, err
	}
	if err = p.connect(ctx); err != nil {
		return p, err
	}
	return p, p.prepare(ctx)
}

// asStarted is the script's configuration, with the arguments that it was
// started with.
func (u *unit) asStarted() *config.Script {
	conf := u.config()
	u.s.mu.Lock()
	extra := u.extra
	u.s.mu.Unlock()
	if len(extra) == 0 {
		return conf
	}
	with := *conf
	with.Args = slices.Concat(conf.Args, extra)
	return &with
}

// newRunDir makes the directory of a new run.
func (s *Supervisor) newRunDir() (run, dir string, err error) {
	for {
		run = NewRunID(s.clock.Now())
		dir = filepath.Join(s.options.Dir, "runs", run)
		if err = makeRunDir(dir); !errors.Is(err, fs.ErrExist) {
			return run, dir, err
		}
	}
}

// discover reads the script, if it is one that is read. That it cannot be read
// is told, and harms nothing else.
func (p *Process) discover(ctx context.Context, conf *config.Script) *script.Catalogue {
	if p.s.options.Discover == nil || !conf.IsRead() {
		return nil
	}
	limit := p.s.options.ReadTimeout
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	found, err := p.s.options.Discover(ctx, conf)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		p.warn("the script's parameters are not known before it tells them: it could not be read within %s", limit)
	case err != nil:
		p.warn("the script's parameters are not known before it tells them: %v", err)
	default:
		return &found
	}
	return nil
}

// program finds out what to execute for a script. A plugin is executed where
// copies puts it. mark is what marks its processes; found is what reading the
// script told of it.
func (s *Supervisor) program(conf *config.Script, mark, dir string, copies *binaries, found *script.Catalogue) (program, error) {
	p := pluginProgram(conf)
	p.command.mark, p.command.runDir = mark, dir
	var err error
	if conf.Plugin != "" {
		p.sum, p.command.path, err = copies.prepare(conf.Plugin, conf.SHA256)
		if err == nil {
			err = config.Error(conf.CheckFiles()) // the working directory
		}
	} else {
		if err = config.Error(conf.CheckFiles()); err != nil {
			return p, err
		}
		launch := conf.LaunchWith(dir, found)
		p.plugin = "interpreter"
		p.argv = launch.Command()
		p.command.args = []string{"plugin", "serve", "interpreter", "--launch", filepath.Join(dir, launchFile)}
		p.command.dir = "" // the wrapper takes its script there, with its environment
		p.command.env = environment(nil)
		if p.sum, p.command.path, err = copies.prepare(s.options.Executable, ""); err == nil {
			err = writeLaunch(dir, launch)
		}
	}
	return p, err
}

// pluginProgram is what the configuration says of how a plugin is executed,
// whichever build of it.
func pluginProgram(conf *config.Script) program {
	return program{
		plugin: conf.Plugin, argv: slices.Concat([]string{conf.Plugin}, conf.Args),
		command: command{args: conf.Args, env: environment(conf.Env), dir: conf.Directory},
	}
}

func writeLaunch(dir string, launch script.Launch) error {
	b, err := json.MarshalIndent(launch, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", launchFile, err)
	}
	return writeFile(filepath.Join(dir, launchFile), append(b, '\n'), false)
}

// environment is this process's with extra laid over, without what a host
// above this one may have put in for a plugin.
func environment(extra map[string]string) []string {
	var env []string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		_, replaced := extra[name]
		switch name {
		case markName, wire.Handshake.MagicCookieKey, wire.HelloEnv, "MLHOST_FD":
			continue
		}
		if replaced || strings.HasPrefix(name, "PLUGIN_") {
			continue
		}
		env = append(env, v)
	}
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		env = append(env, name+"="+extra[name])
	}
	return env
}

// dial makes the connection to a plugin's socket, "unix:/path" or
// "tcp:host:port". It does not wait for it.
func dial(addr string) (*grpc.ClientConn, error) {
	target := addr
	if rest, ok := strings.CutPrefix(addr, "tcp:"); ok {
		target = "passthrough:///" + rest
	}
	conn, err := grpc.NewClient(target, append(wire.DialOptions(),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy(), grpc.WithDisableServiceConfig())...)
	if err != nil {
		return nil, fmt.Errorf("dial plugin: %w", err)
	}
	return conn, nil
}

// connect launches the process and makes sure that it is the right one.
func (p *Process) connect(ctx context.Context) error {
	var err error
	if p.child, err = launch(ctx, p.program.command, p.s.options.StartTimeout); err != nil {
		return err
	}
	if p.conn, err = dial(p.child.addr); err != nil {
		return err
	}
	p.client = wire.NewClient(p.conn)
	return p.identify(ctx)
}

// identify finds out who the process is: it has said so, or else is asked. It
// is the first thing after a launch.
func (p *Process) identify(ctx context.Context) error {
	if hello := p.child.hello; hello != nil {
		p.identity = hello.Identity(p.program.sum)
		p.instance.Nonce = hello.Nonce
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, p.s.options.CallTimeout)
	defer cancel()
	id, err := p.client.Identify(ctx)
	if err != nil {
		return p.explain("identify itself", err)
	}
	if id.Nonce == "" {
		return script.Errorf(script.CodeRejected, "the process behind its socket does not identify itself").
			WithHint("rebuild the plugin with the SDK of this mlhost")
	}
	p.instance.Nonce = id.Nonce
	p.identity = id
	return nil
}

// prepare finds out what the script takes, and whether it takes what is set.
func (p *Process) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.s.options.StartTimeout)
	defer cancel()
	d, err := p.describe(ctx)
	if err != nil {
		return p.explain("describe itself", err)
	}
	values, specs, diags := p.config().Resolve(d)
	if err := config.Error(diags); err != nil {
		return err
	}
	p.plain = d
	d.Parameters = specs
	p.described = d
	if err := p.settle(ctx, values); err != nil {
		return err
	}
	p.handCheckpoint(ctx)
	return nil
}

// describe finds out what the process takes and reports: from what another
// process of the same program said, where it says that its own answer would be
// the same.
func (p *Process) describe(ctx context.Context) (script.Description, error) {
	digest := ""
	if p.child.hello != nil {
		digest = p.child.hello.Description
	}
	key := p.program.sum + " " + digest
	if known, ok := p.s.described.Load(key); ok && digest != "" {
		return known.(script.Description), nil
	}
	d, err := p.client.Describe(ctx)
	if err == nil && digest != "" {
		p.s.described.Store(key, d)
	}
	return d, err
}

// explain words the failure of a call. A process that has died says more than
// the call does.
func (p *Process) explain(what string, err error) error {
	if script.CodeOf(err) == script.CodeDeadline {
		return script.Errorf(script.CodeDeadline, "it did not %s in time%s", what, saying(p.dir)).
			WithHint("the process was ended")
	}
	if script.CodeOf(err) != script.CodeUnavailable {
		return err
	}
	if !p.dies() {
		return err
	}
	return script.Errorf(script.CodeUnavailable, "it ended before it could %s: %s%s", what,
		describeExit(p.child.reap()), saying(p.dir))
}
