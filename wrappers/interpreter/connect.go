package interpreter

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// connect gives cmd its standard files and its end of the line protocol. It
// returns the files that the script inherits.
func (r *run) connect(cmd *exec.Cmd, lines bool) (inherited []*os.File, err error) {
	stdin := os.DevNull
	if r.launch.Stdin != "" {
		stdin = below(r.launch.Directory, r.launch.Stdin)
	}
	if info, err := os.Stat(stdin); err == nil && info.Mode()&fs.ModeNamedPipe != 0 {
		readingFifo(cmd, stdin)
		stdin = os.DevNull
	}
	in, err := os.Open(stdin)
	if err != nil {
		return nil, fmt.Errorf("open stdin: %w", err)
	}
	cmd.Stdin = in
	inherited = append(inherited, in)
	for _, name := range []string{"stdout", "stderr"} {
		write, err := r.openStream(name)
		if err != nil {
			return inherited, err
		}
		inherited = append(inherited, write)
	}
	cmd.Stdout, cmd.Stderr = inherited[1], inherited[2]
	if r.attach != nil {
		if err := r.openRanks(inherited[1], inherited[2]); err != nil {
			return inherited, err
		}
	}
	if !lines {
		return inherited, nil
	}
	c, theirs, err := newConn()
	if err != nil {
		return inherited, err
	}
	r.conn = c
	if r.attach != nil {
		r.attach.end = theirs // it goes to one process of the launcher
		return inherited, r.conn.send(r.startLine())
	}
	cmd.ExtraFiles = []*os.File{theirs} // descriptor linesFD
	return append(inherited, theirs), r.conn.send(r.startLine())
}

// openStream makes one of the script's output pipes and returns its end of it.
func (r *run) openStream(name string) (write *os.File, err error) {
	var file *logFile
	if dir := r.session.RunDir(); dir != "" {
		if file, err = openLogFile(filepath.Join(dir, name+".log"), maxLogFile); err != nil {
			return nil, err
		}
	}
	s, write, err := newStream(&r.output, file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if len(r.streams) > 0 { // standard output, which programs write to before they say why they die
		s.first = r.streams[0]
	}
	s.warn = func(text string) { r.session.Emit(script.Warned{Text: name + ": " + text}) }
	s.split = splitter{now: time.Now, piece: r.shown(name)}
	s.split.line = r.readLine
	r.streams = append(r.streams, s)
	return write, nil
}

// shimProblem is what the shim says on stderr before it lets the script run
// without it.
const shimProblem = "mlhost: the script runs without mlhost: "

// seeShim looks for the shim's last words. Once the script has sent a line,
// the words are the script's own.
func (r *run) seeShim(text string) {
	if problem, ok := strings.CutPrefix(text, shimProblem); ok && r.shimmed && !r.greeted.Load() && !r.bare.Swap(true) {
		r.session.Emit(script.Warned{Text: "the script runs plain, and only its output is read: " + problem})
	}
}

// speaks reports whether lines for the script make sense.
func (r *run) speaks() bool {
	return r.conn != nil && !r.bare.Load() && (r.attach == nil || r.attach.taken())
}
