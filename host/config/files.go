package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
)

// Bounds on what is read, before any parser sees it.
const (
	MaxFileSize  = 1 << 20
	maxTotalSize = 16 << 20 // of a directory
	maxFiles     = 1000
)

// configFiles lists the files of a configuration: path itself, or a
// directory's *.hcl and *.hcl.json in name order (its *.json where it has
// neither).
func configFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	names, err := configNames(path)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("the directory holds no *.hcl or *.hcl.json file")
	}
	if len(names) > maxFiles {
		return nil, fmt.Errorf("%d configuration files are more than %d", len(names), maxFiles)
	}
	return names, nil
}

func configNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var native, plain []string
	for _, e := range entries {
		name := e.Name()
		switch {
		case strings.HasPrefix(name, "."):
		case strings.HasSuffix(name, ".hcl"), strings.HasSuffix(name, ".hcl.json"):
			native = append(native, filepath.Join(dir, name))
		case strings.HasSuffix(name, ".json"):
			plain = append(plain, filepath.Join(dir, name))
		}
	}
	if len(native) == 0 {
		native = plain
	}
	slices.Sort(native)
	return native, nil
}

// IsConfig reports whether path is a configuration: a file named *.hcl or
// *.json, or a directory with at least one *.hcl or *.hcl.json.
func IsConfig(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	if !info.IsDir() {
		return isJSON(path) || strings.HasSuffix(path, ".hcl")
	}
	names, err := configNames(path)
	return err == nil && slices.ContainsFunc(names, func(n string) bool { return strings.Contains(filepath.Base(n), ".hcl") })
}

func isJSON(filename string) bool { return strings.HasSuffix(filename, ".json") }

// parseFile reads and parses one file and keeps its source in files.
func parseFile(path string, files map[string]*hcl.File) (*hcl.File, hcl.Diagnostics) {
	src, err := readBounded(path)
	if err != nil {
		return nil, hcl.Diagnostics{unreadable(path, err)}
	}
	file, diags := parse(src, path)
	files[path] = file
	return file, diags
}

func unreadable(path string, err error) *hcl.Diagnostic {
	reason := err.Error()
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		reason = pathErr.Err.Error()
	}
	d := fault(hcl.Range{}, "Cannot read configuration", "%s: %s.", path, reason)
	if errors.Is(err, fs.ErrNotExist) {
		d.Detail += " Write one with `mlhost init`, or name another file."
	}
	return d
}

// parse bounds and parses src. The file it returns is never nil.
func parse(src []byte, filename string) (*hcl.File, hcl.Diagnostics) {
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	if diags := checkSource(src, filename); diags.HasErrors() {
		return &hcl.File{Bytes: src, Body: hcl.EmptyBody()}, diags
	}
	var file *hcl.File
	var diags hcl.Diagnostics
	if isJSON(filename) {
		file, diags = json.Parse(src, filename)
	} else {
		file, diags = hclsyntax.ParseConfig(src, filename, hcl.InitialPos)
	}
	if file == nil || file.Body == nil {
		file = &hcl.File{Body: hcl.EmptyBody()}
	}
	file.Bytes = src
	if diags.HasErrors() {
		diags[0].Detail += formHint(src, filename)
	}
	return file, hintAll(diags, src)
}

// formHint tells who wrote JSON into a *.hcl file, or HCL into a *.json one.
func formHint(src []byte, filename string) string {
	object := bytes.HasPrefix(bytes.TrimSpace(src), []byte("{"))
	switch {
	case object && !isJSON(filename):
		return " This looks like JSON, which is read from files named *.json or *.hcl.json."
	case !object && isJSON(filename):
		return " The JSON variant is one object, { … }. HCL is read from files named *.hcl."
	}
	return ""
}

// readBounded reads a regular file of at most MaxFileSize bytes.
func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("it is %s, not a regular file", describeMode(info.Mode()))
	}
	// O_NONBLOCK: a named pipe that took the file's place must not block us.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readRegular(f)
}

func readRegular(f *os.File) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("it is %s, not a regular file", describeMode(info.Mode()))
	}
	src, err := io.ReadAll(io.LimitReader(f, MaxFileSize+1))
	if err != nil {
		return nil, err
	}
	if len(src) > MaxFileSize {
		return nil, fmt.Errorf("it is larger than 1 MiB")
	}
	return src, nil
}

func describeMode(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a directory"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "something special"
}

// checkSource refuses what a parser must not see: too much, bytes that are no
// text, and nesting that would overflow its stack.
func checkSource(src []byte, filename string) hcl.Diagnostics {
	at := func(offset int) hcl.Range { return rangeAt(src, filename, offset) }
	if len(src) > MaxFileSize {
		return hcl.Diagnostics{fault(at(0), "File too large", "A configuration file may have at most 1 MiB.")}
	}
	if bytes.HasPrefix(src, []byte("\xff\xfe")) || bytes.HasPrefix(src, []byte("\xfe\xff")) {
		return hcl.Diagnostics{fault(at(0), "Not UTF-8", "The file is UTF-16. Save it as UTF-8.")}
	}
	for i := 0; i < len(src); {
		r, size := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && size == 1 {
			return hcl.Diagnostics{fault(at(i), "Not UTF-8", "The byte 0x%02x is not part of a UTF-8 character. Save the file as UTF-8.", src[i])}
		}
		if (r < ' ' && r != '\n' && r != '\t' && r != '\r') || r == 0x7f {
			return hcl.Diagnostics{fault(at(i), "Control character", "The control character 0x%02x cannot stand in a configuration. In a string, write it as \"\\u%04x\".", r, r)}
		}
		i += size
	}
	if isJSON(filename) {
		return checkJSONNesting(src, filename)
	}
	tokens, _ := hclsyntax.LexConfig(src, filename, hcl.InitialPos) // the parser reports what it finds wrong
	return checkNesting(tokens)
}

// rangeAt is the place of one byte.
func rangeAt(src []byte, filename string, offset int) hcl.Range {
	before := src[:offset]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	start := hcl.Pos{Line: line, Column: column, Byte: offset}
	end := hcl.Pos{Line: line, Column: column + 1, Byte: min(offset+1, len(src))}
	return hcl.Range{Filename: filename, Start: start, End: end}
}
