package supervisor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk"
	"github.com/mlhost/mlhost/shared/wire"
)

// hostName is the variable that makes this test binary a host on a directory,
// which is killed at a step of the start of its script.
const hostName = "MLHOST_TEST_HOST"

// The steps of a start, each at its end, and who kills the host there.
const (
	stepStarting = "starting" // host: the start is told, nothing is launched
	stepBorn     = "born"     // plugin: it has just been launched
	stepHalf     = "half"     // plugin: it has said where it is, and not yet who
	stepHello    = "hello"    // host: it has said all
	stepDescribe = "describe" // plugin: it is asked to describe itself
	stepValidate = "validate" // plugin: it is asked about values
	stepRecorded = "recorded" // host: the run is told to have begun
	stepStart    = "start"    // plugin: it is told to begin
	stepRun      = "run"      // plugin: it has begun
	stepRunning  = "running"  // host: that is told
)

// beHost runs one script on dir and notes what it tells in a file there.
func beHost(dir, step string) {
	note := func(line string) {
		f, err := os.OpenFile(filepath.Join(dir, "told"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err == nil {
			_, err = f.WriteString(line + "\n")
		}
		if err = errors.Join(err, f.Close()); err != nil {
			panic(err)
		}
	}
	die := func(at string) {
		if at == step {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	s := New(Options{
		Dir: dir,
		Emit: func(_ context.Context, events ...script.Event) error {
			for _, e := range events {
				switch b := e.Body.(type) {
				case script.StateChanged:
					note(string(b.State) + " " + e.Run)
					if b.State == script.Starting && b.PID == 0 {
						die(stepStarting)
					}
					if b.State == script.Running {
						die(stepRunning)
					}
				case script.RunStarted:
					defer die(stepRecorded)
				}
			}
			return nil
		},
		Kept: func(context.Context, string) (map[string]script.Value, uint64, map[string]string, error) {
			die(stepHello)
			return nil, 0, nil, nil
		},
	})
	s.binaries.dir = ""
	if err := os.WriteFile(filepath.Join(dir, "host"), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		panic(err)
	}
	if err := s.Add(killedConf(dir, step)); err != nil {
		panic(err)
	}
	panic(fmt.Sprint("the host ends by itself: ", s.Run(context.Background())))
}

func killedConf(dir, step string) *config.Script {
	conf := testPlugin("trainer", "kills:"+step)
	conf.Directory = dir
	return conf
}

// killsHost kills the host that was to be killed at this step, once.
func killsHost(dir, at, step string) bool {
	if at != step {
		return false
	}
	f, err := os.OpenFile(filepath.Join(dir, "killed"), os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return false
	}
	_ = f.Close()
	text, err := os.ReadFile(filepath.Join(dir, "host"))
	if err != nil || string(text) != strconv.Itoa(os.Getppid()) {
		fmt.Fprintln(os.Stderr, "the host is another one:", string(text), err)
		os.Exit(64)
	}
	if err := syscall.Kill(os.Getppid(), syscall.SIGKILL); err != nil {
		panic(err)
	}
	for os.Getppid() == killedPID(text) { // until it is gone
		time.Sleep(time.Millisecond)
	}
	return true
}

func killedPID(text []byte) int {
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		panic(err)
	}
	return pid
}

// beKiller is a plugin that kills its host at a step, if that is one of its own,
// and waits in its run.
func beKiller(step string) {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	killsHost(dir, stepBorn, step)
	if step == stepHalf && !exists(filepath.Join(dir, "killed")) {
		fd, err := strconv.Atoi(os.Getenv(wire.HelloEnv))
		if err == nil {
			_, err = syscall.Write(fd, []byte("1|1|unix|/nowhere|grpc|\n"))
		}
		if err != nil {
			panic(err)
		}
		killsHost(dir, stepHalf, step)
		forever()
	}
	if step == stepDescribe && !exists(filepath.Join(dir, "killed")) {
		serveRaw(wire.ProtocolVersion, &rawServer{describe: func(context.Context) { killsHost(dir, stepDescribe, step); forever() }})
	}
	sdk.Serve(&killer{dir: dir, step: step})
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

type killer struct {
	testScript
	dir, step string
	asked     int
}

// Validate is called by Validate, and then by Start.
func (k *killer) Validate(map[string]script.Value) error {
	k.asked++
	if k.asked == 1 {
		killsHost(k.dir, stepValidate, k.step)
	} else {
		killsHost(k.dir, stepStart, k.step)
	}
	return nil
}

func (k *killer) Run(ctx context.Context, _ *sdk.Session) error {
	f, err := os.OpenFile(filepath.Join(k.dir, "begun"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(f, os.Getpid())
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	killsHost(k.dir, stepRun, k.step)
	fmt.Println("waiting")
	<-ctx.Done()
	return ctx.Err()
}

// Wherever in a start a host is killed, the next one goes on with the process
// when that has begun its run, and else ends it and starts anew: the script
// runs once, and nothing is left.
func TestHostKilledWhileItStartsAScript(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		step    string
		adopted bool
	}{
		{stepStarting, false}, {stepBorn, false}, {stepHalf, false}, {stepHello, false}, {stepDescribe, false}, {stepValidate, false},
		{stepRecorded, false}, {stepStart, true}, {stepRun, true}, {stepRunning, true},
	} {
		t.Run(tt.step, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			host := exec.CommandContext(t.Context(), exe)
			host.Env = append(os.Environ(), hostName+"="+dir+":"+tt.step)
			host.Stderr = os.Stderr
			if err := host.Run(); err == nil || host.ProcessState.ExitCode() != -1 {
				t.Fatalf("the host was not killed: %v", err)
			}
			conf := killedConf(dir, tt.step)
			r := newRig(t, Options{Dir: dir}, conf)
			if run, state := lastTold(t, dir); state != "" {
				if err := r.Recall("trainer", run, state, ""); err != nil {
					t.Fatal(err)
				}
			}
			r.start()
			r.log("trainer", "waiting")
			r.state("trainer", script.Running, 1)
			begun, err := os.ReadFile(filepath.Join(dir, "begun"))
			pid := r.process("trainer").PID()
			if err != nil || string(begun) != fmt.Sprintln(pid) {
				t.Errorf("runs were begun by %q, and %d runs: %v", begun, pid, err)
			}
			if n := len(bodies[script.RunStarted](r.said(), "trainer")); (n == 0) != tt.adopted {
				t.Errorf("%d runs were begun anew", n)
			}
		})
	}
}

// lastTold is the run and the state that a host told last.
func lastTold(t *testing.T, dir string) (run string, state script.State) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "told"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", ""
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		s, of, _ := strings.Cut(lines.Text(), " ")
		state = script.State(s)
		if of != "" {
			run = of
		}
	}
	return run, state
}
