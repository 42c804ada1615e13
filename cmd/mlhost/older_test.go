package main

import (
	"database/sql"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
)

// olderState makes a host's directory as the mlhost before the second version of
// the tables left it when it was killed: testdata/state1 is the dump of one.
//
//	olderstate DIR
func olderState(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Join(dir, "samples"), 0o700))
	ts.Check(os.WriteFile(filepath.Join(dir, "host.lock"), []byte("4194305\n"), 0o600)) // of a process that cannot be
	for from, to := range map[string]string{"meta.sql": "meta.db", "samples.sql": "samples/202611.db"} {
		dump, err := os.ReadFile(filepath.Join("testdata", "state1", from))
		ts.Check(err)
		db, err := sql.Open("sqlite", filepath.Join(dir, to))
		ts.Check(err)
		_, err = db.Exec(string(dump))
		ts.Check(err)
		ts.Check(db.Close())
	}
}

// newerState says of a host's databases that a newer mlhost has made them:
//
//	newerstate DIR
func newerState(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite", filepath.Join(ts.MkAbs(args[0]), "meta.db"))
	ts.Check(err)
	_, err = db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)")
	ts.Check(err)
	_, err = db.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
	ts.Check(err)
	ts.Check(db.Close())
}
