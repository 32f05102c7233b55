-- Who may call the merchant's API and what for, what a call with an idempotency key was answered, and counters.
-- SQLite and PostgreSQL both take this text.

-- API keys. Only a key's SHA-256 is kept; scopes are names with a space between them.
CREATE TABLE api_key (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    key_hash TEXT NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    -- To the hour.
    used_ms BIGINT,
    revoked_ms BIGINT
);

CREATE INDEX api_key_of_merchant ON api_key (merchant_id, created_ms);

-- Client certificates, each by its SHA-256 (RFC 8705, section 2.2).
CREATE TABLE merchant_certificate (
    fingerprint TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);

CREATE INDEX merchant_certificate_of_merchant ON merchant_certificate (merchant_id, created_ms);

-- An idempotency key names one call of one merchant: which call it was, and how it was answered.
ALTER TABLE idempotency_key ADD COLUMN call TEXT NOT NULL DEFAULT 'POST /v1/payment-requests';
ALTER TABLE idempotency_key ADD COLUMN status BIGINT NOT NULL DEFAULT 201;

-- Counters: one printed code a till. What the till asks for now is sealed to the counter's own key.
CREATE TABLE counter (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    token TEXT NOT NULL UNIQUE,
    sealing_key TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    request_id TEXT REFERENCES payment_request (id),
    sealed TEXT
);

CREATE INDEX counter_of_merchant ON counter (merchant_id, created_ms);

-- A merchant's requests, the newest first.
CREATE INDEX payment_request_of_merchant ON payment_request (merchant_id, created_ms, id);
