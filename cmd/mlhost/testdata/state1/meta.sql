BEGIN TRANSACTION;
CREATE TABLE counter (
	name  TEXT PRIMARY KEY,
	value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO "counter" VALUES('folded_event',0);
INSERT INTO "counter" VALUES('next_event',1048577);
CREATE TABLE description (
	script TEXT PRIMARY KEY,
	run    TEXT NOT NULL,
	body   TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "description" VALUES('count','ng9d33y5pf','{"Name":"count","Doc":"","Parameters":[{"Name":"lr","Type":"float","Default":0.1,"Doc":"","Unit":"","Group":"","Required":false,"Sensitive":false,"Min":null,"Max":null,"ExclusiveMin":false,"ExclusiveMax":false,"Step":null,"Scale":"","Choices":null,"Pattern":"","MinLength":0,"MaxLength":0,"Mutability":"restart","Deprecated":"","Origin":{"file":"config.hcl","line":7,"style":"config"},"Confidence":"sure"}],"Variables":[{"Name":"n","Type":"any","Unit":"","Doc":"","ReadOnly":true,"Delivery":"","MaxRate":0}],"Results":null,"Topics":null,"Capabilities":["dynamic","logs","pause","answer"],"State":null,"MayOverlap":false}');
CREATE TABLE event (
	id     INTEGER PRIMARY KEY,
	time   INTEGER NOT NULL,
	script TEXT NOT NULL,
	run    TEXT NOT NULL,
	seq    INTEGER NOT NULL, -- 0: the host made it
	kind   TEXT NOT NULL,
	body   TEXT NOT NULL
);
INSERT INTO "event" VALUES(1,1795470435427168059,'waits','',0,'state','{"State":"stopped","Reason":"not started yet","PID":0,"PluginPID":0,"ExitCode":null}');
INSERT INTO "event" VALUES(2,1795470435427586009,'count','ng9d33y5pf',0,'state','{"State":"starting","Reason":"","PID":0,"PluginPID":0,"ExitCode":null}');
INSERT INTO "event" VALUES(3,1795470436087241023,'count','ng9d33y5pf',0,'run','{"Parameters":{"lr":0.1},"Revision":0,"Binary":"0867dba689b442584b4b137f915e301a16c8a3a2d65560a139a8d144bbbcb522","Plugin":"interpreter","Command":["bash","/w/count.sh"],"Attempt":0}');
INSERT INTO "event" VALUES(4,1795470436087242065,'count','ng9d33y5pf',0,'described','{"Description":{"Name":"count","Doc":"","Parameters":[{"Name":"lr","Type":"float","Default":null,"Doc":"","Unit":"","Group":"","Required":false,"Sensitive":false,"Min":null,"Max":null,"ExclusiveMin":false,"ExclusiveMax":false,"Step":null,"Scale":"","Choices":null,"Pattern":"","MinLength":0,"MaxLength":0,"Mutability":"","Deprecated":"","Origin":{"file":"","line":0,"style":""},"Confidence":""}],"Variables":[{"Name":"n","Type":"any","Unit":"","Doc":"","ReadOnly":true,"Delivery":"","MaxRate":0}],"Results":null,"Topics":null,"Capabilities":["dynamic","logs","pause","answer"],"State":null,"MayOverlap":false},"Values":null}');
INSERT INTO "event" VALUES(5,1795470436087246742,'count','ng9d33y5pf',0,'state','{"State":"starting","Reason":"","PID":6124,"PluginPID":6124,"ExitCode":null}');
INSERT INTO "event" VALUES(6,1795470436104232534,'count','ng9d33y5pf',0,'state','{"State":"running","Reason":"","PID":6124,"PluginPID":6124,"ExitCode":null}');
INSERT INTO "event" VALUES(7,1795470436120323820,'count','ng9d33y5pf',0,'state','{"State":"running","Reason":"","PID":6134,"PluginPID":6124,"ExitCode":null}');
INSERT INTO "event" VALUES(48,1795470436189130820,'count','ng9d33y5pf',0,'state','{"State":"failed","Reason":"exit code 3","PID":0,"PluginPID":0,"ExitCode":3}');
INSERT INTO "event" VALUES(49,1795470438184090185,'count','ng9d33y5pf',0,'parameters','{"Revision":1,"Author":"user:root","Batch":"33lclme8lj20c46hes2sgrop","Changes":[{"Name":"lr","Old":"0.1","New":"0.5","Status":"needs_restart","Step":-1}]}');
INSERT INTO "event" VALUES(50,1795470438284604853,'waits','',0,'message','{"Count":1,"ID":"33lclmeeeiv585ciq03gavdk","Kind":"tell","Source":"user:root","Target":"waits","Topic":"note","Took":3554182,"Code":"","Problem":""}');
CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
INSERT INTO "goose_db_version" VALUES(1,0,1,'2026-11-23 21:47:15');
INSERT INTO "goose_db_version" VALUES(2,1,1,'2026-11-23 21:47:15');
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
INSERT INTO "kept_revision" VALUES('count',0);
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
INSERT INTO "mail" VALUES(1,'waits','33lclmeeeiv585ciq03gavdk','tell','user:root','note','{"a":1}',1795470438281045964,300,NULL);
CREATE TABLE mailbox (
	script   TEXT PRIMARY KEY,
	messages INTEGER NOT NULL,
	bytes    INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO "mailbox" VALUES('waits',1,300);
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
CREATE TABLE result (
	run   TEXT NOT NULL,
	name  TEXT NOT NULL,
	value TEXT NOT NULL,
	time  INTEGER NOT NULL,
	event INTEGER NOT NULL,
	PRIMARY KEY (run, name)
) WITHOUT ROWID;
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
INSERT INTO "run" VALUES(1,'ng9d33y5pf','count','failed','exit code 3',1795470436087241023,1795470436189130820,3,0,'interpreter','0867dba689b442584b4b137f915e301a16c8a3a2d65560a139a8d144bbbcb522','["bash","/w/count.sh"]','{"lr":0.1}',0,20,'202611.db');
CREATE TABLE script (
	name       TEXT PRIMARY KEY,
	run        TEXT NOT NULL DEFAULT '',
	state      TEXT NOT NULL,
	reason     TEXT NOT NULL DEFAULT '',
	pid        INTEGER NOT NULL DEFAULT 0,
	plugin_pid INTEGER NOT NULL DEFAULT 0,
	updated    INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO "script" VALUES('count','ng9d33y5pf','failed','exit code 3',0,0,1795470436189130820);
INSERT INTO "script" VALUES('waits','','stopped','not started yet',0,0,1795470435427168059);
CREATE TABLE session (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	started INTEGER NOT NULL,
	ended   INTEGER
);
INSERT INTO "session" VALUES(1,1795470435413542981,NULL);
CREATE TABLE stream_seq (
	run       TEXT PRIMARY KEY,
	last_seq  INTEGER NOT NULL,
	other_seq INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX run_script ON run (script, n);
CREATE UNIQUE INDEX event_stream ON event (run, seq) WHERE seq > 0;
CREATE INDEX parameter_change_run ON parameter_change (run, event);
CREATE INDEX mail_waiting ON mail (script, id) WHERE acknowledged IS NULL;
CREATE INDEX mail_message ON mail (message);
CREATE INDEX mail_acknowledged ON mail (acknowledged) WHERE acknowledged IS NOT NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('goose_db_version',2);
INSERT INTO "sqlite_sequence" VALUES('session',1);
INSERT INTO "sqlite_sequence" VALUES('mail',1);
COMMIT;
