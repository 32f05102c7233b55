-- Whom a request is for, payment numbers, and what protects payers. SQLite and PostgreSQL both take this text.

-- A request for somebody. Its row is the same whether or not a wallet answers for the identifier; who does is looked up
-- when it is handed out.
CREATE TABLE addressed_request (
    request_id TEXT NOT NULL PRIMARY KEY REFERENCES payment_request (id),
    merchant_id TEXT NOT NULL,
    -- email, phone or payment_number; of a payment number the identifier is its row's id, never the number.
    identifier_kind TEXT NOT NULL,
    identifier TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    -- Whoever hands it out holds it until then.
    lease_until_ms BIGINT NOT NULL,
    -- When it was handed out, or kept back.
    handed_ms BIGINT
);

CREATE INDEX addressed_to_payer ON addressed_request (identifier_kind, identifier, created_ms);
CREATE INDEX addressed_by_merchant ON addressed_request (merchant_id, created_ms);
CREATE INDEX addressed_waiting ON addressed_request (lease_until_ms) WHERE handed_ms IS NULL;

-- Who asked for a code for which identifier, whether or not one was sent.
CREATE TABLE claim_start (
    id TEXT NOT NULL PRIMARY KEY,
    identifier_kind TEXT NOT NULL,
    identifier TEXT NOT NULL,
    device_id TEXT NOT NULL REFERENCES device (id),
    started_ms BIGINT NOT NULL,
    sent BIGINT NOT NULL
);

CREATE INDEX claim_start_of_identifier ON claim_start (identifier_kind, identifier, started_ms);
CREATE INDEX claim_start_of_device ON claim_start (device_id, started_ms);
CREATE INDEX claim_of_device ON claim (device_id);

-- One-time payment numbers. The number itself is not kept: a keyed hash finds it.
CREATE TABLE payment_number (
    id TEXT NOT NULL PRIMARY KEY,
    device_id TEXT NOT NULL REFERENCES device (id),
    number_hash TEXT NOT NULL,
    max_minor BIGINT,
    currency TEXT,
    -- The merchant it is for, or that used it first.
    merchant_id TEXT,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    -- open, used or revoked; one whose time ran out stays open here.
    status TEXT NOT NULL,
    -- The request that came under it; it is stored in the same step, after this.
    request_id TEXT
);

CREATE UNIQUE INDEX payment_number_open ON payment_number (number_hash) WHERE status = 'open';
CREATE INDEX payment_number_of_device ON payment_number (device_id, created_ms);

-- Numbers that a merchant tried and could not use.
CREATE TABLE wrong_number (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    tried_ms BIGINT NOT NULL
);

CREATE INDEX wrong_number_of_merchant ON wrong_number (merchant_id, tried_ms);
CREATE INDEX wrong_number_by_time ON wrong_number (tried_ms);

-- What a payer decided about a merchant: accepted or blocked. No row: a new sender.
CREATE TABLE sender_decision (
    device_id TEXT NOT NULL REFERENCES device (id),
    merchant_id TEXT NOT NULL,
    decision TEXT NOT NULL,
    decided_ms BIGINT NOT NULL,
    PRIMARY KEY (device_id, merchant_id)
);

CREATE INDEX sender_decision_by_merchant ON sender_decision (merchant_id, decision);

-- Requests that payers reported as fraud.
CREATE TABLE fraud_report (
    request_id TEXT NOT NULL REFERENCES payment_request (id),
    device_id TEXT NOT NULL REFERENCES device (id),
    merchant_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    note TEXT,
    -- The identifier the request was for, if the device answers for it: only such a report can suspend a merchant.
    identifier_kind TEXT,
    identifier TEXT,
    reported_ms BIGINT NOT NULL,
    PRIMARY KEY (request_id, device_id)
);

CREATE INDEX fraud_report_of_merchant ON fraud_report (merchant_id, reported_ms);

-- What the operator decided about a merchant's reports so far: dismissed or upheld.
CREATE TABLE report_review (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    verdict TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    note TEXT NOT NULL,
    decided_ms BIGINT NOT NULL
);

CREATE INDEX report_review_of_merchant ON report_review (merchant_id, decided_ms);
