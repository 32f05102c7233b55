-- Customers as their bank knows them, the channels they come by, and what they change of paying by code there. SQLite and
-- PostgreSQL both take this text.

CREATE TABLE customer (
    -- What the bank itself calls the person, as in payer.customer.
    customer TEXT PRIMARY KEY,
    -- The telephone on file: it confirms what is done before any terminal is registered, and is told.
    telephone TEXT NOT NULL,
    language TEXT NOT NULL,
    opened_ms BIGINT NOT NULL
);

-- Whose an account is. What has several owners is no matter for a channel: it belongs to the counter.
CREATE TABLE customer_account (
    account_id TEXT PRIMARY KEY REFERENCES account (account_id),
    customer TEXT NOT NULL REFERENCES customer (customer),
    place BIGINT NOT NULL CHECK (place > 0),
    UNIQUE (customer, place)
);

-- The bank's own systems that may speak for customers whom they have authenticated, by their certificates.
CREATE TABLE channel (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('online', 'terminal')),
    -- SHA-256 of the certificate's DER, in hexadecimal.
    fingerprint TEXT NOT NULL UNIQUE,
    -- Whose card checks a terminal's channel may name (ISO 8583 DE 32).
    acquirer TEXT,
    is_admitted BIGINT NOT NULL CHECK (is_admitted IN (0, 1)),
    admitted_ms BIGINT NOT NULL,
    CHECK ((kind = 'terminal') = (acquirer IS NOT NULL))
);

-- A card and its PIN that were right at a terminal, with no payment: whose account it is stands in the card's record.
CREATE TABLE card_check (
    reference TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (account_id),
    checked_ms BIGINT NOT NULL
);

-- A customer at a terminal: one card check opens one visit.
CREATE TABLE terminal_visit (
    visit_id TEXT PRIMARY KEY,
    channel TEXT NOT NULL REFERENCES channel (name),
    reference TEXT NOT NULL UNIQUE REFERENCES card_check (reference),
    customer TEXT NOT NULL REFERENCES customer (customer),
    opened_ms BIGINT NOT NULL
);

-- What a customer wants to be changed, and waits for codes.
CREATE TABLE payer_change (
    change_id TEXT PRIMARY KEY,
    customer TEXT NOT NULL REFERENCES customer (customer),
    channel TEXT NOT NULL,
    -- A keyed hash of what the channel sent: the same id with other words is another change, and refused.
    digest TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'done', 'spoilt', 'replaced')),
    what TEXT NOT NULL,
    -- What will be done; no password, but what verifies it. Gone when the change is over.
    deed TEXT,
    proposed_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    CHECK ((state = 'waiting') = (deed IS NOT NULL))
);

CREATE UNIQUE INDEX payer_change_waiting ON payer_change (customer) WHERE state = 'waiting';
CREATE INDEX payer_change_recent ON payer_change (customer, proposed_ms);

-- The codes a change waits for: one from what the bank has on file, one from each terminal that is to be registered.
CREATE TABLE payer_change_proof (
    change_id TEXT NOT NULL REFERENCES payer_change (change_id),
    number BIGINT NOT NULL CHECK (number > 0),
    purpose TEXT NOT NULL CHECK (purpose IN ('confirm', 'register')),
    kind TEXT NOT NULL CHECK (kind IN ('sms', 'mail', 'device')),
    masked TEXT NOT NULL,
    -- The terminal in whose place a device is that makes the code itself.
    place BIGINT,
    -- HMAC of the code under a key of the HSM; NULL when a device makes it.
    code_mac TEXT,
    -- The same of the last wrong one: typed again, it is no other try.
    wrong_mac TEXT,
    tries_left BIGINT NOT NULL CHECK (tries_left >= 0),
    is_proved BIGINT NOT NULL CHECK (is_proved IN (0, 1)),
    PRIMARY KEY (change_id, number),
    CHECK ((kind = 'device') = (code_mac IS NULL))
);

-- Which codes went where, without the codes: so that nobody is flooded with them.
CREATE TABLE code_text (
    address TEXT NOT NULL,
    sent_ms BIGINT NOT NULL
);

CREATE INDEX code_text_recent ON code_text (address, sent_ms);

-- Who changed what of whom by which channel. Appended to only; each row holds the hash of the one before.
CREATE TABLE payer_journal (
    sequence BIGINT PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    channel TEXT NOT NULL,
    customer TEXT NOT NULL,
    what TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL
);

CREATE INDEX payer_journal_of ON payer_journal (customer, sequence);

-- Access to the bank's page, opened at the counter.
CREATE TABLE online_access (
    customer TEXT PRIMARY KEY REFERENCES customer (customer),
    access_number TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('opened', 'active', 'locked', 'ended')),
    -- HMAC of the activation code under a key of the HSM; NULL until it is sent, and once it was used.
    activation_mac TEXT,
    activation_expires_ms BIGINT NOT NULL,
    -- Salt and Argon2id of the sign-in password under a pepper of the HSM, in hexadecimal; NULL before the first.
    password TEXT,
    tries_left BIGINT NOT NULL CHECK (tries_left >= 0),
    CHECK (state <> 'active' OR password IS NOT NULL)
);
