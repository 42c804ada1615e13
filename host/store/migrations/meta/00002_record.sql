-- +goose Up
-- Facts about a run that let it be understood later, by key; values are JSON.
CREATE TABLE run_record (
	run   TEXT NOT NULL,
	key   TEXT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (run, key)
) WITHOUT ROWID;

-- Texts of a run that are files in blobs/, named by their sums.
CREATE TABLE run_text (
	run    TEXT NOT NULL,
	name   TEXT NOT NULL,
	sha256 TEXT NOT NULL,
	size   INTEGER NOT NULL,
	PRIMARY KEY (run, name)
) WITHOUT ROWID;
CREATE INDEX run_text_sha256 ON run_text (sha256);

-- Files that a run left behind.
CREATE TABLE artifact (
	run    TEXT NOT NULL,
	path   TEXT NOT NULL,
	size   INTEGER NOT NULL,
	sha256 TEXT NOT NULL, -- '': not computed
	kind   TEXT NOT NULL,
	found  TEXT NOT NULL, -- opened, or directory
	time   INTEGER NOT NULL,
	PRIMARY KEY (run, path)
) WITHOUT ROWID;
CREATE INDEX artifact_path ON artifact (path) WHERE found = 'opened';
