package supervisor

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// fileKey tells whether a file is still the one that was hashed.
type fileKey struct {
	Path     string
	Dev, Ino uint64
	Size     int64
	Modified int64 // ns
	Changed  int64 // ns; moved by every write, whatever the writer pretends
}

func keyOf(path string, info fs.FileInfo) fileKey {
	key := fileKey{Path: path, Size: info.Size(), Modified: info.ModTime().UnixNano()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		key.identify(st)
	}
	return key
}

// sumsFile keeps the hashes of executables, beside their copies: to hash a
// large one at each start of a host would take longer than to start it.
const sumsFile = "sums.json"

// sumFile is what is known of files by their paths. It is only a saving: what
// cannot be read or written is hashed again.
type sumFile struct {
	path string // "": kept nowhere

	mu    sync.Mutex
	known map[string]knownSum
}

type knownSum struct {
	Key fileKey `json:"key"`
	Sum string  `json:"sha256"`
}

func readSums(dir string) *sumFile {
	s := &sumFile{known: map[string]knownSum{}}
	if dir == "" {
		return s
	}
	s.path = filepath.Join(dir, sumsFile)
	if b, err := os.ReadFile(s.path); err == nil && json.Unmarshal(b, &s.known) != nil {
		s.known = map[string]knownSum{}
	}
	return s
}

func (s *sumFile) get(key fileKey) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, ok := s.known[key.Path]; ok && k.Key == key {
		return k.Sum
	}
	return ""
}

func (s *sumFile) put(key fileKey, sum string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[key.Path] = knownSum{Key: key, Sum: sum}
	if s.path == "" {
		return
	}
	b, err := json.Marshal(s.known)
	if err != nil || os.MkdirAll(filepath.Dir(s.path), 0o700) != nil {
		return
	}
	_ = writeFile(s.path, b, false) // only a saving, see above
}
