-- Several servers on one database. SQLite and PostgreSQL both take this text.

-- Servers that run. One whose time is over has died, and what it held is anybody's.
CREATE TABLE replica (
    id TEXT NOT NULL PRIMARY KEY,
    started_ms BIGINT NOT NULL,
    alive_until_ms BIGINT NOT NULL
);

-- Which server drives an attempt on, and until when nobody else does: first the one that sent it to its bank.
ALTER TABLE attempt ADD COLUMN leased_by TEXT NOT NULL DEFAULT '';
ALTER TABLE attempt ADD COLUMN lease_until_ms BIGINT NOT NULL DEFAULT 0;

-- What waits for a person, to be counted.
CREATE INDEX attempt_in_review ON attempt (forwarded_ms) WHERE state = 'needs_manual_review';
