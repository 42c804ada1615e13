// Package conformance checks that a plugin binary keeps the protocol's
// promises. It starts the binary, as a host would, and plays through a run.
package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/wire"
)

// ErrSkipped is in the chain of what is reported for a check that does not
// apply to the plugin.
var ErrSkipped = errors.New("skipped")

// limit bounds each check.
const limit = 15 * time.Second

// kit is one play through a run.
type kit struct {
	*process
	description script.Description
	parameters  map[string]script.Value
	listener    *listener
}

// check is one promise.
type check struct {
	name string
	run  func(ctx context.Context, k *kit) error
}

// checks, in the order of a run's life. The first four must hold for the
// others to have a meaning.
var checks = []check{
	{"identify", checkIdentify},
	{"describe", checkDescribe},
	{"validate", checkValidate},
	{"start", checkStart},
	{"events", checkEvents},
	{"start twice", checkStartTwice},
	{"set", checkSet},
	{"set twice", checkSetTwice},
	{"set on a revision", checkRevision},
	{"set of bad values", checkBadValues},
	{"set of variables", checkVariables},
	{"large message", checkLargeMessage},
	{"pause and resume", checkPause},
	{"message", checkMessage},
	{"replay", checkReplay},
	{"stop", checkStop},
	{"exit record", checkExitRecord},
	{"end of process", checkEnd},
}

const essential = 4

// Run starts the plugin at path and reports each check as it ends: with nil,
// with an error that says what is wrong, or with ErrSkipped in its chain. It
// returns whether no check failed. Parameters that need a value get one that
// fits their specs. The plugin's process is gone when Run returns.
func Run(ctx context.Context, path string, report func(check string, err error)) bool {
	dir, err := os.MkdirTemp("", "mlhost")
	if err != nil {
		report("handshake", fmt.Errorf("make directory: %w", err))
		return false
	}
	defer func() { _ = os.RemoveAll(dir) }() // the system's cleaner gets what is left
	started, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	p, err := launch(started, path, dir)
	report("handshake", err)
	if err != nil {
		return false
	}
	k := &kit{process: p}
	ok := true
	for i, c := range checks {
		err := k.try(ctx, c)
		report(c.name, err)
		if err != nil && !errors.Is(err, ErrSkipped) {
			ok = false
			if i < essential {
				break
			}
		}
	}
	if k.listener != nil {
		k.listener.close()
	}
	if err := p.kill(); err != nil {
		report("end of process", err)
		ok = false
	}
	return ok
}

func (k *kit) try(ctx context.Context, c check) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := c.run(ctx, k)
	if script.CodeOf(err) == script.CodeUnavailable && k.listener != nil && k.listener.over() {
		return fmt.Errorf("%w: the run is over already", ErrSkipped)
	}
	return err
}

func skip(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrSkipped}, args...)...)
}

func checkIdentify(ctx context.Context, k *kit) error {
	first, err := k.client.Identify(ctx)
	if err != nil {
		return err
	}
	second, err := k.client.Identify(ctx)
	switch {
	case err != nil:
		return err
	case first.Nonce == "":
		return errors.New("the nonce is empty")
	case first.Nonce != second.Nonce:
		return errors.New("the nonce is another one at the second call")
	case first.PID != k.cmd.Process.Pid:
		return fmt.Errorf("the pid is said to be %d, and is %d", first.PID, k.cmd.Process.Pid)
	case first.API != wire.ProtocolVersion:
		return fmt.Errorf("the api version is %d, not %d", first.API, wire.ProtocolVersion)
	case first.Run != "" || first.State != script.Ready:
		return fmt.Errorf("before its start the run is %q and the state %q, not \"\" and ready", first.Run, first.State)
	}
	return nil
}
