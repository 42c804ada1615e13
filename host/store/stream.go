package store

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"sync"

	"github.com/mlhost/mlhost/shared/script"
)

// streamsKept bounds how many streams of ended runs stay in memory.
const streamsKept = 4096

// noteEvery is how many events that leave no row may pass before the stream's
// position is written by itself.
const noteEvery = 256

// stream is how far one run's events have been taken in.
type stream struct {
	run string

	mu     sync.Mutex
	loaded bool
	file   string // of its samples; fixed for the run
	log    *logFile
	ended  bool
	// What is due to a file: the last number that was handed to its writer.
	metaDue    uint64
	samplesDue uint64
	step       int64
	unnoted    int // events since the position was written

	// The writers' own: what each file holds, the transaction under way included.
	metaLast    uint64
	samplesLast uint64

	told uint64 // guarded by Store.order: the last number told to committed
	seen uint64 // samples up to it were told before a file was damaged
}

// stream returns the stream of a run, loaded from the files.
func (s *Store) stream(ctx context.Context, run string) (*stream, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, ErrClosed
	}
	st, ok := s.streams[run]
	if !ok {
		s.forgetStreams()
		st = &stream{run: run, step: -1}
		s.streams[run] = st
	}
	s.mu.Unlock()
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.loaded {
		return st, nil
	}
	if err := s.load(ctx, st); err != nil {
		return nil, err
	}
	st.loaded = true
	return st, nil
}

// forgetStreams drops the streams of ended runs when there are many. They are
// loaded again if they are needed. The caller holds s.mu.
func (s *Store) forgetStreams() {
	if len(s.streams) < streamsKept {
		return
	}
	for run, st := range s.streams {
		if st.mu.TryLock() {
			if st.ended && st.log == nil {
				delete(s.streams, run)
			}
			st.mu.Unlock()
		}
	}
}

// hadSeen reports whether an event comes again because a file was damaged, and
// tells nothing that was not told before.
func (st *stream) hadSeen(e *script.Event) bool {
	if e.Seq == 0 || e.Seq > st.seen {
		return false
	}
	switch e.Body.(type) {
	case script.Samples, script.Gap:
		return true
	}
	return false
}

// position is one file's row of stream_seq.
type position struct{ last, other uint64 }

// load reads the run's positions. The caller holds st.mu.
func (s *Store) load(ctx context.Context, st *stream) error {
	st.file = s.monthFile()
	var state script.State
	err := s.meta.row(ctx, "SELECT samples_file, state, step FROM run WHERE id = ?", []any{st.run}, &st.file, &state, &st.step)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return explain("read run", s.meta.path, err)
	}
	meta, samples, err := s.positions(ctx, st)
	if err != nil {
		return err
	}
	if s.rebuilt {
		st.seen = max(st.seen, samples.last)
	}
	st.ended = state.Ended()
	st.metaLast, st.samplesLast = meta.last, samples.last
	st.metaDue, st.samplesDue = meta.last, samples.last
	st.told = least(meta, samples)
	return nil
}

// positions reads how far the files have taken a run's stream in.
func (s *Store) positions(ctx context.Context, st *stream) (meta, samples position, err error) {
	if meta, err = readPosition(ctx, s.meta, st.run); err != nil {
		return meta, samples, err
	}
	f, err := s.existingSamples(ctx, st.file)
	if err == nil && f == nil && meta.other > 0 && s.writer != nil {
		f, err = s.missingSamples(ctx, st.file)
	}
	if err != nil || f == nil {
		return meta, samples, err
	}
	if st.seen, err = f.seenBefore(ctx, st.run); err != nil {
		return meta, samples, err
	}
	samples, err = readPosition(ctx, f.db, st.run)
	return meta, samples, err
}

func readPosition(ctx context.Context, db *database, run string) (position, error) {
	var p position
	err := db.row(ctx, "SELECT last_seq, other_seq FROM stream_seq WHERE run = ?", []any{run}, &p.last, &p.other)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return p, explain("read stream position", db.path, err)
}

// least is the number up to which nothing is missing in either file: that of
// the file that is ahead, if the other has all that was due to it by then.
func least(a, b position) uint64 {
	if a.last < b.last {
		a, b = b, a
	}
	if b.last >= a.other {
		return a.last
	}
	return b.last
}

// LastSeq returns the number up to which the events of a run's stream are
// kept, without a gap; 0 for a run that is not known.
func (s *Store) LastSeq(ctx context.Context, run string) (uint64, error) {
	if s.meta == nil {
		return 0, nil
	}
	st, err := s.stream(ctx, run)
	if err != nil {
		return 0, err
	}
	s.order.Lock()
	defer s.order.Unlock()
	return st.told, nil
}

// monthFile names the samples file of runs that start now.
func (s *Store) monthFile() string { return s.now().UTC().Format("200601") + ".db" }

// existingSamples returns a samples file that is open or exists, else nil.
func (s *Store) existingSamples(ctx context.Context, name string) (*samplesFile, error) {
	s.mu.Lock()
	f := s.samples[name]
	s.mu.Unlock()
	if f != nil {
		return f, nil
	}
	path := filepath.Join(s.dir, "samples", name)
	if name == "" || !exists(path) && !exists(path+"-wal") {
		return nil, nil
	}
	return s.samplesFile(ctx, name)
}

// missingSamples makes a samples file anew that must have been there.
func (s *Store) missingSamples(ctx context.Context, name string) (*samplesFile, error) {
	f, err := s.samplesFile(ctx, name)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.noteDamage(Damage{File: name, Cause: "it is missing"})
	}
	return f, err
}

// samplesFile returns the named samples file, opened where it was not.
func (s *Store) samplesFile(ctx context.Context, name string) (*samplesFile, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if f, ok := s.samples[name]; ok {
		return f, nil
	}
	f, err := s.openSamples(ctx, filepath.Join(s.dir, "samples", name))
	if err != nil {
		return nil, err
	}
	s.samples[name] = f
	return f, nil
}

// closeLog closes the stream's log file.
func (st *stream) closeLog() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.log == nil {
		return nil
	}
	err := st.log.close()
	st.log = nil
	return err
}
