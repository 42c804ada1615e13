package python

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// Executed tells what was executed of a script to see its real parser.
type Executed struct {
	Interpreter string   `json:"interpreter"`
	Parser      string   `json:"parser"`  // the library whose parser it came to; "" for none
	Ended       string   `json:"ended"`   // "parsed", or how the script ended before that
	Refused     []string `json:"refused"` // what it tried on the way and was refused
}

// Told says in words how the execution went.
func (e Executed) Told() string {
	if e.Parser != "" {
		return "up to the first parse, by " + e.Parser
	}
	return e.Ended
}

// observed is the line that the program in observe writes.
type observed struct {
	Parser     string   `json:"parser"`
	Ended      string   `json:"ended"`
	Line       int      `json:"line"`
	Refused    []string `json:"refused"`
	Parameters []struct {
		Parameter
		Computed bool `json:"computed"` // the default is an object that has no place in JSON
	} `json:"parameters"`
}

// runLimit is how long a script may take to come to its parser.
const runLimit = 10 * time.Second

// Observe executes a script with the project's own interpreter up to its
// first parse, with files for writing, sockets and processes refused, and
// corrects what reading it has told. A script that does not come that far
// keeps what reading told, with a problem that says so.
func Observe(ctx context.Context, o DiscoverOptions, interpreter []string, read Discovered) (Discovered, error) {
	d, err := newDiscoverer(o)
	if err != nil {
		return read, fmt.Errorf("observe a parser: %w", err)
	}
	limit := o.Limit
	if limit == 0 {
		limit = runLimit
	}
	read.Executed = &Executed{Interpreter: strings.Join(interpreter, " "), Refused: []string{}}
	line, ended, err := observe(ctx, filepath.Join(d.program, "observe"), interpreter, read.Path, limit)
	if err != nil {
		return read, fmt.Errorf("observe a parser: %w", err)
	}
	if line == nil {
		read.Executed.Ended = ended
		read.problem(0, "executed: "+ended+"; what is listed comes from reading it")
		return read, nil
	}
	var seen observed
	if err := json.Unmarshal(line, &seen); err != nil {
		return read, fmt.Errorf("observe a parser: %w", err)
	}
	read.correct(seen)
	return read, nil
}

// observe runs the program, and returns its line, or how it ended without one.
func observe(parent context.Context, program string, interpreter []string, path string, limit time.Duration) (line []byte, ended string, err error) {
	ctx, cancel := context.WithTimeout(parent, limit)
	defer cancel()
	results, theirs, err := os.Pipe()
	if err != nil {
		return nil, "", err
	}
	defer results.Close()
	args := append(slices.Clone(interpreter[1:]), "-B", program, "3", path)
	cmd := exec.CommandContext(ctx, interpreter[0], args...)
	cmd.Dir = filepath.Dir(path)
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var told tail
	cmd.Stderr = &told
	if err := errors.Join(cmd.Start(), theirs.Close()); err != nil {
		return nil, "", err
	}
	read := make(chan []byte, 1)
	go func() {
		data, readErr := io.ReadAll(io.LimitReader(results, 16<<20))
		if readErr != nil {
			data = nil
		}
		read <- data
	}()
	waitErr := cmd.Wait()
	// What the script may have started holds the pipe no longer than this.
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return nil, "", err
	}
	data := <-read
	switch {
	case parent.Err() != nil:
		return nil, "", parent.Err()
	case bytes.HasSuffix(data, []byte("\n")):
		return data, "", nil
	case ctx.Err() != nil:
		return nil, fmt.Sprintf("it did not come to a parser within %s and was ended", limit), nil
	case waitErr != nil:
		return nil, fmt.Sprintf("it ended before it came to a parser: %v: %s", waitErr, lastLine(told.String())), nil
	}
	return nil, "it ended before it came to a parser", nil
}

func lastLine(text string) string { return text[strings.LastIndexByte(text, '\n')+1:] }

// correct puts the real parser's parameters in the place of those that were
// read; their places in the source stay.
func (r *Discovered) correct(seen observed) {
	r.Executed.Parser, r.Executed.Ended = seen.Parser, seen.Ended
	for _, what := range seen.Refused {
		r.Executed.Refused = append(r.Executed.Refused, what)
		r.problem(0, "executed: refused "+what)
	}
	if seen.Parser == "" {
		r.problem(seen.Line, "executed: no parser was reached ("+seen.Ended+"); what is listed comes from reading it")
		return
	}
	var kept, gone []string
	var out []Parameter
	for _, real := range seen.Parameters {
		p := real.Parameter
		p.Style, p.Confidence, p.Mutability = seen.Parser, script.Sure, script.Restart
		if at := slices.IndexFunc(r.Parameters, func(q Parameter) bool { return q.Name == p.Name }); at >= 0 {
			q := r.Parameters[at]
			p.Line, p.File, p.Pass, p.Mutability = q.Line, q.File, q.Pass, q.Mutability
			if real.Computed {
				p.Default = q.Default
			}
			if p.Type == script.TypeAny {
				p.Type = q.Type
			}
			kept = append(kept, p.Name)
		}
		out = append(out, p)
	}
	for _, q := range r.Parameters {
		switch {
		case slices.Contains(kept, q.Name):
		case q.Style == "register_parameter" || q.Style == "mlhost.param":
			out = append(out, q)
		case q.Style != "constants":
			gone = append(gone, q.Name)
		}
	}
	if len(gone) > 0 {
		r.problem(0, "executed: the real parser has no "+strings.Join(gone, ", "))
	}
	r.Style, r.Parameters = seen.Parser, out
	// What could not be told by reading is known now.
	r.Problems = slices.DeleteFunc(r.Problems, func(p Problem) bool { return answered(p.Message) })
	r.fill()
}

// answered tells a problem of reading that the real parser settles.
func answered(message string) bool {
	for _, part := range []string{"the default of ", "the choices of ", "the name of an option is computed", "the parser is passed to ", "the fields that ", "no call of parse_args is seen", "the action of "} {
		if strings.Contains(message, part) {
			return true
		}
	}
	return false
}

func (r *Discovered) problem(line int, message string) {
	r.Problems = append(r.Problems, Problem{Line: line, Message: message})
}
