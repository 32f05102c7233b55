-- Payers who pay by code: who they are, what they pay from, where codes reach them, and each code. SQLite and PostgreSQL
-- both take this text.

CREATE TABLE payer (
    payer_id TEXT PRIMARY KEY,
    -- What the bank itself calls the person. It leaves the bank in no message.
    customer TEXT NOT NULL UNIQUE,
    identity_code TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('active', 'locked', 'ended')),
    -- Salt and Argon2id of the payment password under a pepper of the HSM, in hexadecimal; it is not the password.
    password TEXT NOT NULL,
    tries_left BIGINT NOT NULL CHECK (tries_left >= 0),
    language TEXT NOT NULL,
    currency TEXT NOT NULL,
    payment_limit_minor BIGINT NOT NULL CHECK (payment_limit_minor > 0),
    day_limit_minor BIGINT NOT NULL CHECK (day_limit_minor > 0),
    created_ms BIGINT NOT NULL,
    CHECK ((state = 'active') = (tries_left > 0) OR state = 'ended')
);

-- What a payer pays from; the account in the lowest place unless another is named.
CREATE TABLE payer_account (
    payer_id TEXT NOT NULL REFERENCES payer (payer_id),
    place BIGINT NOT NULL CHECK (place > 0),
    account_id TEXT NOT NULL REFERENCES account (account_id),
    PRIMARY KEY (payer_id, place),
    UNIQUE (payer_id, account_id)
);

-- Where codes reach a payer. A device has no address: it makes its codes itself, of a secret that the HSM derives.
CREATE TABLE payer_terminal (
    payer_id TEXT NOT NULL REFERENCES payer (payer_id),
    place BIGINT NOT NULL CHECK (place > 0),
    kind TEXT NOT NULL CHECK (kind IN ('sms', 'mail', 'device')),
    address TEXT,
    state TEXT NOT NULL CHECK (state IN ('registered', 'removed')),
    -- The last time step whose code of a device was taken (RFC 6238, section 5.2).
    last_step BIGINT NOT NULL,
    PRIMARY KEY (payer_id, place),
    CHECK ((kind = 'device') = (address IS NULL))
);

-- A code: ordered with identity code and password for one order, and worth that order only.
CREATE TABLE code_order (
    order_id TEXT PRIMARY KEY,
    payer_id TEXT NOT NULL REFERENCES payer (payer_id),
    state TEXT NOT NULL CHECK (state IN ('confirming', 'sent', 'used', 'spoilt', 'replaced')),
    request_id TEXT NOT NULL,
    -- The order that its merchant signed, with amount and payee.
    order_hash TEXT NOT NULL,
    amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
    -- SHA-256 of the ticket that only the wallet has which ordered the code.
    ticket_hash TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL REFERENCES account (account_id),
    -- Where the code was sent: a registered terminal, which also confirms a terminal that was named on the spot.
    terminal_place BIGINT NOT NULL,
    named_kind TEXT CHECK (named_kind IN ('sms', 'mail')),
    named_address TEXT,
    -- HMAC of the code under a key of the HSM; NULL when a device makes it.
    code_mac TEXT,
    tries_left BIGINT NOT NULL CHECK (tries_left >= 0),
    ordered_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    -- The attempt that used it, and on which day.
    attempt_id TEXT UNIQUE,
    day_utc BIGINT,
    CHECK ((named_kind IS NULL) = (named_address IS NULL)),
    CHECK (state <> 'confirming' OR named_kind IS NOT NULL),
    CHECK ((state = 'used') = (attempt_id IS NOT NULL)),
    FOREIGN KEY (payer_id, terminal_place) REFERENCES payer_terminal (payer_id, place)
);

CREATE INDEX code_order_recent ON code_order (payer_id, ordered_ms);
CREATE INDEX code_order_spent ON code_order (payer_id, day_utc) WHERE day_utc IS NOT NULL;

-- What the payment server must know of each payer, in the order it happened: by which bank, and where codes reach.
CREATE TABLE payer_event (
    sequence BIGINT PRIMARY KEY,
    content TEXT NOT NULL
);

-- What is said to a payer on a terminal besides codes: bound, changed, locked. No code is ever kept here.
CREATE TABLE payer_notice (
    notice_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('sms', 'mail')),
    address TEXT NOT NULL,
    content TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'failed')),
    tries BIGINT NOT NULL,
    due_ms BIGINT NOT NULL
);

CREATE INDEX payer_notice_due ON payer_notice (due_ms) WHERE state = 'queued';
