-- The payment server's tables. Ids and codes are TEXT, times BIGINT ms since the Unix epoch, money BIGINT
-- minor units beside its ISO 4217 code. The same SQL is taken by SQLite and PostgreSQL.
-- No table has a column for card data, a PIN or an inner capsule.

CREATE TABLE payment_request (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    order_number TEXT NOT NULL,
    amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
    currency TEXT NOT NULL,
    -- The order as its merchant signed it, a compact JWS, and the hash of its payload.
    order_jws TEXT NOT NULL,
    order_hash TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    state TEXT NOT NULL,
    -- The attempt the state speaks of.
    state_attempt_id TEXT
);

CREATE INDEX payment_request_open ON payment_request (expires_ms)
    WHERE state IN ('created', 'delivering', 'delivered', 'seen');

-- One answer for one idempotency key, for as long as the request is kept. The answer holds no link key.
CREATE TABLE idempotency_key (
    merchant_id TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    answer TEXT NOT NULL,
    PRIMARY KEY (merchant_id, idempotency_key)
);

-- The letter behind a link. Its key exists only in the link's fragment.
CREATE TABLE link (
    token TEXT NOT NULL PRIMARY KEY,
    request_id TEXT NOT NULL UNIQUE REFERENCES payment_request (id),
    sealed TEXT NOT NULL
);

CREATE TABLE device (
    id TEXT NOT NULL PRIMARY KEY,
    signing_key TEXT NOT NULL,
    sealing_key TEXT NOT NULL,
    language TEXT NOT NULL,
    registered_ms BIGINT NOT NULL
);

-- Which device answers for which identifier.
CREATE TABLE claim (
    identifier_kind TEXT NOT NULL,
    identifier TEXT NOT NULL,
    device_id TEXT NOT NULL REFERENCES device (id),
    claimed_ms BIGINT NOT NULL,
    PRIMARY KEY (identifier_kind, identifier, device_id)
);

-- A code on its way; only its keyed hash is kept.
CREATE TABLE claim_code (
    identifier_kind TEXT NOT NULL,
    identifier TEXT NOT NULL,
    device_id TEXT NOT NULL REFERENCES device (id),
    code_hash TEXT NOT NULL,
    tries BIGINT NOT NULL,
    started_ms BIGINT NOT NULL,
    PRIMARY KEY (identifier_kind, identifier, device_id)
);

-- Which devices are told about which request.
CREATE TABLE request_device (
    request_id TEXT NOT NULL REFERENCES payment_request (id),
    device_id TEXT NOT NULL REFERENCES device (id),
    PRIMARY KEY (request_id, device_id)
);

-- What a device has to learn, in order: a sealed request, or that a request's state changed (no letter).
CREATE TABLE inbox_entry (
    device_id TEXT NOT NULL REFERENCES device (id),
    seq BIGINT NOT NULL,
    request_id TEXT NOT NULL REFERENCES payment_request (id),
    kind TEXT NOT NULL,
    sealed TEXT,
    PRIMARY KEY (device_id, seq),
    UNIQUE (device_id, request_id, kind)
);

-- Messages to send. `secret` is a link key or a claim code, and is emptied when the delivery ends.
CREATE TABLE delivery (
    id TEXT NOT NULL PRIMARY KEY,
    request_id TEXT REFERENCES payment_request (id),
    channel TEXT NOT NULL,
    target TEXT NOT NULL,
    language TEXT NOT NULL,
    secret TEXT,
    status TEXT NOT NULL,
    tries BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL
);

CREATE INDEX delivery_due ON delivery (due_ms) WHERE status = 'queued';
CREATE INDEX delivery_of_request ON delivery (request_id);

CREATE TABLE attempt (
    id TEXT NOT NULL PRIMARY KEY,
    request_id TEXT NOT NULL REFERENCES payment_request (id),
    device_id TEXT NOT NULL REFERENCES device (id),
    -- SHA-256 of the outer capsule: the same bytes never serve twice.
    capsule_hash TEXT NOT NULL UNIQUE,
    attempt_hash TEXT NOT NULL,
    state TEXT NOT NULL,
    decline_code TEXT,
    -- ISO 8583 DE 11 and 37, and the time that DE 7 says.
    stan BIGINT NOT NULL,
    rrn TEXT NOT NULL UNIQUE,
    forwarded_ms BIGINT NOT NULL,
    -- The bank-signed outcome, a compact JWS.
    outcome TEXT,
    response_mti TEXT,
    response_code TEXT,
    request_bytes BIGINT NOT NULL,
    response_bytes BIGINT,
    took_us BIGINT,
    inner_capsule_bytes BIGINT NOT NULL,
    -- The queue of inquiries and reversals: tries in the present state, and when the next is due.
    tries BIGINT NOT NULL,
    due_ms BIGINT NOT NULL
);

-- One attempt in flight a request, whatever the code above it does.
CREATE UNIQUE INDEX attempt_in_flight ON attempt (request_id)
    WHERE state IN ('received', 'forwarded', 'no_answer', 'inquiring', 'not_found', 'reversing');
CREATE INDEX attempt_of_request ON attempt (request_id);
CREATE INDEX attempt_due ON attempt (due_ms)
    WHERE state IN ('received', 'forwarded', 'no_answer', 'inquiring', 'not_found', 'reversing');

CREATE TABLE stan_sequence (
    acquirer TEXT NOT NULL PRIMARY KEY,
    last_stan BIGINT NOT NULL
);

-- Bank certificates as received, the newest served to wallets, the older kept to verify older outcomes.
CREATE TABLE bank_certificate (
    bank_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    jws TEXT NOT NULL,
    received_ms BIGINT NOT NULL,
    PRIMARY KEY (bank_id, version)
);

-- The journal: append-only, each row chained to the one before it by SHA-256.
CREATE TABLE event (
    seq BIGINT NOT NULL PRIMARY KEY,
    time_ms BIGINT NOT NULL,
    kind TEXT NOT NULL,
    merchant_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    attempt_id TEXT,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL
);

CREATE INDEX event_of_merchant ON event (merchant_id, seq);
