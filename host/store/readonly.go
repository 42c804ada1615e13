package store

import (
	"context"
	"path/filepath"
)

// OpenReadOnly opens the store of a host for its queries alone, whether that
// host runs or not. A directory without a database answers as an empty store.
func OpenReadOnly(dir string) (*Store, error) {
	s := newStore(Options{Dir: dir})
	path := filepath.Join(s.dir, metaFile)
	if !exists(path) {
		return s, nil
	}
	db, err := openReadOnlyDatabase(context.Background(), path, metaSchema)
	if err != nil {
		return nil, err
	}
	s.meta = db
	return s, nil
}
