package store

import (
	"database/sql"
	"errors"

	"github.com/mlhost/mlhost/shared/script"
)

// metaWriter is what the writer of meta.db does around its transactions. It
// holds Store.order from the numbering of events until they are told.
type metaWriter struct {
	store    *Store
	reserved uint64             // before this transaction
	unfolded int                // events since the last fold
	before   int                // unfolded, before this transaction
	touched  map[*stream]uint64 // positions before this transaction
}

func (m *metaWriter) begin() (end func()) {
	s := m.store
	s.order.Lock()
	m.reserved, m.before = s.reserved, m.unfolded
	clear(m.touched)
	return s.order.Unlock
}

// flush reserves event numbers ahead of need, and folds what waits for it.
func (m *metaWriter) flush(tx *tx) error {
	s := m.store
	if s.nextID+idBlock/2 > s.reserved && !s.settled {
		s.reserved = s.nextID + idBlock
		if _, err := tx.exec(saveCounter, "next_event", s.reserved); err != nil {
			return err
		}
	}
	s.reserve = false
	if m.unfolded < foldAfter {
		return nil
	}
	return s.fold(tx)
}

func (m *metaWriter) reverted() {
	m.store.reserved, m.unfolded = m.reserved, m.before
	m.store.reserve = false
	for st, last := range m.touched {
		st.metaLast = last
	}
	clear(m.touched)
}

// writeMeta numbers a batch and writes its rows.
func (s *Store) writeMeta(tx *tx, b *batch) error {
	s.number(b)
	for i := range b.events {
		e, st := &b.events[i], b.streams[i]
		if !kept(e.Body) {
			continue
		}
		if st != nil && (e.Seq > 0 && e.Seq <= st.metaLast || st.hadSeen(e)) {
			continue
		}
		if err := s.writeEvent(tx, e, st); err != nil {
			return err
		}
	}
	return s.writePositions(tx, b)
}

// writePositions moves the streams of a batch to its end: all that goes into
// other files is there already.
func (s *Store) writePositions(tx *tx, b *batch) error {
	for i, st := range b.streams {
		if st == nil || b.events[i].Seq == 0 || (i+1 < len(b.streams) && b.streams[i+1] == st && b.events[i+1].Seq > 0) {
			continue // the last one of a row of events stands for all
		}
		seq := b.events[i].Seq
		if seq <= st.metaLast {
			continue
		}
		st.mu.Lock()
		due := st.samplesDue
		st.mu.Unlock()
		if _, err := tx.exec(savePosition, st.run, seq, due); err != nil {
			return err
		}
		if _, ok := s.metaWriter.touched[st]; !ok {
			s.metaWriter.touched[st] = st.metaLast
		}
		st.metaLast = seq
	}
	return nil
}

// writeEvent writes one event's row, and the rows that follow from it.
func (s *Store) writeEvent(tx *tx, e *script.Event, st *stream) error {
	body, err := encodeBody(e.Body)
	if err != nil {
		return err
	}
	// Of a database that was damaged the row may be there, and what followed from it not.
	_, err = tx.exec(`INSERT INTO event (id, time, script, run, seq, kind, body) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (run, seq) WHERE seq > 0 DO NOTHING`, e.ID, nanos(e.Time), e.Script, e.Run, e.Seq, script.KindOf(e.Body), body)
	if err != nil {
		return err
	}
	s.metaWriter.unfolded++
	switch b := e.Body.(type) {
	case script.RunStarted:
		return s.writeRun(tx, e, st, b)
	case script.StateChanged:
		if err := s.leave(tx, e); err != nil {
			return err
		}
		return s.writeState(tx, e, st, b)
	case script.Described:
		return writeDescription(tx, e, b)
	case script.Recorded:
		return writeRecord(tx, e.Run, b)
	case script.ArtifactWritten:
		return writeArtifact(tx, e, b)
	case script.OwnerChanged:
		return writeOwner(tx, e.Script, b)
	case script.ResultSet:
		_, err = tx.exec(`INSERT INTO result (run, name, value, time, event) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (run, name) DO UPDATE SET value = excluded.value, time = excluded.time, event = excluded.event`,
			e.Run, b.Name, encodeValue(b.Value), nanos(e.Time), e.ID)
	}
	return err
}

func (s *Store) writeRun(tx *tx, e *script.Event, st *stream, b script.RunStarted) error {
	if st == nil {
		return script.Errorf(script.CodeInternal, "a run of %s started without an id", e.Script)
	}
	st.mu.Lock()
	file, step := st.file, st.step
	st.ended = false
	st.mu.Unlock()
	_, err := tx.exec(`INSERT INTO run (id, script, state, started, attempt, plugin, sha256, command, parameters, revision, step, samples_file)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET started = excluded.started,
		attempt = excluded.attempt, plugin = excluded.plugin, sha256 = excluded.sha256, command = excluded.command,
		parameters = excluded.parameters, revision = excluded.revision`,
		e.Run, e.Script, script.Starting, nanos(e.Time), b.Attempt, b.Plugin, b.Binary, string(mustJSON(b.Command)),
		encodeValues(b.Parameters), b.Revision, step, file)
	if err != nil {
		return err
	}
	return writeRevision(tx, e.Script, b.Revision)
}

// writeState keeps the state with the script and, where there is one, with
// the run. A run whose start was never told is made known by its state.
func (s *Store) writeState(tx *tx, e *script.Event, st *stream, b script.StateChanged) error {
	_, err := tx.exec(`INSERT INTO script (name, run, state, reason, pid, plugin_pid, updated) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET run = iif(excluded.run = '', run, excluded.run), state = excluded.state,
		reason = excluded.reason, pid = excluded.pid, plugin_pid = excluded.plugin_pid, updated = excluded.updated`,
		e.Script, e.Run, b.State, b.Reason, b.PID, b.PluginPID, nanos(e.Time))
	if err != nil || st == nil {
		return err
	}
	st.mu.Lock()
	file, step := st.file, st.step
	st.ended = b.State.Ended()
	st.mu.Unlock()
	if b.State.Ended() { // a line that comes later opens the log again
		if err := st.closeLog(); err != nil {
			s.logger.Warn("close log", "run", e.Run, "error", err)
		}
	}
	var finished any
	if b.State.Ended() {
		finished = nanos(e.Time)
	}
	_, err = tx.exec(`INSERT INTO run (id, script, state, reason, started, finished, exit_code, step, samples_file)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state, reason = excluded.reason,
		finished = iif(excluded.finished IS NULL, NULL, coalesce(finished, excluded.finished)),
		exit_code = coalesce(excluded.exit_code, exit_code), step = max(step, excluded.step)`,
		e.Run, e.Script, b.State, b.Reason, nanos(e.Time), finished, b.ExitCode, step, file)
	return err
}

func writeDescription(tx *tx, e *script.Event, b script.Described) error {
	text, err := encodeDescription(b.Description)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO description (script, run, body) VALUES (?, ?, ?)
		ON CONFLICT (script) DO UPDATE SET run = excluded.run, body = excluded.body`, e.Script, e.Run, text)
	if err != nil || e.Run == "" || len(b.Description.Parameters) == 0 {
		return err
	}
	return addParameters(tx, e.Run, b)
}

// addParameters adds to a run's parameters those that its script has declared
// only now, and corrects those whose value in use is another one than was
// thought: arguments are known when the script's parser has run.
func addParameters(tx *tx, run string, b script.Described) error {
	var text string
	err := tx.row("SELECT parameters FROM run WHERE id = ?", []any{run}, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	values, err := decodeValues(text)
	if err != nil {
		return err
	}
	changed := false
	for _, spec := range b.Description.Parameters {
		known, has := values[spec.Name]
		v, told := b.Values[spec.Name]
		if !told && !has {
			v, told = spec.Default, !spec.Default.IsNull()
		}
		if told && (!has || !known.Equal(v)) {
			values[spec.Name], changed = v, true
		}
	}
	if !changed {
		return nil
	}
	_, err = tx.exec("UPDATE run SET parameters = ? WHERE id = ?", encodeValues(values), run)
	return err
}
