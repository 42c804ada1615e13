// Package store keeps what must last: runs, parameter changes, samples,
// results, events, mailboxes. One directory holds meta.db, one samples file
// per month, and a log file per run.
//
// Each database has one writer, which commits whatever waits in one synced
// transaction. How far a run's stream has been taken in is kept in the same
// transaction as what was taken, so that a stream that is replayed after a
// crash leaves neither a gap nor a double.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// Options are what a Store needs.
type Options struct {
	Dir    string // of the host; made where it is missing
	Logger *slog.Logger
	Now    func() time.Time // nil: time.Now
	// Committed, where not nil, is told of events when they are kept, in the
	// order of their IDs. It must be quick and must not call the store.
	Committed func([]script.Event)
	// Outgoing, where not nil, tells what targets outside are to be told of an
	// event: it is kept together with the event, see NextOutgoing. It must be
	// quick, must not call the store, and may be asked of an event again. Of a
	// sample it is asked before the sample has its ID.
	Outgoing func(*script.Event) []Outgoing
}

// Store is safe for concurrent use.
type Store struct {
	dir       string
	logger    *slog.Logger
	now       func() time.Time
	committed func([]script.Event)
	outgoing  func(*script.Event) []Outgoing

	meta       *database
	writer     *writer // of meta; nil when opened for reading only
	metaWriter *metaWriter

	// order guards the numbering of events: whoever gives out IDs holds it
	// until the events have been told to committed.
	order    sync.Mutex
	nextID   uint64
	reserved uint64 // IDs below it may be given out
	reserve  bool   // a reservation is under way
	settled  bool   // the store closes: no more reservations

	mu      sync.Mutex
	closed  bool
	streams map[string]*stream
	samples map[string]*samplesFile // by file name
	suspect map[string]bool         // samples files that turned out to be damaged
	later   mailLater

	damages   []Damage // files that were set aside
	rebuilt   bool     // meta.db was: what its streams told is handed in again
	logLimit  int64
	mailBytes int64
	wg        sync.WaitGroup // writers
}

// Open opens the store of a host, and makes it where it is missing.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := newStore(o)
	for _, dir := range []string{s.dir, filepath.Join(s.dir, "samples"), filepath.Join(s.dir, "runs")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, explain("make directory", dir, err)
		}
	}
	if err := checkFileSystem(s.dir); err != nil {
		return nil, err
	}
	file := opening{path: filepath.Join(s.dir, metaFile), schema: metaSchema, now: s.now(), expected: s.hasRuns()}
	db, damage, err := file.open(ctx)
	if err != nil {
		return nil, err
	}
	s.meta = db
	if damage != nil {
		s.rebuilt = true
		if damage.Runs, err = s.rebuildRuns(ctx); err != nil {
			return nil, errors.Join(explain("rebuild database", db.path, err), db.close())
		}
		s.noteDamage(*damage)
	}
	if err := s.start(ctx, damage != nil); err != nil {
		err = explain("open database", db.path, err)
		if closeErr := db.close(); closeErr != nil {
			s.logger.Warn("close database", "error", closeErr)
		}
		return nil, err
	}
	return s, nil
}

func newStore(o Options) *Store {
	s := &Store{
		dir: o.Dir, logger: o.Logger, now: o.Now, committed: o.Committed, outgoing: o.Outgoing,
		streams: map[string]*stream{}, samples: map[string]*samplesFile{}, suspect: map[string]bool{}, logLimit: logLimit, mailBytes: MailboxBytes,
	}
	if abs, err := filepath.Abs(o.Dir); err == nil {
		s.dir = abs
	}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.committed == nil {
		s.committed = func([]script.Event) {}
	}
	s.later.ready = sync.NewCond(&s.later.mu)
	return s
}

// start begins to write. With renumber, which is for a database that was
// damaged, numbers of events go on with the microseconds of the clock, which
// no number that was given out before can have reached.
func (s *Store) start(ctx context.Context, renumber bool) error {
	err := s.meta.r.QueryRowContext(ctx, `SELECT max(coalesce((SELECT value FROM counter WHERE name = 'next_event'), 1),
		coalesce((SELECT max(id) + 1 FROM event), 1))`).Scan(&s.nextID)
	if err != nil {
		return err
	}
	if renumber {
		s.nextID = max(s.nextID, uint64(s.now().UnixMicro()))
	}
	s.reserved = s.nextID
	w := newWriter(s.meta.path, s.meta.w)
	s.metaWriter = &metaWriter{store: s, touched: map[*stream]uint64{}}
	w.begin, w.flush, w.reverted = s.metaWriter.begin, s.metaWriter.flush, s.metaWriter.reverted
	s.writer = w
	s.wg.Go(w.run)
	// Numbers are reserved at once: a directory that cannot be written says so now.
	if err := w.do(ctx, &job{work: s.fold}); err != nil {
		return errors.Join(err, w.close())
	}
	if err := s.meta.lengthenLog(checkpointAfter[metaSchema]); err != nil {
		s.logger.Debug("commits will be slower", "error", err)
	}
	return nil
}

// Close writes what has been accepted and closes every file. Producers should
// have stopped: what they append from now on is refused.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	streams, samples := s.streams, s.samples
	s.mu.Unlock()
	var errs []error
	for _, f := range samples {
		errs = append(errs, f.close())
	}
	if s.writer != nil {
		errs = append(errs, s.settleIDs(), s.writer.close())
	}
	s.wg.Wait()
	for _, st := range streams {
		errs = append(errs, st.closeLog())
	}
	if s.meta != nil {
		errs = append(errs, s.meta.close())
	}
	return errors.Join(errs...)
}

// settleIDs gives back the event numbers that were reserved and not used.
func (s *Store) settleIDs() error {
	return s.writer.do(context.Background(), &job{work: func(tx *tx) error {
		s.reserved, s.settled = s.nextID, true
		_, err := tx.exec(saveCounter, "next_event", s.nextID)
		return err
	}})
}

func (s *Store) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// do lets the writer of meta.db run work.
func (s *Store) do(ctx context.Context, work func(tx *tx) error) error {
	if s.writer == nil {
		return script.Errorf(script.CodeInternal, "the store is open for reading only")
	}
	return s.writer.do(ctx, &job{work: work})
}

// noteDamage remembers a damage and tells of it. The caller holds s.mu, or is the
// only one to know s.
func (s *Store) noteDamage(d Damage) {
	s.damages = append(s.damages, d)
	s.logger.Error("damaged database", "what", d.String())
}

// Damages tells which files were found damaged since the store was opened.
func (s *Store) Damages() []Damage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Damage(nil), s.damages...)
}

// RunDir returns the directory of a run's files.
func (s *Store) RunDir(run string) (string, error) {
	if run == "" || filepath.Base(run) != run || run == "." || run == ".." {
		return "", fmt.Errorf("run id %q cannot name a directory", run)
	}
	return filepath.Join(s.dir, "runs", run), nil
}
