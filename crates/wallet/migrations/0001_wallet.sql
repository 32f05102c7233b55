-- The wallet's own store. Ids are text, times are milliseconds since the Unix epoch. No table can hold a card or a PIN.

CREATE TABLE setting (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);

-- The highest version accepted so far of what each root signed: `operator`, or `bank:` and the bank's id.
CREATE TABLE version_floor (
    signer  TEXT PRIMARY KEY NOT NULL,
    version BIGINT NOT NULL
);

CREATE TABLE request (
    request_id    TEXT PRIMARY KEY NOT NULL,
    -- The merchant-signed order, verified before it came here and again whenever it is read.
    order_jws     TEXT NOT NULL,
    merchant_id   TEXT NOT NULL,
    received_ms   BIGINT NOT NULL,
    first_contact BIGINT NOT NULL,
    -- The request's state at the payment server, as last heard.
    status        TEXT NOT NULL,
    attempt_id    TEXT,
    changed_ms    BIGINT NOT NULL,
    postponed_ms  BIGINT,
    seen_ms       BIGINT
);
CREATE INDEX request_by_time ON request (received_ms);
CREATE INDEX request_by_merchant ON request (merchant_id);

-- Written before anything is sent. The capsule is never kept.
CREATE TABLE attempt (
    attempt_id       TEXT PRIMARY KEY NOT NULL,
    request_id       TEXT NOT NULL REFERENCES request (request_id),
    wallet_nonce     TEXT NOT NULL,
    -- What the receipt will be checked against: the keys in force when the attempt was made.
    keyset           TEXT NOT NULL,
    bank_certificate TEXT NOT NULL,
    state            TEXT NOT NULL,
    code             TEXT,
    deadline_ms      BIGINT,
    created_ms       BIGINT NOT NULL,
    changed_ms       BIGINT NOT NULL
);
CREATE INDEX attempt_by_request ON attempt (request_id, created_ms);
CREATE INDEX attempt_by_state ON attempt (state);

CREATE TABLE receipt (
    attempt_id TEXT PRIMARY KEY NOT NULL REFERENCES attempt (attempt_id),
    request_id TEXT NOT NULL,
    receipt    TEXT NOT NULL,
    decided_ms BIGINT NOT NULL
);

CREATE TABLE blocked_merchant (
    merchant_id TEXT PRIMARY KEY NOT NULL,
    blocked_ms  BIGINT NOT NULL
);

CREATE TABLE identifier (
    identifier TEXT PRIMARY KEY NOT NULL,
    claimed_ms BIGINT NOT NULL
);
