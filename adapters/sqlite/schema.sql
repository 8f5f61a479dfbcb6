-- Everything that embedded Tocsin knows, version 1 of the file. Times are milliseconds since 1970, UTC.
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

CREATE TABLE records (
  shard INTEGER NOT NULL,
  key TEXT NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (shard, key)
) STRICT;

CREATE TABLE timers (
  shard INTEGER NOT NULL,
  id TEXT NOT NULL,
  due INTEGER NOT NULL,
  PRIMARY KEY (shard, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX timers_by_due ON timers (shard, due, id);

CREATE TABLE entries (
  shard INTEGER NOT NULL,
  name TEXT NOT NULL,                       -- of the index
  member TEXT NOT NULL,
  score REAL NOT NULL,
  PRIMARY KEY (shard, name, member)
) STRICT, WITHOUT ROWID;
CREATE INDEX entries_by_score ON entries (shard, name, score, member);

CREATE TABLE lines (
  id INTEGER PRIMARY KEY,                   -- grows, so it is the order
  shard INTEGER NOT NULL,
  log TEXT NOT NULL,
  line BLOB NOT NULL
) STRICT;
CREATE INDEX lines_by_log ON lines (shard, log);

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

PRAGMA user_version = 1;
