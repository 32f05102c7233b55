-- An operator's books: subscribers, what stands on their bills, what is owed to merchants. SQLite and PostgreSQL both take
-- this text.

CREATE TABLE subscriber (
    subscriber_id TEXT PRIMARY KEY,
    number TEXT NOT NULL UNIQUE,
    line TEXT NOT NULL CHECK (line IN ('mobile', 'fixed')),
    name TEXT NOT NULL,
    currency TEXT NOT NULL,
    credit_limit_minor BIGINT NOT NULL CHECK (credit_limit_minor >= 0),
    -- HMAC under a key of the operator's, never the PIN.
    pin_verifier TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'locked', 'barred', 'ended')),
    pin_tries_left BIGINT NOT NULL CHECK (pin_tries_left >= 0),
    enrolment_tries_left BIGINT NOT NULL CHECK (enrolment_tries_left >= 0),
    opened_ms BIGINT NOT NULL
);

-- A code that enrols a wallet: HMAC under a key of the operator's. One a subscriber; another replaces it.
CREATE TABLE enrolment_code (
    subscriber_id TEXT PRIMARY KEY REFERENCES subscriber (subscriber_id),
    code_mac TEXT NOT NULL,
    tries_left BIGINT NOT NULL CHECK (tries_left >= 0),
    expires_ms BIGINT NOT NULL
);

-- Certificates of subscribers' keys. One is in force until it ends, is revoked, or another wallet is enrolled.
CREATE TABLE subscriber_certificate (
    serial TEXT PRIMARY KEY,
    subscriber_id TEXT NOT NULL REFERENCES subscriber (subscriber_id),
    certificate TEXT NOT NULL,
    issued_ms BIGINT NOT NULL,
    revoked_ms BIGINT
);

CREATE INDEX subscriber_certificate_of ON subscriber_certificate (subscriber_id, issued_ms);

-- Accounts and what their entries add up to. A subscriber's is above zero when it owes, a merchant's below when it is owed.
CREATE TABLE account (
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    posted_minor BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    PRIMARY KEY (account, currency)
);

-- What moved money, and its two or three entries, which cancel out. Rows are inserted and never changed.
CREATE TABLE posting (
    posting_id BIGINT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('purchase', 'reversal', 'refund', 'bill_payment', 'settlement')),
    currency TEXT NOT NULL,
    -- The acquirer that brought it over the line (ISO 8583 DE 32).
    acquirer TEXT,
    -- What its bill line says: the payee and its order number, or how a bill was paid.
    narrative TEXT NOT NULL,
    confirmation_number TEXT,
    posted_ms BIGINT NOT NULL
);

CREATE INDEX posting_brought ON posting (acquirer, posted_ms) WHERE acquirer IS NOT NULL;

CREATE TABLE entry (
    account TEXT NOT NULL,
    account_sequence BIGINT NOT NULL CHECK (account_sequence > 0),
    posting_id BIGINT NOT NULL REFERENCES posting (posting_id),
    currency TEXT NOT NULL,
    amount_minor BIGINT NOT NULL CHECK (amount_minor <> 0),
    PRIMARY KEY (account, currency, account_sequence),
    UNIQUE (posting_id, account),
    FOREIGN KEY (account, currency) REFERENCES account (account, currency)
);

-- A purchase as it was asked for and decided; a tombstone when its reversal came first.
CREATE TABLE purchase (
    reference TEXT PRIMARY KEY,
    attempt_id TEXT UNIQUE,
    request_id TEXT,
    attempt_hash TEXT,
    capsule_hash TEXT UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('approved', 'declined', 'reversed', 'tombstoned')),
    subscriber_id TEXT REFERENCES subscriber (subscriber_id),
    merchant_id TEXT,
    payee_name TEXT,
    order_number TEXT,
    amount_minor BIGINT,
    currency TEXT,
    confirmation_number TEXT UNIQUE,
    outcome TEXT,
    decided_ms BIGINT NOT NULL,
    reversed_ms BIGINT
);

CREATE UNIQUE INDEX purchase_paid ON purchase (request_id) WHERE state = 'approved';
CREATE INDEX purchase_of ON purchase (subscriber_id, decided_ms);

-- What proves a purchase to a third party, with what the operator signed about it then.
CREATE TABLE evidence (
    reference TEXT PRIMARY KEY REFERENCES purchase (reference),
    order_jws TEXT NOT NULL,
    wallet_nonce TEXT NOT NULL,
    serial TEXT NOT NULL REFERENCES subscriber_certificate (serial),
    signature TEXT NOT NULL,
    outcome TEXT NOT NULL,
    front_certificate TEXT NOT NULL
);

CREATE TABLE refund (
    refund_id TEXT PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE,
    purchase TEXT REFERENCES purchase (reference),
    amount_minor BIGINT NOT NULL,
    is_made BIGINT NOT NULL CHECK (is_made IN (0, 1)),
    outcome TEXT NOT NULL,
    decided_ms BIGINT NOT NULL
);

CREATE INDEX refund_of ON refund (purchase);

-- What was answered, so that a repeat gets the same.
CREATE TABLE exchange (
    reference TEXT PRIMARY KEY,
    message_hash TEXT NOT NULL,
    answer TEXT NOT NULL,
    answered_ms BIGINT NOT NULL
);

-- Text messages to subscribers that tell what happened. None has a code in it.
CREATE TABLE notice (
    notice_id TEXT PRIMARY KEY,
    number TEXT NOT NULL,
    content TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'failed')),
    tries BIGINT NOT NULL,
    due_ms BIGINT NOT NULL
);

CREATE INDEX notice_due ON notice (due_ms) WHERE state = 'queued';

-- A month's bill: the entries of the subscriber's account up to one of them, and what is owed then.
CREATE TABLE bill (
    subscriber_id TEXT NOT NULL REFERENCES subscriber (subscriber_id),
    period TEXT NOT NULL,
    currency TEXT NOT NULL,
    after_sequence BIGINT NOT NULL,
    last_sequence BIGINT NOT NULL,
    opening_minor BIGINT NOT NULL,
    closing_minor BIGINT NOT NULL,
    closed_ms BIGINT NOT NULL,
    PRIMARY KEY (subscriber_id, period),
    CHECK (after_sequence <= last_sequence)
);

-- What a merchant agreed with the operator.
CREATE TABLE merchant_terms (
    merchant_id TEXT PRIMARY KEY,
    share_basis_points BIGINT NOT NULL CHECK (share_basis_points BETWEEN 0 AND 10000),
    route TEXT NOT NULL CHECK (route IN ('bank', 'direct'))
);

CREATE TABLE settlement (
    settlement_id TEXT PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    route TEXT NOT NULL,
    last_sequence BIGINT NOT NULL,
    gross_minor BIGINT NOT NULL CHECK (gross_minor > 0),
    share_basis_points BIGINT NOT NULL,
    share_minor BIGINT NOT NULL CHECK (share_minor >= 0),
    net_minor BIGINT NOT NULL CHECK (net_minor >= 0),
    settled_ms BIGINT NOT NULL,
    UNIQUE (merchant_id, currency, last_sequence),
    CHECK (gross_minor = share_minor + net_minor)
);
