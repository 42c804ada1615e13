// Package byhand does the work that the benchmark measures with nothing of
// mlhost's in between: the same processes and hops, written as plainly as
// gRPC, net/http and SQLite allow. Its parts run as processes of their own;
// Main is their entry.
package byhand

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

// Main runs one part: args[0] is its name, the rest are sockets and counts.
// It returns when the part has done its work or its standard input ends,
// which is how a part notices that the benchmark is gone.
func Main(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		_, _ = os.Stdin.Read(make([]byte, 1)) // nothing is ever sent: this waits for the end
	}()
	switch {
	case len(args) == 2 && args[0] == "plugin":
		return servePlugin(ctx, args[1])
	case len(args) == 4 && args[0] == "wrapper":
		return serveWrapper(ctx, args[1], args[2], args[3])
	case len(args) == 4 && args[0] == "host":
		return serveHost(ctx, args[1], args[2], args[3])
	case len(args) == 2 && args[0] == "pong":
		return servePong(ctx, args[1])
	case len(args) == 3 && args[0] == "ask":
		n, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return serveAsk(ctx, args[1], n)
	case len(args) == 3 && args[0] == "relay":
		return relay(ctx, args[1], args[2])
	case len(args) == 4 && args[0] == "broadcast":
		return serveBroadcast(ctx, args[1], args[2], args[3])
	case len(args) == 3 && args[0] == "listen":
		n, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return listen(ctx, args[1], n)
	}
	return fmt.Errorf("byhand: no part for %q", args)
}
