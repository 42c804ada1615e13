package python

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxSource is how much of a file the reader looks at, and one byte more: a
// file is known by the hash of that.
const maxSource = 5_000_000 + 1

// cached fills in the result that was kept for the path, if every file that it
// rests on is as it was. A result that cannot be used is made anew.
func (d *discoverer) cached(r *Discovered) bool {
	data, err := os.ReadFile(d.entry(r.Path))
	if err != nil {
		return false
	}
	var kept Discovered
	if json.Unmarshal(data, &kept) != nil || kept.Path != r.Path || len(kept.Reads) == 0 {
		return false
	}
	for path, hash := range kept.Reads {
		if d.hash(path) != hash {
			return false
		}
	}
	kept.fill()
	*r = kept
	return true
}

func (d *discoverer) keep(r *Discovered) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return writeWhole(d.entry(r.Path), data)
}

func (d *discoverer) entry(path string) string {
	return filepath.Join(d.dir, hashOf([]byte(path + "\x00" + strings.Join(d.site[path], "\x00")))[:24]+".json")
}

// hash returns what HashesByPath holds for a file.
func (d *discoverer) hash(path string) string {
	if known, ok := d.hashes[path]; ok {
		return known
	}
	sum := ""
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		if f, err := os.Open(path); err == nil {
			h := sha256.New()
			if _, err := io.Copy(h, io.LimitReader(f, maxSource)); err == nil {
				sum = hex.EncodeToString(h.Sum(nil))
			}
			f.Close()
		}
	}
	d.hashes[path] = sum
	return sum
}

// discoverSources returns the files of the program that reads scripts, by their
// names below "src", and a hash over all of them.
func discoverSources() (map[string][]byte, string, error) {
	sources, sum := map[string][]byte{}, sha256.New()
	err := walk(func(name string, file fs.File) error {
		if !isDiscover(name) {
			return nil
		}
		data, err := io.ReadAll(file)
		if err != nil {
			return err
		}
		sources[name] = data
		_, err = fmt.Fprintf(sum, "%s %d\n%s\n", name, len(data), data)
		return err
	})
	return sources, hex.EncodeToString(sum.Sum(nil))[:16], err
}

// isDiscover tells the files of that program from the modules.
func isDiscover(name string) bool { return strings.HasPrefix(name, discoverName+"/") }

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// writeWhole writes a file that nobody sees half of.
func writeWhole(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
