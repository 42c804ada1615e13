package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/mlhost/mlhost/shared/script"
)

// groupLimit bounds the weight (rows, about) of one transaction.
const groupLimit = 32_000

// writer owns the one connection that writes a file. Whatever waits when the
// file is free goes into one transaction: many small requests share one sync,
// and a lone one waits for nothing.
type writer struct {
	path string
	db   *sql.DB
	conn *sql.Conn // nil: to be opened
	// statements by their text; those of a lost connection go with it.
	statements map[string]*sql.Stmt

	// begin runs before a group's work and returns what runs at its end,
	// whatever its outcome.
	begin func() (end func())
	// flush runs after a group's work, in the transaction.
	flush func(tx *tx) error
	// reverted runs when a transaction did not come about.
	reverted func()

	mu     sync.Mutex
	queue  []*job
	busy   bool // somebody writes
	closed bool
	wake   chan struct{}
	done   chan struct{}
}

// job is one request to a writer.
type job struct {
	weight int
	// work writes. It may run twice: when its group fails by another job, each
	// job is tried again alone.
	work func(tx *tx) error
	// after runs when it is committed, in the order of commits.
	after func()
	// ended, where not nil, is told the outcome; nobody waits for result then.
	ended func(error)

	taken  atomic.Bool // by the writer, or by the caller who gave up
	result chan error
}

// tx is a transaction under way.
type tx struct{ w *writer }

func newWriter(path string, db *sql.DB) *writer {
	return &writer{
		path: path, db: db, statements: map[string]*sql.Stmt{},
		begin: func() func() { return func() {} }, flush: func(*tx) error { return nil }, reverted: func() {},
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

// submit queues j. Its result comes on j.result.
func (w *writer) submit(j *job) error {
	j.result = make(chan error, 1)
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return ErrClosed
	}
	w.queue = append(w.queue, j)
	w.mu.Unlock()
	w.rouse()
	return nil
}

// rouse makes run look at the queue.
func (w *writer) rouse() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// now runs j in the goroutine of its caller, if nobody else writes or wants
// to: that saves the way to the writer's own goroutine and back.
func (w *writer) now(j *job) bool {
	w.mu.Lock()
	if w.closed || w.busy || len(w.queue) > 0 {
		w.mu.Unlock()
		return false
	}
	w.busy = true
	w.mu.Unlock()
	j.result = make(chan error, 1)
	j.taken.Store(true)
	w.group([]*job{j})
	w.release()
	w.rouse()
	return true
}

// release lets the next one write.
func (w *writer) release() {
	w.mu.Lock()
	w.busy = false
	w.mu.Unlock()
}

// do runs j and waits until it is durable. When ctx ends before its work has
// begun, nothing is written; later, the outcome is unknown to the caller.
func (w *writer) do(ctx context.Context, j *job) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if ctx.Done() == nil && w.now(j) {
		return <-j.result
	}
	if err := w.submit(j); err != nil {
		return err
	}
	select {
	case err := <-j.result:
		return err
	case <-ctx.Done():
		j.taken.CompareAndSwap(false, true)
		return context.Cause(ctx)
	}
}

// run serves the queue until the writer is closed and the queue is empty.
func (w *writer) run() {
	defer close(w.done)
	for {
		jobs, open := w.next()
		if len(jobs) > 0 {
			w.group(jobs)
			w.release()
			continue
		}
		if !open {
			return
		}
		<-w.wake
	}
}

// close lets the queue run dry, then gives the connection back.
func (w *writer) close() error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.rouse()
	<-w.done
	return w.disconnect()
}

// next takes the jobs of the next group from the queue. Where it returns some,
// nobody else writes until release.
func (w *writer) next() (jobs []*job, open bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy {
		return nil, true // whoever writes rouses run
	}
	weight, n := 0, 0
	for _, j := range w.queue {
		if weight > 0 && weight+j.weight > groupLimit {
			break
		}
		weight += max(1, j.weight)
		n++
	}
	jobs = slices.Clone(w.queue[:n])
	clear(w.queue[:n])
	w.queue = w.queue[n:]
	if len(w.queue) == 0 {
		w.queue = nil
	}
	jobs = slices.DeleteFunc(jobs, func(j *job) bool { return !j.taken.CompareAndSwap(false, true) })
	w.busy = len(jobs) > 0
	return jobs, !w.closed || len(w.queue) > 0
}

// group commits jobs together or, when that fails by one of them, each alone.
// An error of the disk concerns all.
func (w *writer) group(jobs []*job) {
	defer w.begin()()
	err := w.transact(jobs)
	if err != nil && len(jobs) > 1 && script.CodeOf(explain("", "", err)) != script.CodeIO {
		for _, j := range jobs {
			w.finish([]*job{j}, w.transact([]*job{j}))
		}
		return
	}
	w.finish(jobs, err)
}

func (w *writer) finish(jobs []*job, err error) {
	err = explain("write", w.path, err)
	for _, j := range jobs {
		if err == nil && j.after != nil {
			j.after()
		}
		if j.ended != nil {
			j.ended(err)
		}
		j.result <- err
	}
}

func (w *writer) transact(jobs []*job) error {
	t, err := w.start()
	if err != nil {
		w.reverted()
		return err
	}
	for _, j := range jobs {
		if err = j.work(t); err != nil {
			break
		}
	}
	if err == nil {
		err = w.flush(t)
	}
	if err == nil {
		_, err = t.exec("COMMIT")
	}
	if err == nil {
		return nil
	}
	w.reverted()
	return errors.Join(err, w.rollback())
}

func (w *writer) start() (*tx, error) {
	if w.conn == nil {
		conn, err := w.db.Conn(context.Background())
		if err != nil {
			return nil, err
		}
		w.conn = conn
	}
	t := &tx{w: w}
	if _, err := t.exec("BEGIN IMMEDIATE"); err != nil {
		return nil, errors.Join(err, w.disconnect())
	}
	return t, nil
}

// rollback ends a failed transaction. SQLite may have ended it already; a
// fresh connection makes sure of it either way.
func (w *writer) rollback() error {
	_, err := w.conn.ExecContext(context.Background(), "ROLLBACK")
	if err == nil {
		return nil
	}
	return w.disconnect()
}

// disconnect closes the statements and really closes the connection.
func (w *writer) disconnect() error {
	if w.conn == nil {
		return nil
	}
	var errs []error
	for _, s := range w.statements {
		errs = append(errs, s.Close())
	}
	clear(w.statements)
	err := w.conn.Close()
	w.conn = nil
	w.db.SetMaxIdleConns(0) // close what conn gave back
	w.db.SetMaxIdleConns(1)
	return errors.Join(append(errs, err)...)
}

// exec runs a statement, which is kept prepared.
func (t *tx) exec(query string, args ...any) (sql.Result, error) {
	s, err := t.prepare(query) //nolint:sqlclosecheck // stays prepared; disconnect closes it
	if err != nil {
		return nil, err
	}
	return s.ExecContext(context.Background(), args...)
}

// row runs a query of one row.
func (t *tx) row(query string, args []any, into ...any) error {
	s, err := t.prepare(query) //nolint:sqlclosecheck // stays prepared; disconnect closes it
	if err != nil {
		return err
	}
	return s.QueryRowContext(context.Background(), args...).Scan(into...)
}

// query runs a query of several rows.
func (t *tx) query(query string, args ...any) (*sql.Rows, error) {
	s, err := t.prepare(query) //nolint:sqlclosecheck // stays prepared; disconnect closes it
	if err != nil {
		return nil, err
	}
	return s.QueryContext(context.Background(), args...)
}

func (t *tx) prepare(query string) (*sql.Stmt, error) {
	if s, ok := t.w.statements[query]; ok {
		return s, nil
	}
	s, err := t.w.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	t.w.statements[query] = s
	return s, nil
}
