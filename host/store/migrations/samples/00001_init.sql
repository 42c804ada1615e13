-- +goose Up
CREATE TABLE series (
	id   INTEGER PRIMARY KEY,
	run  TEXT NOT NULL,
	name TEXT NOT NULL,
	UNIQUE (run, name)
);

-- One row per sample. The id is the series' id * 2^40 + the sample's index in
-- its series, so that a series lies together and an insert has one key.
-- value is INTEGER or REAL; NULL is NaN; TEXT is the JSON of anything else.
-- step is -1 where the script counts none; time is nanoseconds since 1970.
CREATE TABLE sample (
	id    INTEGER PRIMARY KEY,
	step  INTEGER NOT NULL,
	time  INTEGER NOT NULL,
	value
);

-- Sums over 8, 64, 512, … samples in a row, written when the last of them
-- comes in. The id is series * 2^40 + level * 2^36 + the bucket's index.
-- low, high, total are over the finite numbers; null where there are none.
CREATE TABLE rollup (
	id         INTEGER PRIMARY KEY,
	first_step INTEGER NOT NULL,
	last_step  INTEGER NOT NULL,
	first_time INTEGER NOT NULL,
	last_time  INTEGER NOT NULL,
	finite     INTEGER NOT NULL,
	nan        INTEGER NOT NULL,
	inf        INTEGER NOT NULL, -- +Infinity
	ninf       INTEGER NOT NULL, -- -Infinity
	low        REAL,
	high       REAL,
	total      REAL,
	first      REAL,
	last       REAL
);

-- How far this file has taken each run's stream in. other_seq is the last
-- number that was due to meta.db by then.
CREATE TABLE stream_seq (
	run       TEXT PRIMARY KEY,
	last_seq  INTEGER NOT NULL,
	other_seq INTEGER NOT NULL
) WITHOUT ROWID;
