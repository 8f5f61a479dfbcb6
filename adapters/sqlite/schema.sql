-- Everything that embedded Tocsin knows, version 2 of the file. Times are milliseconds since 1970, UTC.
-- A table is WITHOUT ROWID where its key is all there is to find a row by and its rows are small.

-- Broker ----------------------------------------------------------------------------------------------------

CREATE TABLE mailboxes (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  last INTEGER NOT NULL DEFAULT 0,          -- position of the newest message ever put in
  acknowledged INTEGER NOT NULL DEFAULT 0,  -- everything up to this position is settled
  bytes INTEGER NOT NULL DEFAULT 0          -- of the bodies kept
) STRICT;

-- The log of each mailbox. What is acknowledged stays for a while where it serves as the journal.
CREATE TABLE messages (
  mailbox INTEGER NOT NULL,
  position INTEGER NOT NULL,                -- 1, 2, 3... in each mailbox
  at INTEGER NOT NULL,                      -- when it was put in
  producer TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  alerts INTEGER NOT NULL,
  body BLOB NOT NULL,                       -- last, so that the rest is read without it
  PRIMARY KEY (mailbox, position)
) STRICT;

-- Store -----------------------------------------------------------------------------------------------------

CREATE TABLE shards (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  epoch INTEGER NOT NULL
) STRICT;

-- Where names live: one space for a shard's records and timers, one for its logs, one for each index.
CREATE TABLE spaces (
  id INTEGER PRIMARY KEY,
  shard INTEGER NOT NULL,
  name TEXT NOT NULL,                       -- state, logs, index:...
  UNIQUE (shard, name)
) STRICT;

-- Whatever has a name: the record and the timer of that name, a member of an index, a log.
-- Rows are appended, and found by a short hash: names themselves in an index would dirty several times the pages.
CREATE TABLE cells (
  id INTEGER PRIMARY KEY,
  space INTEGER NOT NULL,
  mark INTEGER NOT NULL,                    -- hash of the name, see cells.py; may coincide
  name TEXT NOT NULL,
  place REAL,                               -- when its timer is due; as a member of an index, its score
  value BLOB                                -- of its record
) STRICT;
CREATE INDEX cells_by_mark ON cells (mark);
CREATE INDEX cells_by_place ON cells (space, place) WHERE place IS NOT NULL;

CREATE TABLE log_lines (
  id INTEGER PRIMARY KEY,                   -- grows, so it is the order
  log INTEGER NOT NULL,                     -- the cell with its name
  line BLOB NOT NULL
) STRICT;
CREATE INDEX log_lines_by_log ON log_lines (log);

-- For those who look in.
CREATE VIEW lines AS
SELECT log_lines.id, spaces.shard, cells.name AS log, log_lines.line
FROM log_lines JOIN cells ON cells.id = log_lines.log JOIN spaces ON spaces.id = cells.space;

CREATE TABLE counters (
  shard INTEGER NOT NULL,
  name TEXT NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY (shard, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY,                   -- grows, so it is the order
  shard INTEGER NOT NULL,
  mailbox TEXT NOT NULL,
  producer TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  alerts INTEGER NOT NULL,
  body BLOB NOT NULL
) STRICT;
CREATE INDEX outbox_by_shard ON outbox (shard);

CREATE TABLE reported (
  producer TEXT PRIMARY KEY,
  total INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 2;
