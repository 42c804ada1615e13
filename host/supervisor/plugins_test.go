package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	goplugin "github.com/hashicorp/go-plugin"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk"
	"github.com/mlhost/mlhost/shared/wire"
	shim "github.com/mlhost/mlhost/shared/wire/goplugin"
)

// bePlugin is the main function of this binary as a plugin. The kind may have
// an argument behind a colon.
func bePlugin(kind string) {
	kind, arg, _ := strings.Cut(kind, ":")
	if run, ok := scripts[kind]; ok {
		sdk.Serve(&testScript{run: run, arg: arg})
	}
	switch kind {
	case "turns":
		beTurns()
	case "older":
		serveRaw(wire.ProtocolVersion, &talkativeServer{})
	case "talkative":
		if arg != "" {
			beTalkative(arg)
		}
		beTalkative()
	case "kills":
		beKiller(arg)
	case "slow": // begins when somebody has opened the pipe that arg names, and closed it
		said, err := os.ReadFile(arg)
		if err != nil || len(said) > 0 {
			fmt.Fprintln(os.Stderr, string(said), err)
			os.Exit(3)
		}
		sdk.Serve(&testScript{run: scripts["waits"]})
	case "noisy":
		fmt.Println("hello\x1b[2J, I am no plugin")
		fmt.Fprintln(os.Stderr, "and I say why")
		sdk.Serve(&testScript{run: scripts["steps"]})
	case "mute":
		fmt.Fprintln(os.Stderr, "importing torch")
		forever()
	case "early":
		fmt.Fprintln(os.Stderr, "no such device")
		os.Exit(3)
	case "old":
		serveRaw(wire.ProtocolVersion+6, &rawServer{})
	case "describe-dies":
		serveRaw(wire.ProtocolVersion, &rawServer{describe: func(context.Context) {
			_, _ = syscall.Write(2, []byte("out of luck\n")) // go-plugin took os.Stderr
			os.Exit(4)
		}})
	case "describe-hangs":
		serveRaw(wire.ProtocolVersion, &rawServer{describe: func(context.Context) { select {} }})
	case "silent":
		serveRaw(wire.ProtocolVersion, &rawServer{})
	case "no-start":
		serveRaw(wire.ProtocolVersion, &rawServer{start: script.Errorf(script.CodeRejected, "this machine has no GPU")})
	}
	fmt.Fprintln(os.Stderr, "unknown kind", kind)
	os.Exit(64)
}

// forever blocks until the process is killed.
func forever() {
	signal.Ignore(syscall.SIGTERM)
	select {}
}

// rawServer is a plugin without the SDK, for what the SDK does not let one do.
type rawServer struct {
	wire.Server
	describe func(context.Context)
	start    error
}

func (s *rawServer) Identify(context.Context) (wire.Identity, error) {
	return wire.Identity{Nonce: "raw", PID: os.Getpid()}, nil
}

func (s *rawServer) Describe(ctx context.Context) (script.Description, error) {
	if s.describe != nil {
		s.describe(ctx)
	}
	return script.Description{}, nil
}

func (s *rawServer) Validate(context.Context, map[string]script.Value) ([]wire.Diagnostic, error) {
	return nil, nil
}

func (s *rawServer) Start(context.Context, wire.StartRequest) error { return s.start }

func serveRaw(version uint, server wire.Server) {
	handshake := shim.Handshake
	handshake.ProtocolVersion = version
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: handshake, Plugins: shim.ServerPlugins(server), GRPCServer: wire.NewGRPCServer,
	})
	os.Exit(0)
}

// testScript is a plugin of the SDK.
type testScript struct {
	run func(ctx context.Context, s *sdk.Session, arg string) error
	arg string
}

func (t *testScript) Describe() script.Description {
	return script.Description{
		Name: "test",
		Parameters: []script.ParameterSpec{
			{Name: "rate", Type: script.TypeFloat, Default: script.Float(0.5), Min: script.Float(0), Max: script.Float(1)},
			{Name: "text", Type: script.TypeString, Default: script.String("")},
			{Name: "steps", Type: script.TypeInt, Default: script.Int(3)},
		},
		Variables: []script.VariableSpec{{Name: "loss", Type: script.TypeFloat, ReadOnly: true}},
	}
}

func (t *testScript) Validate(values map[string]script.Value) error {
	if n, _ := values["steps"].Int(); n == 13 {
		return errors.New("13 steps bring bad luck")
	}
	return nil
}

func (t *testScript) Run(ctx context.Context, s *sdk.Session) error { return t.run(ctx, s, t.arg) }

var scripts = map[string]func(ctx context.Context, s *sdk.Session, arg string) error{
	// steps takes the given number of steps and ends well.
	"steps": func(ctx context.Context, s *sdk.Session, _ string) error {
		for i := range s.Int("steps") {
			s.Set("loss", float64(i))
			if err := s.Step(ctx); err != nil {
				return err
			}
		}
		s.Result("rate", s.Float("rate"))
		return nil
	},
	// many reports so many samples.
	"many": func(ctx context.Context, s *sdk.Session, arg string) error {
		n, err := strconv.Atoi(arg)
		for i := range n {
			s.Set("loss", float64(i))
		}
		return err
	},
	// counts reports 0, 1, 2 … until it is stopped.
	"counts": func(ctx context.Context, s *sdk.Session, _ string) error {
		for n := 0; ; n++ {
			s.Set("loss", float64(n))
			select {
			case <-time.After(time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	},
	// talks reports and prints 0, 1, 2 … until it is stopped, or until its text
	// says "end", "fail" or "vanish".
	"talks": func(ctx context.Context, s *sdk.Session, _ string) error {
		for n := 0; ; n++ {
			s.Set("loss", float64(n))
			fmt.Println(n)
			switch s.Text("text") {
			case "end":
				s.Result("rate", s.Float("rate"))
				return nil
			case "fail":
				return &sdk.Exit{Code: 7, Reason: "exit code 7"}
			case "vanish":
				return errors.Join(syscall.Kill(os.Getpid(), syscall.SIGKILL), errors.New("not killed"))
			}
			time.Sleep(time.Millisecond) // it is to talk on and on
			if err := s.Step(ctx); err != nil {
				return err
			}
		}
	},
	// waits runs until it is stopped; "ready" tells that it is there.
	"waits": func(ctx context.Context, s *sdk.Session, _ string) error {
		fmt.Println("waiting")
		<-ctx.Done()
		return ctx.Err()
	},
	// deaf does not end when it is told to.
	"deaf": func(context.Context, *sdk.Session, string) error {
		fmt.Println("deaf")
		select {}
	},
	// fails ends with an exit code.
	"fails": func(_ context.Context, _ *sdk.Session, arg string) error {
		code, err := strconv.Atoi(arg)
		return errors.Join(err, &sdk.Exit{Code: code, Reason: "exit code " + arg})
	},
	// hopeless fails of something that the next try would fail of too.
	"hopeless": func(context.Context, *sdk.Session, string) error {
		return &sdk.Exit{Code: 1, Reason: "lambda is above 0.5", Final: true}
	},
	// panics crashes the process from another goroutine.
	"panics": func(ctx context.Context, _ *sdk.Session, _ string) error {
		go func() { panic("no more memory") }()
		<-ctx.Done()
		return nil
	},
	// poison writes what makes go-plugin's own log reader panic.
	"poison": func(context.Context, *sdk.Session, string) error {
		fmt.Fprintln(os.Stderr, `{"@message": 1}`)
		fmt.Fprintln(os.Stderr, `{"@level": {}, "@timestamp": []}`)
		return nil
	},
	// long writes a line that is longer than go-plugin's scanner takes.
	"long": func(context.Context, *sdk.Session, string) error {
		line := strings.Repeat("x", 70<<10)
		for range 3 {
			if _, err := syscall.Write(1, []byte(line+"\n")); err != nil {
				return err
			}
		}
		fmt.Println("after")
		return nil
	},
	// echo sends its text back as a result, at each change.
	"echo": func(ctx context.Context, s *sdk.Session, _ string) error {
		s.OnChange("text", func(_, now script.Value) { s.Result("text", now) })
		fmt.Println("waiting")
		<-ctx.Done()
		return ctx.Err()
	},
	// prints writes a line each millisecond, until the file named by arg is there.
	"prints": func(ctx context.Context, _ *sdk.Session, arg string) error {
		for n := 0; ; n++ {
			fmt.Println("line", n, strings.Repeat("y", 1000))
			fmt.Fprintln(os.Stderr, "error", n)
			select {
			case <-time.After(time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
			if _, err := os.Stat(arg); err == nil {
				return nil
			}
		}
	},
	// family starts children that do not end with it.
	"family": func(ctx context.Context, _ *sdk.Session, arg string) error {
		for _, how := range []string{`sleep 1000 & echo first`, `setsid sh -c 'trap "" TERM; (sleep 1000 & sleep 1000) & echo second; wait' &`} {
			cmd := exec.CommandContext(ctx, "sh", "-c", how)
			cmd.Stdout = os.Stdout
			if err := cmd.Run(); err != nil {
				return err
			}
		}
		if arg == "ends" {
			return nil
		}
		fmt.Println("waiting")
		<-ctx.Done()
		return ctx.Err()
	},
}
