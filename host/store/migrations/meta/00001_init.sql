-- Times are nanoseconds since 1970 (UTC). Values are JSON; NaN, Infinity and
-- -Infinity stand bare, without quotes.

-- +goose Up
CREATE TABLE run (
	n            INTEGER PRIMARY KEY,
	id           TEXT NOT NULL UNIQUE,
	script       TEXT NOT NULL,
	state        TEXT NOT NULL,
	reason       TEXT NOT NULL DEFAULT '',
	started      INTEGER NOT NULL,
	finished     INTEGER,
	exit_code    INTEGER,
	attempt      INTEGER NOT NULL DEFAULT 0,
	plugin       TEXT NOT NULL DEFAULT '',
	sha256       TEXT NOT NULL DEFAULT '',
	command      TEXT NOT NULL DEFAULT '[]',
	parameters   TEXT NOT NULL DEFAULT '{}',
	revision     INTEGER NOT NULL DEFAULT 0,
	step         INTEGER NOT NULL DEFAULT -1,
	samples_file TEXT NOT NULL
);
CREATE INDEX run_script ON run (script, n);

-- What is true of each script: what `ps` shows when no host runs.
CREATE TABLE script (
	name       TEXT PRIMARY KEY,
	run        TEXT NOT NULL DEFAULT '',
	state      TEXT NOT NULL,
	reason     TEXT NOT NULL DEFAULT '',
	pid        INTEGER NOT NULL DEFAULT 0,
	plugin_pid INTEGER NOT NULL DEFAULT 0,
	updated    INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE description (
	script TEXT PRIMARY KEY,
	run    TEXT NOT NULL,
	body   TEXT NOT NULL
) WITHOUT ROWID;

-- How far this file has taken each run's stream in. other_seq is the last
-- number that was due to the run's samples file by then.
CREATE TABLE stream_seq (
	run       TEXT PRIMARY KEY,
	last_seq  INTEGER NOT NULL,
	other_seq INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE event (
	id     INTEGER PRIMARY KEY,
	time   INTEGER NOT NULL,
	script TEXT NOT NULL,
	run    TEXT NOT NULL,
	seq    INTEGER NOT NULL, -- 0: the host made it
	kind   TEXT NOT NULL,
	body   TEXT NOT NULL
);
CREATE UNIQUE INDEX event_stream ON event (run, seq) WHERE seq > 0;

-- The changes of which events up to the counter folded_event tell; those of
-- later ones stand in the events alone. So do the values and revisions kept.
CREATE TABLE parameter_change (
	event    INTEGER NOT NULL,
	position INTEGER NOT NULL,
	time     INTEGER NOT NULL,
	script   TEXT NOT NULL,
	run      TEXT NOT NULL,
	step     INTEGER NOT NULL, -- -1: unknown
	revision INTEGER NOT NULL,
	name     TEXT NOT NULL,
	old      TEXT NOT NULL,
	new      TEXT NOT NULL,
	author   TEXT NOT NULL,
	status   TEXT NOT NULL,
	batch    TEXT NOT NULL,
	PRIMARY KEY (event, position)
) WITHOUT ROWID;
CREATE INDEX parameter_change_run ON parameter_change (run, event);

CREATE TABLE result (
	run   TEXT NOT NULL,
	name  TEXT NOT NULL,
	value TEXT NOT NULL,
	time  INTEGER NOT NULL,
	event INTEGER NOT NULL,
	PRIMARY KEY (run, name)
) WITHOUT ROWID;

-- Values that were set and outlast a run; owners of parameters.
CREATE TABLE kept_parameter (
	script TEXT NOT NULL,
	name   TEXT NOT NULL,
	value  TEXT, -- null: no value is kept, only the owner
	owner  TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (script, name)
) WITHOUT ROWID;
CREATE TABLE kept_revision (
	script   TEXT PRIMARY KEY,
	revision INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE mail (
	id           INTEGER PRIMARY KEY AUTOINCREMENT,
	script       TEXT NOT NULL,
	message      TEXT NOT NULL,
	kind         TEXT NOT NULL,
	source       TEXT NOT NULL,
	topic        TEXT NOT NULL,
	data         TEXT NOT NULL,
	time         INTEGER NOT NULL,
	size         INTEGER NOT NULL,
	acknowledged INTEGER, -- when; the row stays a while so that the id is known
	UNIQUE (script, message)
);
CREATE INDEX mail_waiting ON mail (script, id) WHERE acknowledged IS NULL;
CREATE INDEX mail_message ON mail (message);
CREATE INDEX mail_acknowledged ON mail (acknowledged) WHERE acknowledged IS NOT NULL;
CREATE TABLE mailbox (
	script   TEXT PRIMARY KEY,
	messages INTEGER NOT NULL,
	bytes    INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE session (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	started INTEGER NOT NULL,
	ended   INTEGER
);

-- next_event: every event id given so far is below it.
-- folded_event: the last event of which all tables tell what follows from it.
CREATE TABLE counter (
	name  TEXT PRIMARY KEY,
	value INTEGER NOT NULL
) WITHOUT ROWID;
