package interpreter

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk"
	"github.com/mlhost/mlhost/wrappers/python"
)

const (
	// recordTime is how long the end of a run may wait for what is still being
	// found out about it.
	recordTime = 5 * time.Second
	// stopTime is the same when somebody waits for the end.
	stopTime = time.Second
	// maxSource bounds the source files whose sums are told.
	maxSource = 64 << 20
	// hidden stands for the value of a sensitive parameter.
	hidden = "(hidden)"
)

// recorder finds out what a run needs to be understood later, in the
// background: nothing waits for it until the run's end.
type recorder struct {
	session   session
	ctx       context.Context
	cancel    context.CancelFunc
	work      sync.WaitGroup
	artifacts artifacts

	mu    sync.Mutex // guards ended
	ended bool
}

func newRecorder(s session) *recorder {
	c := &recorder{session: s}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// begin records what is known before the script starts, and has the rest
// found out.
func (c *recorder) begin(r *run, cmd *exec.Cmd) {
	record := map[string]script.Value{
		"command":     texts(shownCommand(r, cmd)),
		"directory":   script.String(cmd.Dir),
		"interpreter": script.Map(map[string]script.Value{"path": script.String(cmd.Path), "version": script.String(r.version)}),
		"machine":     sdk.Machine(),
	}
	if r.launch.Module != "" {
		record["module"] = script.String(r.launch.Module)
	}
	c.emit(script.Recorded{Record: record})
	c.artifacts.begin(c, r, cmd.Dir)
	code := cmd.Dir
	if source := r.launch.Source; source != "" {
		c.work.Go(func() { c.source(source) })
		code = filepath.Dir(source)
	}
	c.work.Go(func() { c.git(code) })
}

// emit reports something, unless the run's end is being told: what comes too
// late is left out.
func (c *recorder) emit(body script.Body) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.session.Emit(body)
	}
}

// abandon ends the work for a run that did not come about.
func (c *recorder) abandon() {
	c.cancel()
	c.work.Wait()
}

// end waits for what is not known yet, not too long, and tells what files the
// run has left behind.
func (c *recorder) end(stopped bool) {
	limit := recordTime
	if stopped {
		limit = stopTime
	}
	known := make(chan struct{})
	go func() {
		c.work.Wait()
		close(known)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-known:
	case <-timer.C:
		c.cancel()
	}
	c.artifacts.tell(stopped)
	c.cancel()
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
}

// shownCommand is the command line as a person would type it: without the
// shim, and without the values of sensitive parameters, however they are
// passed.
func shownCommand(r *run, cmd *exec.Cmd) []string {
	shown := slices.Clone(cmd.Args)
	if i := slices.IndexFunc(shown, func(arg string) bool { return filepath.Base(arg) == python.ShimName }); r.shimmed && i > 0 {
		shown = slices.Delete(shown, i, i+1)
	}
	for i := range r.launch.Parameters {
		spec := &r.launch.Parameters[i].Spec
		v, ok := r.values[spec.Name]
		if !spec.Sensitive || !ok {
			continue
		}
		secrets, isList := v.List()
		if !isList {
			secrets = []script.Value{v}
		}
		for _, secret := range secrets {
			hide(shown[1:], plainText(secret))
		}
	}
	return shown
}

// hide takes a secret out of arguments: SECRET, and --name=SECRET.
func hide(args []string, secret string) {
	if secret == "" {
		return
	}
	for i, arg := range args {
		if arg == secret {
			args[i] = hidden
		} else if flag, ok := strings.CutSuffix(arg, "="+secret); ok {
			args[i] = flag + "=" + hidden
		}
	}
}

func texts(list []string) script.Value {
	values := make([]script.Value, 0, len(list))
	for _, s := range list {
		values = append(values, script.String(s))
	}
	return script.List(values...)
}

// source records the script's file as it is at the start.
func (c *recorder) source(path string) {
	record := map[string]script.Value{"path": script.String(path)}
	text, err := readSource(path, record)
	if err != nil {
		record["problem"] = script.String(err.Error())
	}
	recorded := script.Recorded{Record: map[string]script.Value{"source": script.Map(record)}}
	if text != "" {
		recorded.Texts = map[string]string{script.TextSource: text}
	}
	c.emit(recorded)
}

// readSource reads a source and its sum; the text only where it is one, and
// not too long to be kept.
func readSource(path string, record map[string]script.Value) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return "", errors.Join(err, fs.ErrInvalid)
	}
	record["size"] = script.Int(info.Size())
	if info.Size() > maxSource {
		return "", fmt.Errorf("%d bytes are too many", info.Size())
	}
	sum := sha256.New()
	data, err := io.ReadAll(io.TeeReader(io.LimitReader(f, maxSource), sum))
	if err != nil {
		return "", err
	}
	record["sha256"] = script.String(hex.EncodeToString(sum.Sum(nil)))
	if len(data) > script.MaxText || !utf8.Valid(data) {
		return "", nil
	}
	return string(data), nil
}

// git records the state of the work tree that the source lies in.
func (c *recorder) git(dir string) {
	state, err := gitOf(c.ctx, dir)
	if err != nil && c.ctx.Err() != nil {
		return // the run has ended
	}
	if state == nil && err == nil {
		return
	}
	if state == nil {
		state = &gitState{record: map[string]script.Value{}}
	}
	recorded := script.Recorded{}
	if err != nil {
		state.record["problem"] = script.String(err.Error())
	}
	if state.diff != "" {
		state.record["diff_truncated"] = script.Bool(state.truncated)
		recorded.Texts = map[string]string{script.TextDiff: state.diff}
	}
	recorded.Record = map[string]script.Value{"git": script.Map(state.record)}
	c.emit(recorded)
}

// greeted records what an interpreter says of itself, and the packages that it
// finds.
func (c *recorder) greeted(l helloLine) {
	interpreter := map[string]script.Value{}
	for key, text := range map[string]string{
		"language": l.Language, "version": l.Interpreter, "path": l.Executable, "prefix": l.Prefix,
	} {
		if text != "" {
			interpreter[key] = script.String(text)
		}
	}
	c.emit(script.Recorded{Record: map[string]script.Value{"interpreter": script.Map(interpreter)}})
	if len(l.Path) == 0 {
		return
	}
	c.work.Go(func() {
		found := packagesOn(l.Path)
		c.emit(script.Recorded{Record: map[string]script.Value{"packages": script.Map(found)}})
	})
}

// opened takes files that the script opened for writing.
func (c *recorder) opened(paths []string) { c.artifacts.opened(paths) }
