-- +goose Up
-- What addresses outside are still to be told, written with what it tells of.
-- Times are nanoseconds since 1970.
CREATE TABLE outbox (
	target TEXT NOT NULL,    -- the name of the address
	id     INTEGER NOT NULL, -- numbered with the events
	once   TEXT,             -- what is told once: a second one of this name is no row
	time   INTEGER NOT NULL,
	body   TEXT NOT NULL,
	done   INTEGER,          -- when it was told or given up; only rows with a once stay then, for a while
	PRIMARY KEY (target, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX outbox_once ON outbox (target, once) WHERE once IS NOT NULL;
CREATE INDEX outbox_done ON outbox (done) WHERE done IS NOT NULL;

-- What has become of the rest. untold: dropped or expired since the last one told.
CREATE TABLE outbox_target (
	target  TEXT PRIMARY KEY,
	sent    INTEGER NOT NULL DEFAULT 0,
	failed  INTEGER NOT NULL DEFAULT 0,
	dropped INTEGER NOT NULL DEFAULT 0,
	expired INTEGER NOT NULL DEFAULT 0,
	untold  INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
