-- Payers by code, as their banks tell of them: which bank, and where codes reach them, masked. Neither account, nor
-- person, nor password, nor a whole address is here. SQLite and PostgreSQL both take this text.
CREATE TABLE code_payer (
    identity_code TEXT PRIMARY KEY,
    bank_id TEXT NOT NULL,
    pays BIGINT NOT NULL CHECK (pays IN (0, 1)),
    terminals TEXT NOT NULL
);

-- How far each bank's events were taken in.
CREATE TABLE code_payer_cursor (
    bank_id TEXT PRIMARY KEY,
    sequence BIGINT NOT NULL
);

-- Looks at identity codes and orders of codes, counted before they are tried.
CREATE TABLE code_try (
    id TEXT PRIMARY KEY,
    device_id TEXT NOT NULL,
    tried_ms BIGINT NOT NULL
);

CREATE INDEX code_try_device ON code_try (device_id, tried_ms);
