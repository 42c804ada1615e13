package interpreter

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlhost/mlhost/internal/left"
	"golang.org/x/sys/unix"

	"github.com/mlhost/mlhost/shared/script"
)

// launchVariable makes the test binary a wrapper process for a launch file.
const launchVariable = "MLHOST_TEST_LAUNCH"

func TestMain(m *testing.M) {
	if file := os.Getenv(launchVariable); file != "" {
		fmt.Fprintln(os.Stderr, Serve(file))
		os.Exit(1)
	}
	left.Main(m)
}

// limit bounds every wait of a test; it is reached only when something is wrong.
const limit = 20 * time.Second

// host is a session that keeps what it is told.
type host struct {
	t      *testing.T
	run    string
	dir    string
	values map[string]script.Value
	call   func(context.Context, script.Message) (script.Reply, error)

	mu     sync.Mutex // guards all below
	cond   *sync.Cond
	bodies []script.Body
	known  script.Description
	pid    int
}

func newHost(t *testing.T) *host {
	h := &host{t: t, run: "run" + strings.ReplaceAll(filepath.Base(t.TempDir())+t.Name(), "/", "-"), dir: t.TempDir(), values: map[string]script.Value{}}
	h.cond = sync.NewCond(&h.mu)
	return h
}

func (h *host) Run() string                     { return h.run }
func (h *host) Script() string                  { return "fit" }
func (h *host) RunDir() string                  { return h.dir }
func (h *host) Values() map[string]script.Value { return h.values }
func (h *host) Given() map[string]script.Value  { return h.values }
func (h *host) Revision() uint64                { return 7 }

func (h *host) SetParameters(map[string]any) error {
	return script.Errorf(script.CodeNotFound, "no such parameter")
}

func (h *host) SetPID(pid int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pid = pid
	h.cond.Broadcast()
}

func (h *host) Declare(d script.Description, values map[string]script.Value) {
	h.mu.Lock()
	h.known.Parameters = append(h.known.Parameters, d.Parameters...)
	h.known.Variables = append(h.known.Variables, d.Variables...)
	h.known.Topics = append(h.known.Topics, d.Topics...)
	h.known.Capabilities = append(h.known.Capabilities, d.Capabilities...)
	if d.Doc != "" {
		h.known.Doc = d.Doc
	}
	h.mu.Unlock()
	h.Emit(script.Described{Description: d, Values: values})
}

func (h *host) Retract(names ...string) {
	h.mu.Lock()
	h.known.Parameters = slices.DeleteFunc(h.known.Parameters, func(p script.ParameterSpec) bool { return slices.Contains(names, p.Name) })
	known := h.known
	h.mu.Unlock()
	h.Emit(script.Described{Description: known})
}

func (h *host) Emit(b script.Body) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.bodies = append(h.bodies, b)
	h.cond.Broadcast()
}

func (h *host) Call(ctx context.Context, m script.Message) (script.Reply, error) {
	if h.call == nil {
		return script.Reply{}, script.Errorf(script.CodeNotConnected, "there is no host")
	}
	return h.call(ctx, m)
}

// wait waits until some body satisfies ok, and returns it.
func wait[B script.Body](h *host, ok func(B) bool) B {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	over := false
	timer := time.AfterFunc(limit, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		over = true
		h.cond.Broadcast()
	})
	defer timer.Stop()
	for seen := 0; ; {
		for ; seen < len(h.bodies); seen++ {
			if b, is := h.bodies[seen].(B); is && ok(b) {
				return b
			}
		}
		if over {
			h.t.Fatalf("what the test waits for did not come; the last of %d are %+v", seen, h.bodies[max(0, seen-20):])
		}
		h.cond.Wait()
	}
}

// of returns all bodies of one kind.
func of[B script.Body](h *host) []B {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []B
	for _, b := range h.bodies {
		if b, is := b.(B); is {
			found = append(found, b)
		}
	}
	return found
}

// lines returns the complete lines of an output stream.
func (h *host) lines(stream string) []string {
	var lines []string
	var rest strings.Builder
	for _, l := range of[script.LogLine](h) {
		if l.Stream != stream {
			continue
		}
		rest.WriteString(l.Text)
		if !l.Partial {
			lines = append(lines, rest.String())
			rest.Reset()
		}
	}
	return lines
}

func (h *host) warnings() string {
	var text []string
	for _, w := range of[script.Warned](h) {
		text = append(text, w.Text)
	}
	return strings.Join(text, "\n")
}

func (h *host) waitLine(stream, text string) {
	h.t.Helper()
	wait(h, func(l script.LogLine) bool { return l.Stream == stream && strings.Contains(l.Text, text) })
}

// job is a run under way.
type job struct {
	*run
	ended chan struct{}
	code  int
	err   error
}

// launch starts a script of the given text.
func launch(t *testing.T, h *host, interpreter, source string, change func(*script.Launch)) *job {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "script")
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	l := script.Launch{Script: "fit", Source: path, Interpreter: []string{interpreter}, Profile: "generic", Directory: dir}
	if change != nil {
		change(&l)
	}
	for _, p := range l.Parameters {
		if _, ok := h.values[p.Spec.Name]; p.Set && !ok {
			h.values[p.Spec.Name] = p.Spec.Default
		}
	}
	j := &job{run: newRun(l, h, false), ended: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(j.ended)
		j.code, j.err = j.execute(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-j.ended
	})
	return j
}

// wait waits for the end of the run.
func (j *job) wait(t *testing.T) (int, error) {
	t.Helper()
	select {
	case <-j.ended:
	case <-time.After(2 * limit):
		t.Fatal("the run does not end")
	}
	return j.code, j.err
}

// withLines makes a launch speak lines.
func withLines(l *script.Launch) { l.Protocol = "lines" }

func set(name string, v script.Value) script.LaunchParameter {
	return script.LaunchParameter{Spec: script.ParameterSpec{Name: name, Type: script.TypeOf(v), Default: v}, Set: true, At: "lab.hcl:7"}
}

// needs skips a test on a machine without a program.
func needs(t *testing.T, program string) string {
	t.Helper()
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if path := filepath.Join(dir, program); executable(path, path) == nil {
			return path
		}
	}
	t.Skipf("%s is not installed on this machine", program)
	return ""
}

// alive tells which of the run's processes are left.
func (h *host) alive() []int {
	pids, err := killer{run: h.run}.leftovers()
	if err != nil {
		h.t.Fatal(err)
	}
	slices.Sort(pids)
	return pids
}

func makeFifo(t *testing.T, l *script.Launch) {
	t.Helper()
	path := filepath.Join(l.Directory, "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0) // so that opening it never waits
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
}

func writeFifo(t *testing.T, j *job) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(j.launch.Directory, "fifo"), []byte("go\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}
