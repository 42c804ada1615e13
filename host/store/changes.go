package store

import (
	"database/sql"
	"encoding/json"
	"strings"

	"github.com/mlhost/mlhost/shared/script"
)

// A change of parameters is one row of the table event when Append returns,
// and nothing else: somebody waits for it. What is read of changes and kept
// values is in tables of their own, into which events are folded later, many
// at a time. Who reads those tables adds the events behind the last fold.

// foldAfter is how many events may wait to be folded.
const foldAfter = 256

// foldedEvents names the counter of the last event that is folded.
const foldedEvents = "folded_event"

const selectUnfolded = `SELECT id, time, script, run, seq, kind, body FROM event
	WHERE id > coalesce((SELECT value FROM counter WHERE name = 'folded_event'), 0) AND kind IN ('parameters', 'observed')`

// fold brings the tables parameter_change, kept_parameter and kept_revision up
// to date. Whoever changes kept values otherwise folds before.
func (s *Store) fold(tx *tx) error {
	var waiting []script.Event
	r := &reader{query: tx.query}
	err := r.each(selectUnfolded+" ORDER BY id", nil, func(rows *sql.Rows) error {
		e, err := scanEvent(rows)
		waiting = append(waiting, e)
		return err
	})
	if err != nil {
		return err
	}
	f := folded{values: map[parameterName]*script.Value{}, revisions: map[string]uint64{}}
	for i := range waiting {
		f.add(&waiting[i])
	}
	if err := f.write(tx); err != nil {
		return err
	}
	s.metaWriter.unfolded = 0
	_, err = tx.exec(saveCounter, foldedEvents, s.nextID-1)
	return err
}

var insertChange = insertion{head: `INSERT OR FAIL INTO parameter_change
	(event, position, time, script, run, step, revision, name, old, new, author, status, batch) VALUES `, columns: 13}

// folded gathers the rows that follow from events; of those that replace each
// other only the last.
type folded struct {
	changes   []any                           // columns of parameter_change, row after row
	values    map[parameterName]*script.Value // nil: kept no longer
	revisions map[string]uint64
}

type parameterName struct{ script, name string }

// add takes in an event. What somebody set is kept for the next run too; what
// a script sets by itself ends with its run.
func (f *folded) add(e *script.Event) {
	for i, c := range changesOf(e) {
		f.changes = append(f.changes, e.ID, i, nanos(c.Time), c.Script, c.Run, c.Step, c.Revision, c.Name,
			encodeValue(c.Old), encodeValue(c.New), c.Author, string(c.Status), c.Batch)
	}
	b, ok := e.Body.(script.ParametersChanged)
	if !ok {
		return
	}
	f.revisions[e.Script] = max(f.revisions[e.Script], b.Revision)
	if outlastsRun(b) {
		for _, c := range b.Changes {
			name := parameterName{e.Script, c.Name}
			if f.values[name] = nil; c.Status != script.Released {
				f.values[name] = &c.New
			}
		}
	}
}

func (f *folded) write(tx *tx) error {
	if err := tx.insert(insertChange, f.changes); err != nil {
		return err
	}
	for p, v := range f.values {
		if err := keepValue(tx, p.script, p.name, v); err != nil {
			return err
		}
	}
	for name, revision := range f.revisions {
		if err := writeRevision(tx, name, revision); err != nil {
			return err
		}
	}
	return nil
}

// outlastsRun reports whether the values hold for later runs too.
func outlastsRun(b script.ParametersChanged) bool { return !strings.HasPrefix(b.Author, "script:") }

// observed is the status of a row that tells of no change, but that a value is
// in use now: see settled.
const observed script.OutcomeStatus = "observed"

// changesOf returns the changes that an event tells of.
func changesOf(e *script.Event) []Change {
	one := Change{Time: e.Time, Script: e.Script, Run: e.Run}
	switch b := e.Body.(type) {
	case script.ParametersChanged:
		one.Revision, one.Author, one.Batch = b.Revision, b.Author, b.Batch
		out := make([]Change, 0, len(b.Changes))
		for _, c := range b.Changes {
			one.Name, one.Old, one.New, one.Status, one.Step = c.Name, c.Old, c.New, c.Status, c.Step
			out = append(out, one)
		}
		return out
	case script.ParametersObserved:
		one.Name, one.New, one.Status, one.Step, one.Author = b.Name, b.Value, observed, b.Step, "script:"+e.Script
		if b.Overwritten {
			one.Status = "overwritten"
		}
		return []Change{one}
	}
	return nil
}

// keepValue keeps a value for later runs; nil, none.
func keepValue(tx *tx, name, parameter string, v *script.Value) error {
	var text any
	if v != nil {
		text = encodeValue(*v)
	}
	_, err := tx.exec(`INSERT INTO kept_parameter (script, name, value) VALUES (?, ?, ?)
		ON CONFLICT (script, name) DO UPDATE SET value = excluded.value`, name, parameter, text)
	return err
}

func writeOwner(tx *tx, name string, b script.OwnerChanged) error {
	_, err := tx.exec(`INSERT INTO kept_parameter (script, name, owner) VALUES (?, ?, ?)
		ON CONFLICT (script, name) DO UPDATE SET owner = excluded.owner`, name, b.Name, b.Owner)
	return err
}

func writeRevision(tx *tx, name string, revision uint64) error {
	_, err := tx.exec(`INSERT INTO kept_revision (script, revision) VALUES (?, ?)
		ON CONFLICT (script) DO UPDATE SET revision = excluded.revision WHERE excluded.revision > revision`, name, revision)
	return err
}

// changedText and observedText are the bodies of events from which values are
// read back: these stand as encodeValue writes them.
type changedText struct {
	Revision uint64
	Author   string
	Batch    string
	Changes  []changeText
}

type changeText struct {
	Name     string
	Old, New string
	Status   script.OutcomeStatus
	Step     int64
}

type observedText struct {
	Name        string
	Value       string
	Step        int64
	Overwritten bool
}

func changedBody(b script.ParametersChanged) changedText {
	out := changedText{Revision: b.Revision, Author: b.Author, Batch: b.Batch, Changes: make([]changeText, 0, len(b.Changes))}
	for _, c := range b.Changes {
		out.Changes = append(out.Changes, changeText{
			Name: c.Name, Old: encodeValue(c.Old), New: encodeValue(c.New), Status: c.Status, Step: c.Step,
		})
	}
	return out
}

func readChanged(data []byte) (script.Body, error) {
	var text changedText
	err := json.Unmarshal(data, &text)
	out := script.ParametersChanged{Revision: text.Revision, Author: text.Author, Batch: text.Batch}
	for _, t := range text.Changes {
		c := script.Change{Name: t.Name, Status: t.Status, Step: t.Step}
		if err == nil {
			c.Old, err = decodeValue(t.Old)
		}
		if err == nil {
			c.New, err = decodeValue(t.New)
		}
		out.Changes = append(out.Changes, c)
	}
	return out, err
}

func readObserved(data []byte) (script.Body, error) {
	var text observedText
	err := json.Unmarshal(data, &text)
	out := script.ParametersObserved{Name: text.Name, Step: text.Step, Overwritten: text.Overwritten}
	if err == nil {
		out.Value, err = decodeValue(text.Value)
	}
	return out, err
}
