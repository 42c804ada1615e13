package python

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// discoverName is the folder of the program that reads scripts. It is no part
// of what a script can import.
const discoverName = "mlhost_discover"

// Discovered is what reading a script told of it. Nothing of it was executed.
type Discovered struct {
	Path       string       `json:"path"`
	Style      string       `json:"style"` // "argparse", …; "constants", "sys.argv" or "none" without a parser
	Parameters []Parameter  `json:"parameters"`
	Problems   []Problem    `json:"problems"`
	Script     bool         `json:"script"`     // it does something by itself, and is not only imported
	Unreadable bool         `json:"unreadable"` // the only problem says why
	Reads      HashesByPath `json:"reads"`
	Resume     string       `json:"resume,omitempty"`   // the parameter that takes a checkpoint to go on from; "": none is seen
	Executed   *Executed    `json:"executed,omitempty"` // by Observe
	Env        []EnvRead    `json:"env"`                // environment variables that it reads
}

// HashesByPath names the files that a result rests on: their SHA-256, or ""
// for one that is not there or cannot be read.
type HashesByPath map[string]string

// Parameter is one parameter that a script was found to have.
type Parameter struct {
	Name       string            `json:"name"`
	Type       script.Type       `json:"type"`
	Default    script.Value      `json:"default"`
	Choices    []script.Value    `json:"choices"`
	Min        script.Value      `json:"min"`
	Max        script.Value      `json:"max"`
	Required   bool              `json:"required"`
	Doc        string            `json:"doc"`
	Line       int               `json:"line"`
	Confidence script.Confidence `json:"confidence"`
	Mutability script.Mutability `json:"mutability"`
	File       string            `json:"file"`     // where the line is, relative to the script's folder; "": in the script
	Pass       string            `json:"pass"`     // the option that takes it, as a parameter block's pass; "": none that is free of doubt
	Style      string            `json:"style"`    // of this parameter: a script may have several
	Argument   *script.Argument  `json:"argument"` // what carries its value; nil: nothing of the command line
	Refused    string            `json:"refused"`  // why nothing does
	Target     string            `json:"target"`   // of a literal: the dotted name by which the running script reads it; "": its own
}

// Problem is something in a script that was not understood, or that matters.
type Problem struct {
	Line    int    `json:"line"` // 0: of the whole
	Message string `json:"message"`
}

// DiscoverOptions tell how scripts are read.
type DiscoverOptions struct {
	Python string        // the interpreter that reads; "": python3 of PATH
	Cache  string        // a directory for results, made if need be
	Limit  time.Duration // for one script; 0: 20 s
	Read   func()        // nil, or called for every script that is done
	// Libraries returns the folders with the libraries that a script would
	// import: the source of a class that it inherits from is read there. Nil:
	// none.
	Libraries func(path string) []string
}

// Discover reads scripts and returns a result for each path, in order. It is
// an error when the reading itself cannot be done; what is wrong with a script
// is a problem of its result.
func Discover(ctx context.Context, o DiscoverOptions, paths []string) ([]Discovered, error) {
	d, err := newDiscoverer(o)
	if err != nil {
		return nil, fmt.Errorf("discover parameters: %w", err)
	}
	out := make([]Discovered, len(paths))
	var missing []int
	for i, path := range paths {
		abs, err := filepath.Abs(path)
		if err != nil {
			return nil, fmt.Errorf("discover parameters: %w", err)
		}
		if o.Libraries != nil {
			d.site[abs] = o.Libraries(abs)
		}
		if out[i] = (Discovered{Path: abs}); !d.cached(&out[i]) {
			missing = append(missing, i)
		} else {
			o.tell(1)
		}
	}
	for len(missing) > 0 {
		done, err := d.read(ctx, out, missing, o.tell)
		if err != nil {
			return nil, fmt.Errorf("discover parameters: %w", err)
		}
		missing = missing[done:]
	}
	return out, nil
}

func (o DiscoverOptions) tell(n int) {
	for range n {
		if o.Read != nil {
			o.Read()
		}
	}
}

type discoverer struct {
	python, program, dir string
	limit                time.Duration
	hashes               HashesByPath // of files, as looked up in this call
	site                 map[string][]string
}

func newDiscoverer(o DiscoverOptions) (*discoverer, error) {
	d := &discoverer{python: o.Python, limit: o.Limit, hashes: HashesByPath{}, site: map[string][]string{}}
	if d.limit == 0 {
		d.limit = 20 * time.Second
	}
	if d.python == "" {
		found, err := exec.LookPath("python3")
		if err != nil {
			return nil, script.Errorf(script.CodeNotFound, "there is no python3 on PATH, and scripts are read by it").WithHint("install Python 3.8 or newer")
		}
		d.python = found
	}
	sources, hash, err := discoverSources()
	if err != nil {
		return nil, err
	}
	d.dir = filepath.Join(o.Cache, hash)
	d.program = filepath.Join(d.dir, discoverName)
	if err := os.MkdirAll(d.program, 0o700); err != nil {
		return nil, err
	}
	for name, source := range sources {
		path := filepath.Join(d.dir, filepath.FromSlash(name))
		if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, source) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		if err := writeWhole(path, source); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// read reads the missing scripts, and returns how many results there are. A
// script that the reader dies of, or takes too long for, gets a result that
// says so; the rest is left for the next reader.
func (d *discoverer) read(parent context.Context, out []Discovered, missing []int, tell func(int)) (done int, err error) {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	paths, site := make([]string, len(missing)), map[string][]string{}
	for i, at := range missing {
		paths[i] = out[at].Path
		if folders := d.site[paths[i]]; len(folders) > 0 {
			site[paths[i]] = folders
		}
	}
	request, err := json.Marshal(map[string]any{"paths": paths, "site": site})
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, d.python, "-I", "-S", "-B", d.program)
	cmd.Stdin = bytes.NewReader(request)
	var told tail
	cmd.Stderr = &told
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	slow := time.AfterFunc(d.limit, cancel)
	defer slow.Stop()
	lines, parseErr := bufio.NewReader(stdout), error(nil)
	for done < len(missing) {
		line, readErr := lines.ReadBytes('\n')
		if readErr != nil {
			break
		}
		result := &out[missing[done]]
		if parseErr = json.Unmarshal(line, result); parseErr != nil {
			cancel()
			break
		}
		result.fill()
		if err := d.keep(result); err != nil {
			cancel()
			return done, errors.Join(err, cmd.Wait())
		}
		done++
		tell(1)
		slow.Reset(d.limit)
	}
	waitErr := cmd.Wait()
	switch {
	case parseErr != nil:
		return done, fmt.Errorf("understand the reader: %w", parseErr)
	case done == len(missing):
		return done, nil
	case parent.Err() != nil:
		return done, parent.Err()
	case done == 0 && len(told.String()) > 0 && ctx.Err() == nil:
		if exit, ok := errors.AsType[*exec.ExitError](waitErr); ok && exit.Exited() {
			// It has not got as far as the first script.
			return 0, fmt.Errorf("%s: %w: %s", d.python, waitErr, told.String())
		}
	}
	result := &out[missing[done]]
	message := "the reader ended over this script"
	if ctx.Err() != nil {
		message = fmt.Sprintf("the script could not be read within %s", d.limit)
	} else if waitErr != nil {
		message += ": " + waitErr.Error()
	}
	result.Style, result.Unreadable = "none", true
	result.Problems = []Problem{{Message: message}}
	result.fill()
	tell(1)
	return done + 1, nil
}

func (r *Discovered) fill() {
	if r.Parameters == nil {
		r.Parameters = []Parameter{}
	}
	if r.Problems == nil {
		r.Problems = []Problem{}
	}
}

// tail keeps the end of what is written.
type tail struct{ data []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.data = append(t.data, p...)
	t.data = t.data[max(0, len(t.data)-2000):]
	return len(p), nil
}

func (t *tail) String() string { return strings.TrimSpace(string(t.data)) }
