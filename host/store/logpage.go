package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// logScan is how many bytes of a log one page may look through.
const logScan = 64 << 20

// logBlock is how much of a log is read at once.
const logBlock = 256 << 10

// LogQuery asks for a page of a run's log. Without Before, After and Around it
// is the newest one.
type LogQuery struct {
	Before string    // a cursor: what is older
	After  string    // a cursor: what is newer
	Around time.Time // half of the page is from before it
	Stream string    // "": all
	Level  string    // at least of this level; "": all, what has no level included
	Search string    // a text in the line, whatever its case
	Limit  int
}

// LogPage is a page of a run's log.
type LogPage struct {
	Lines []Log  // the oldest first
	Older string // cursor; "" where there is nothing older
	Newer string // cursor; what is logged later is behind it
	More  bool   // the search has come to its bound, not to an end
}

// LogPage returns a page of a run's log. A cursor is good as long as the log's
// file is kept; what it stood behind is gone then, and the page is the oldest.
func (s *Store) LogPage(ctx context.Context, run string, q LogQuery) (LogPage, error) {
	dir, err := s.RunDir(run)
	if err != nil {
		return LogPage{}, err
	}
	path := filepath.Join(dir, logName)
	c, err := openChain(path)
	if err != nil {
		return LogPage{}, explain("read log", path, err)
	}
	defer c.close()
	p := pager{ctx: ctx, chain: c, query: q, search: strings.ToLower(q.Search), left: logScan}
	page, err := p.page()
	if _, ok := errors.AsType[*script.Error](err); ok {
		return page, err
	}
	return page, explain("read log", path, err)
}

// chain is the files of a log, the oldest first, read as one.
type chain struct {
	files  []*os.File
	inodes []uint64
	starts []int64 // where each begins
	size   int64
}

func openChain(path string) (*chain, error) {
	c := &chain{}
	for n := range logFiles { // the newest first: what is renamed meanwhile is met again
		name := path
		if n > 0 {
			name = rotated(path, n)
		}
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = c.add(f)
		}
		if err != nil {
			c.close()
			return nil, err
		}
	}
	slices.Reverse(c.files)
	slices.Reverse(c.inodes)
	for _, f := range c.files {
		size, err := f.Seek(0, io.SeekEnd)
		if err != nil {
			c.close()
			return nil, err
		}
		c.starts = append(c.starts, c.size)
		c.size += size
	}
	return c, nil
}

func (c *chain) add(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || slices.Contains(c.inodes, stat.Ino) {
		return f.Close()
	}
	c.files, c.inodes = append(c.files, f), append(c.inodes, stat.Ino)
	return nil
}

func (c *chain) close() {
	for _, f := range c.files {
		_ = f.Close() // opened for reading
	}
}

// read returns the bytes of [from, to) that are there.
func (c *chain) read(from, to int64) ([]byte, error) {
	buf := make([]byte, to-from)
	n := 0
	for i, f := range c.files {
		end := c.size
		if i+1 < len(c.files) {
			end = c.starts[i+1]
		}
		at := from + int64(n)
		if at >= end || at >= to {
			continue
		}
		part := buf[n:min(int64(len(buf)), end-from)]
		m, err := f.ReadAt(part, at-c.starts[i])
		n += m
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if m < len(part) {
			break // it was cut meanwhile
		}
	}
	return buf[:n], nil
}

func (c *chain) cursor(at int64) string {
	for i := range slices.Backward(c.files) {
		if at > c.starts[i] || i == 0 || at == c.starts[i] && i == len(c.files)-1 {
			return fmt.Sprintf("%x-%x", c.inodes[i], at-c.starts[i])
		}
	}
	return "0-0"
}

// find returns where a cursor stands; 0 where its file is gone.
func (c *chain) find(cursor string) (int64, error) {
	var inode uint64
	var offset int64
	if n, err := fmt.Sscanf(cursor+"\n", "%x-%x\n", &inode, &offset); n != 2 || err != nil || offset < 0 {
		return 0, script.Errorf(script.CodeUsage, "%.40q is no place in a log", cursor).WithHint("take `older` or `newer` of a page")
	}
	i := slices.Index(c.inodes, inode)
	if i < 0 {
		return 0, nil
	}
	return min(c.starts[i]+offset, c.size), nil
}

// pager reads one page.
type pager struct {
	ctx    context.Context //nolint:containedctx // of the one request that it is for
	chain  *chain
	query  LogQuery
	search string
	left   int64 // bytes that may still be read
	more   bool
}

func (p *pager) page() (LogPage, error) {
	limit := max(p.query.Limit, 1)
	switch {
	case p.query.After != "":
		at, err := p.chain.find(p.query.After)
		if err != nil {
			return LogPage{}, err
		}
		lines, end, err := p.forward(at, limit)
		return p.done(lines, at, end), err
	case p.query.Before != "":
		at, err := p.chain.find(p.query.Before)
		if err != nil {
			return LogPage{}, err
		}
		lines, begin, err := p.backward(at, limit)
		return p.done(lines, begin, at), err
	case !p.query.Around.IsZero():
		at, err := p.at(p.query.Around)
		if err != nil {
			return LogPage{}, err
		}
		older, begin, err := p.backward(at, limit/2)
		if err != nil {
			return LogPage{}, err
		}
		newer, end, err := p.forward(at, limit-limit/2)
		return p.done(append(older, newer...), begin, end), err
	}
	end, err := p.lastEnd()
	if err != nil {
		return LogPage{}, err
	}
	lines, begin, err := p.backward(end, limit)
	return p.done(lines, begin, end), err
}

func (p *pager) done(lines []Log, begin, end int64) LogPage {
	page := LogPage{Lines: lines, Newer: p.chain.cursor(end), More: p.more}
	if begin > 0 {
		page.Older = p.chain.cursor(begin)
	}
	return page
}

// lastEnd returns where the last whole line ends.
func (p *pager) lastEnd() (int64, error) {
	for to := p.chain.size; to > 0; {
		from := max(0, to-logBlock)
		buf, err := p.chain.read(from, to)
		if err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(buf, '\n'); i >= 0 {
			return from + int64(i) + 1, nil
		}
		to = from
	}
	return 0, nil
}

// forward returns up to limit lines from a place on, and where they end.
func (p *pager) forward(at int64, limit int) (lines []Log, end int64, err error) {
	for size := int64(logBlock); len(lines) < limit && at < p.chain.size; {
		if err := p.spend(size); err != nil || p.more {
			return lines, at, err
		}
		buf, err := p.chain.read(at, min(at+size, p.chain.size))
		if err != nil {
			return lines, at, err
		}
		begun := at
		for line := range bytes.Lines(buf) {
			if line[len(line)-1] != '\n' || len(lines) == limit {
				break
			}
			at += int64(len(line))
			if l, ok := p.take(line); ok {
				lines = append(lines, l)
			}
		}
		switch {
		case at > begun:
			size = logBlock
		case begun+size < p.chain.size: // a line that is longer than a block
			size *= 2
		default:
			return lines, at, nil // a line that is being written
		}
	}
	return lines, at, nil
}

// backward returns up to limit lines before a place, the oldest first, and
// where they begin.
func (p *pager) backward(at int64, limit int) (lines []Log, begin int64, err error) {
	for size := int64(logBlock); len(lines) < limit && at > 0; {
		if err := p.spend(size); err != nil || p.more {
			break
		}
		from := max(0, at-size)
		buf, err := p.chain.read(from, at)
		if err != nil {
			return nil, at, err
		}
		if from > 0 { // the first one may be a piece
			cut := bytes.IndexByte(buf[:max(len(buf)-1, 0)], '\n') + 1
			if cut == 0 {
				size *= 2
				continue
			}
			from, buf = from+int64(cut), buf[cut:]
		}
		size = logBlock
		for len(buf) > 0 && len(lines) < limit {
			start := bytes.LastIndexByte(buf[:len(buf)-1], '\n') + 1
			if l, ok := p.take(buf[start:]); ok {
				lines = append(lines, l)
			}
			at, buf = from+int64(start), buf[:start]
		}
	}
	slices.Reverse(lines)
	return lines, at, p.ctx.Err()
}

// spend counts what is read, and stops at the bound.
func (p *pager) spend(bytes int64) error {
	p.left -= bytes
	p.more = p.left < 0
	return p.ctx.Err()
}

var logLevels = []string{"debug", "info", "warn", "error"}

// take reads a line and reports whether it is asked for. One that is no JSON,
// torn by a crash, is not.
func (p *pager) take(line []byte) (l Log, ok bool) {
	if json.Unmarshal(line, &l) != nil {
		return l, false
	}
	q := p.query
	switch {
	case q.Stream != "" && l.Stream != q.Stream:
		return l, false
	case q.Level != "" && slices.Index(logLevels, l.Level) < max(slices.Index(logLevels, q.Level), 0):
		return l, false
	}
	return l, p.search == "" || strings.Contains(strings.ToLower(l.Text), p.search)
}

// at returns where the first line of a time, or a later one, begins. Lines are
// taken to be in the order of their times, as they are but for a little.
func (p *pager) at(t time.Time) (int64, error) {
	low, high := int64(0), p.chain.size // lines that begin before low are too old
	for low < high {
		middle := (low + high) / 2
		begin, end, l, err := p.lineAt(middle, high)
		switch {
		case err != nil:
			return 0, err
		case end == 0: // none begins in between
			if middle == low {
				return low, nil
			}
			high = middle
		case l.Time.Before(t):
			low = end
		default:
			high = max(low, min(begin, middle))
		}
	}
	return low, nil
}

// lineAt returns the first whole line that begins at a place or behind it, and
// before another; its end is 0 where there is none.
func (p *pager) lineAt(at, before int64) (begin, end int64, l Log, err error) {
	begin = at
	for size := int64(64 << 10); ; size *= 2 {
		from := max(0, begin-1) // to see whether a line ends there
		buf, err := p.chain.read(from, min(from+size, p.chain.size))
		if err != nil {
			return 0, 0, l, err
		}
		whole := from+size >= p.chain.size
		start := 0
		if at > 0 {
			i := bytes.IndexByte(buf, '\n')
			if i < 0 {
				if whole {
					return 0, 0, l, nil
				}
				continue
			}
			start = i + 1
		}
		if from+int64(start) >= before {
			return 0, 0, l, nil
		}
		i := bytes.IndexByte(buf[start:], '\n')
		if i < 0 {
			if whole {
				return 0, 0, l, nil
			}
			continue
		}
		if err := json.Unmarshal(buf[start:start+i], &l); err != nil {
			l = Log{} // a torn one counts as old
		}
		return from + int64(start), from + int64(start+i) + 1, l, nil
	}
}
