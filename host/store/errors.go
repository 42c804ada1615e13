package store

import (
	"errors"
	"fmt"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/mlhost/mlhost/shared/script"
)

// ErrClosed is returned by every method of a store that was closed.
var ErrClosed = &script.Error{Code: script.CodeUnavailable, Message: "the store is closed"}

// explain turns an error of SQLite or of the file system into one that says
// what could not be done, where, and what to do. An error that is already a
// script.Error stays as it is.
func explain(doing, path string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*script.Error](err); ok {
		return e
	}
	if cause, hint := ioCause(err); cause != "" && isDamaged(err) {
		return &damaged{script.Errorf(script.CodeIO, "%s: %s: %s", doing, path, cause).WithHint("%s", hint), err}
	} else if cause != "" {
		return script.Errorf(script.CodeIO, "%s: %s: %s", doing, path, cause).WithHint("%s", hint)
	}
	return fmt.Errorf("%s: %s: %w", doing, path, err)
}

// damaged is the error of a damaged database, with what SQLite says of it.
type damaged struct {
	told  *script.Error
	cause error
}

// Error implements error.
func (d *damaged) Error() string { return d.told.Error() }

// Unwrap lets errors.As find both.
func (d *damaged) Unwrap() []error { return []error{d.told, d.cause} }

// ioCause names the cause of an error that the disk or its rights are to
// blame for, "" for any other error.
func ioCause(err error) (cause, hint string) {
	const free = "free some space; what was refused can then be written again"
	const rights = "make it writable, or choose another directory with --state"
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "the disk is full", free
	case errors.Is(err, syscall.EDQUOT):
		return "the disk quota is used up", free
	case errors.Is(err, syscall.EFBIG):
		return "the file is larger than allowed", "raise the limit on file sizes (ulimit -f)"
	case errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return "it cannot be written: " + err.Error(), rights
	case errors.Is(err, syscall.EIO):
		return "the disk reports an error: " + err.Error(), "look into the system's log"
	}
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return "", ""
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return "the disk is full", free
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN:
		return "it cannot be written: " + e.Error(), rights
	case sqlite3.SQLITE_IOERR:
		return "the disk reports an error: " + e.Error(), "is the disk full, or a limit on file sizes reached?"
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return "the database is damaged: " + e.Error(), "start the host again: it sets the file aside and keeps what can be read of it"
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return "another process keeps it locked", "end the program that has the database open"
	}
	return "", ""
}
