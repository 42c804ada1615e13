package supervisor

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/mlhost/mlhost/shared/script"
)

// binaries keeps what is known of plugin executables: their hashes, and the
// copies that they run from. A copy cannot change under a running plugin, and
// a plugin's author may overwrite the original at any time.
type binaries struct {
	dir string // of the copies: plugins/<sha256>; "" makes none

	mu    sync.Mutex
	known map[fileKey]*binaryEntry
	last  map[string]string // by path: the sum of what was last prepared
	sums  *sumFile          // that outlives this process; nil: not read yet
}

type binaryEntry struct {
	mu  sync.Mutex
	sum string // "": not hashed yet
	run string // the path to execute
}

// prepare checks the executable, compares it with the pin where there is one,
// and returns its sha256 and the path to run it from.
func (b *binaries) prepare(path, pin string) (sum, run string, err error) {
	e, key, err := b.entry(path)
	if err != nil {
		return "", "", err
	}

	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sum == "" {
		if err = b.learn(e, key, pin); err != nil {
			return "", "", err
		}
	}
	if pin != "" && pin != e.sum {
		return "", "", script.Errorf(script.CodeRejected,
			"the plugin %s is not the pinned one: its sha256 is %s, and sha256 = %q is wanted", path, e.sum, pin).
			WithHint("set sha256 to the new value if the change is meant")
	}
	if b.dir == "" {
		return e.sum, path, nil
	}
	b.use(path, e.sum)
	if e.run == "" || !fileExists(e.run) {
		if e.run, err = b.copy(path, e.sum); err != nil {
			return "", "", err
		}
	}
	return e.sum, e.run, nil
}

// entry returns what is known of an executable. It is looked into once.
func (b *binaries) entry(path string) (*binaryEntry, fileKey, error) {
	key, err := checkExecutable(path)
	if err != nil {
		return nil, key, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.known[key]; e != nil {
		return e, key, nil
	}
	if err := checkFormat(path); err != nil {
		return nil, key, err
	}
	if b.known == nil {
		b.known = map[fileKey]*binaryEntry{}
	}
	e := &binaryEntry{}
	b.known[key] = e
	return e, key, nil
}

// hash returns the sha256 of a file. It reads the file if that is not known
// from an earlier time, or if it must be certain.
func (b *binaries) hash(key fileKey, certain bool) (string, error) {
	sums := b.sumFile()
	if sum := sums.get(key); sum != "" && !certain {
		return sum, nil
	}
	sum, err := hashFile(key.Path)
	if err == nil {
		sums.put(key, sum)
	}
	return sum, err
}

func (b *binaries) sumFile() *sumFile {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sums == nil {
		b.sums = readSums(b.dir)
	}
	return b.sums
}

func fileExists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// checkExecutable tells what keeps path from being executed, as far as a look
// at the file can tell.
func checkExecutable(path string) (fileKey, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fileKey{}, script.Errorf(script.CodeNotFound, "there is no plugin %s", path).
			WithHint("build it, or correct the path; relative paths start at the config file")
	case err != nil:
		return fileKey{}, script.Errorf(script.CodeIO, "the plugin %s cannot be read: %v", path, err)
	case info.IsDir():
		return fileKey{}, script.Errorf(script.CodeRejected, "the plugin %s is a directory", path).
			WithHint("name the executable in it")
	case !info.Mode().IsRegular():
		return fileKey{}, script.Errorf(script.CodeRejected, "the plugin %s is not a regular file (%s)", path, info.Mode().Type())
	case info.Mode().Perm()&0o111 == 0:
		return fileKey{}, script.Errorf(script.CodeRejected, "the plugin %s is not executable (mode %s)", path, info.Mode().Perm()).
			WithHint("chmod +x %s", path)
	case info.Size() == 0:
		return fileKey{}, script.Errorf(script.CodeRejected, "the plugin %s is empty", path)
	}
	return keyOf(path, info), nil
}

// checkFormat refuses programs for other machines; what it does not know, the
// kernel will judge.
func checkFormat(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return script.Errorf(script.CodeIO, "the program cannot be read: %v", err)
	}
	defer func() { _ = f.Close() }()
	var head [4]byte
	n, err := io.ReadFull(f, head[:])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return script.Errorf(script.CodeIO, "the plugin %s cannot be read: %v", path, err)
	}
	built := ""
	switch start := head[:n]; {
	case bytes.HasPrefix(start, []byte("\x7fELF")):
		built = foreignELF(f)
	case bytes.HasPrefix(start, []byte("MZ")):
		built = "Windows"
	case bytes.Equal(start, []byte("\xcf\xfa\xed\xfe")), bytes.Equal(start, []byte("\xca\xfe\xba\xbe")):
		built = "macOS"
	}
	if built == "" {
		return nil
	}
	return script.Errorf(script.CodeRejected, "the plugin %s is built for %s; this machine is %s/%s",
		path, built, runtime.GOOS, runtime.GOARCH).
		WithHint("build it with GOOS=%s GOARCH=%s", runtime.GOOS, runtime.GOARCH)
}

// foreignELF names the machine that an ELF file is for, or returns "" for
// this one.
func foreignELF(f *os.File) string {
	file, err := elf.NewFile(f)
	if err != nil {
		return "" // damaged: the kernel's error says so
	}
	want := map[string]elf.Machine{
		"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64, "386": elf.EM_386, "arm": elf.EM_ARM,
		"riscv64": elf.EM_RISCV, "s390x": elf.EM_S390, "ppc64le": elf.EM_PPC64, "loong64": elf.EM_LOONGARCH,
	}
	if machine, known := want[runtime.GOARCH]; known && file.Machine != machine {
		return fmt.Sprintf("another processor (%s)", file.Machine)
	}
	return ""
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", script.Errorf(script.CodeIO, "the program cannot be read: %v", err)
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", script.Errorf(script.CodeIO, "the plugin %s cannot be read: %v", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// learn finds out the sum of an executable. One that is copied, and that nothing
// is known of, is read once for both.
func (b *binaries) learn(e *binaryEntry, key fileKey, pin string) (err error) {
	if b.dir == "" || b.sumFile().get(key) != "" {
		e.sum, err = b.hash(key, pin != "")
		return err
	}
	taken, sum, err := b.take(key.Path)
	if err != nil {
		return err
	}
	if now, err := statKey(key.Path); err != nil || now != key {
		return errors.Join(copyError(key.Path, errChanges), os.Remove(taken))
	}
	e.sum = sum
	b.sumFile().put(key, sum)
	if pin != "" && pin != sum {
		return os.Remove(taken)
	}
	if b.whole(sum) {
		return os.Remove(taken)
	}
	e.run, err = b.put(taken, sum)
	return err
}

// errChanges says that a file is being written.
var errChanges = errors.New("it changes while it is read")

func copyError(path string, err error) error {
	return &script.Error{Code: script.CodeIO, Message: fmt.Sprintf("copy the plugin %s into the state directory: %v", path, err),
		Hint: "is the disk full?"}
}

// copy puts the executable under its hash. A copy that is there already is
// used when it is whole. A hard link would save the space, but the original's
// author could then change the copy.
func (b *binaries) copy(path, sum string) (target string, err error) {
	if b.whole(sum) {
		return filepath.Join(b.dir, sum), nil
	}
	taken, got, err := b.take(path)
	if err != nil {
		return "", err
	}
	if got != sum {
		return "", errors.Join(copyError(path, errChanges), os.Remove(taken))
	}
	return b.put(taken, sum)
}

// whole reports whether the copy of that sum is there.
func (b *binaries) whole(sum string) bool {
	target := filepath.Join(b.dir, sum)
	info, err := os.Stat(target)
	if err != nil {
		return false
	}
	have, err := b.hash(keyOf(target, info), false)
	return err == nil && have == sum
}

// take makes a copy of the executable that has no name yet, and hashes it.
func (b *binaries) take(path string) (taken, sum string, err error) {
	fail := func(err error) (string, string, error) { return "", "", copyError(path, err) }
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return fail(err)
	}
	from, err := os.Open(path)
	if err != nil {
		return fail(err)
	}
	defer func() { _ = from.Close() }()
	to, err := os.CreateTemp(b.dir, ".new-*")
	if err != nil {
		return fail(err)
	}
	h := sha256.New()
	_, err = io.CopyBuffer(io.MultiWriter(onlyWriter{to}, h), onlyReader{from}, make([]byte, 256<<10))
	if err == nil {
		err = to.Chmod(0o500)
	}
	if err = errors.Join(err, to.Close()); err != nil {
		return fail(errors.Join(err, os.Remove(to.Name())))
	}
	return to.Name(), hex.EncodeToString(h.Sum(nil)), nil
}

// onlyReader and onlyWriter keep io.Copy from ways of its own.
type (
	onlyReader struct{ io.Reader }
	onlyWriter struct{ io.Writer }
)

// put gives a copy its name.
func (b *binaries) put(taken, sum string) (string, error) {
	target := filepath.Join(b.dir, sum)
	if err := os.Rename(taken, target); err != nil {
		return "", errors.Join(copyError(target, err), os.Remove(taken))
	}
	if info, err := os.Stat(target); err == nil {
		b.sumFile().put(keyOf(target, info), sum)
	}
	return target, nil
}
