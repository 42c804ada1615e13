package supervisor

import (
	"context"
	"maps"
	"path/filepath"
	"strings"

	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

// goesOn says from what a run goes on that was begun because its script's
// source has changed.
type goesOn struct {
	run        string // that has written the checkpoint
	checkpoint string // file or folder
	parameter  string // of the script, that takes it
}

// resumedKey is where a run's record tells what it goes on from.
const resumedKey = "resumed"

// record is what history keeps of it.
func (g *goesOn) record() script.Recorded {
	return script.Recorded{Record: map[string]script.Value{resumedKey: script.Map(map[string]script.Value{
		"run": script.String(g.run), "checkpoint": script.String(g.checkpoint), "parameter": script.String(g.parameter),
	})}}
}

// CheckpointIn returns the checkpoint that a run goes on from, by its record;
// "" where it began anew.
func CheckpointIn(record map[string]script.Value) string {
	about, _ := record[resumedKey].Map()
	path, _ := about["checkpoint"].Text()
	return path
}

// findCheckpoint returns what the run can go on from, nil where it is to begin
// anew: nobody has asked for more, or the script has no argument for it.
func (p *Process) findCheckpoint(ctx context.Context, conf *config.Script, found *script.Catalogue) *goesOn {
	from := ""
	p.s.update(func() { from, p.unit.from = p.unit.from, "" })
	if from == "" || found == nil || found.Resume == "" || p.s.options.Checkpoint == nil {
		return nil
	}
	path, err := p.s.options.Checkpoint(ctx, from)
	if err != nil {
		p.warn("the script begins anew: the checkpoints of run %s are not known: %v", from, err)
	}
	if err != nil || path == "" {
		return nil
	}
	known, _ := found.Parameter(found.Resume)
	if arg := config.ArgumentIn(conf.Args, known, found); arg != "" {
		p.warn("the checkpoint %s is not given to the script: args holds %s already", path, arg)
		return nil
	}
	return &goesOn{run: from, checkpoint: path, parameter: found.Resume}
}

// handCheckpoint puts the checkpoint among the values that the run starts with.
// Where the script does not take it the run begins anew.
func (p *Process) handCheckpoint(ctx context.Context) {
	g := p.goesOn
	if g == nil {
		return
	}
	p.goesOn = nil
	spec, ok := p.described.Parameter(g.parameter)
	if !ok {
		return
	}
	now, ok := p.values[g.parameter]
	if !ok {
		now = spec.Default
	}
	if text, ok := now.Text(); ok && findsItself(text, g.checkpoint, p.config().Directory) {
		return
	}
	value := script.String(g.checkpoint)
	if spec.Type == script.TypeBool {
		value = script.Bool(true)
	}
	value, err := spec.Check(value)
	if err == nil {
		values := make(map[string]script.Value, len(p.values)+1)
		maps.Copy(values, p.values)
		values[g.parameter] = value
		if err = p.validate(ctx, values); err == nil {
			p.values, p.goesOn = values, g
			return
		}
	}
	p.warn("the script begins anew: the checkpoint %s does not fit %s: %v", g.checkpoint, g.parameter, err)
}

// findsItself reports whether an argument's value lets the script find the
// checkpoint by itself: it is a word for that, or names the place.
func findsItself(value, checkpoint, directory string) bool {
	switch strings.ToLower(value) {
	case "":
		return false
	case "auto", "last", "latest":
		return true
	}
	if !filepath.IsAbs(value) {
		value = filepath.Join(directory, value)
	}
	rel, err := filepath.Rel(filepath.Clean(value), checkpoint)
	return err == nil && filepath.IsLocal(rel)
}
