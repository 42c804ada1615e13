package interpreter

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"github.com/mlhost/mlhost/shared/script"
)

// paramFile is a JSON file that carries parameters to a script.
type paramFile struct {
	path    string
	existed bool                    // before the run: it stays, and keys that are not ours are kept
	values  map[string]script.Value // what it holds now
}

// openParamFile looks at what is there. A file that is no JSON object is
// somebody's work: it is refused, not overwritten.
func openParamFile(path string) (*paramFile, error) {
	f := &paramFile{path: path, values: map[string]script.Value{}}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read parameter file: %w", err)
	}
	f.existed = true
	v, err := script.ParseJSON(data)
	if m, ok := v.Map(); ok && err == nil {
		maps.Copy(f.values, m)
		return f, nil
	}
	return nil, script.Errorf(script.CodeRejected, "parameter file %s exists and is not a JSON object", path).
		WithHint("move it away, or name another file")
}

// set writes the file anew with the given values changed. The change is whole
// or not at all, for whoever reads the file meanwhile too.
func (f *paramFile) set(values map[string]script.Value) error {
	next := maps.Clone(f.values)
	maps.Copy(next, values)
	data, err := json.MarshalIndent(script.Map(next), "", "  ")
	if err != nil {
		return fmt.Errorf("write parameter file: %w", err)
	}
	if err := replaceFile(f.path, append(data, '\n')); err != nil {
		return fmt.Errorf("write parameter file: %w", err)
	}
	f.values = next
	return nil
}

// remove takes the file away, unless it was there before.
func (f *paramFile) remove() error {
	if f.existed {
		return nil
	}
	if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove parameter file: %w", err)
	}
	return nil
}

// replaceFile writes a file by renaming a new one over it; the mode of an
// existing one is kept.
func replaceFile(path string, data []byte) (err error) {
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temp.Name()))
		}
	}()
	_, err = temp.Write(data)
	if err = errors.Join(err, temp.Chmod(mode), temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}

// paramFiles are the parameter files of a run, by the name in the config.
type paramFiles map[string]*paramFile

// writeParamFiles writes the files that the launch's parameters name. Names
// are relative to dir.
func writeParamFiles(dir string, parameters []script.LaunchParameter, values map[string]script.Value) (paramFiles, error) {
	files := paramFiles{}
	first := map[string]map[string]script.Value{}
	for _, p := range parameters {
		if p.File == "" {
			continue
		}
		if files[p.File] == nil {
			f, err := openParamFile(below(dir, p.File))
			if err != nil {
				return files, at(p.At, err)
			}
			files[p.File], first[p.File] = f, map[string]script.Value{}
		}
		if v, ok := values[p.Spec.Name]; ok && !v.IsNull() {
			first[p.File][p.Spec.Name] = v
		}
	}
	for name, f := range files {
		if err := f.set(first[name]); err != nil {
			return files, err
		}
	}
	return files, nil
}

// remove takes away the files that this run made.
func (files paramFiles) remove() error {
	var errs []error
	for _, f := range files {
		errs = append(errs, f.remove())
	}
	return errors.Join(errs...)
}

func below(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// at adds the place in the configuration to an error.
func at(place string, err error) error {
	e := *script.AsError(err)
	e.At = place
	return &e
}
