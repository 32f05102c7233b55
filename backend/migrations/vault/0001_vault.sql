-- Aliases and the cards behind them. Names, cards, labels, limits and second factors are sealed: each row under a data key of
-- its own, which is wrapped under a master key that is not in this database.

CREATE TABLE alias (
    alias_id TEXT PRIMARY KEY,
    -- HMAC of the folded name, in hexadecimal: it finds a name that is typed, and tells none.
    name_mac TEXT NOT NULL UNIQUE,
    -- Which master key wraps the data key.
    key_version BIGINT NOT NULL CHECK (key_version > 0),
    wrapped_key TEXT NOT NULL,
    -- The name as it was chosen, and what the second factor's codes are made of.
    sealed TEXT NOT NULL,
    -- Salt and Argon2id of the password under a pepper, in hexadecimal.
    password TEXT NOT NULL,
    -- The last time step whose code was taken (RFC 6238, section 5.2).
    last_step BIGINT NOT NULL,
    tries_left BIGINT NOT NULL CHECK (tries_left > 0),
    -- How often in a row it was locked, and until when it is.
    locks BIGINT NOT NULL CHECK (locks >= 0),
    locked_until_ms BIGINT NOT NULL,
    created_ms BIGINT NOT NULL
);

CREATE INDEX alias_key ON alias (key_version);

CREATE TABLE card (
    entry_id TEXT PRIMARY KEY,
    alias_id TEXT NOT NULL REFERENCES alias (alias_id),
    place BIGINT NOT NULL CHECK (place BETWEEN 1 AND 255),
    key_version BIGINT NOT NULL CHECK (key_version > 0),
    wrapped_key TEXT NOT NULL,
    sealed TEXT NOT NULL,
    added_ms BIGINT NOT NULL,
    UNIQUE (alias_id, place)
);

CREATE INDEX card_key ON card (key_version);

-- One card, one attempt, once.
CREATE TABLE release (
    release_id TEXT PRIMARY KEY,
    attempt_hash TEXT NOT NULL UNIQUE,
    expires_ms BIGINT NOT NULL
);

CREATE INDEX release_over ON release (expires_ms);

-- The highest version of each bank's certificate that was taken: it never goes down.
CREATE TABLE bank_floor (
    bank_id TEXT PRIMARY KEY,
    version BIGINT NOT NULL
);

-- What was done, append-only: each row holds the hash of the one before.
CREATE TABLE audit (
    seq BIGINT PRIMARY KEY,
    time_ms BIGINT NOT NULL,
    kind TEXT NOT NULL,
    alias_id TEXT,
    -- An attempt or a key's version, as the kind says.
    subject TEXT,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL
);

CREATE INDEX audit_alias ON audit (alias_id, seq);
