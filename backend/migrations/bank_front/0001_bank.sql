-- The bank front's books. SQLite and PostgreSQL both take this text.

CREATE TABLE account (
    account_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('cardholder', 'merchant', 'opening')),
    currency TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);

-- What the entries of an account add up to, kept beside them so that a decision reads one row.
-- Only a cardholder has a floor: what is available may not fall below it.
CREATE TABLE balance (
    account_id TEXT PRIMARY KEY REFERENCES account (account_id),
    posted_minor BIGINT NOT NULL,
    pending_out_minor BIGINT NOT NULL CHECK (pending_out_minor >= 0),
    pending_in_minor BIGINT NOT NULL CHECK (pending_in_minor >= 0),
    floor_minor BIGINT,
    entries BIGINT NOT NULL
);

-- A step in the life of a movement of money. Rows are inserted and never changed: what follows a
-- row is another row that names it, and a row is followed at most once.
CREATE TABLE transfer (
    transfer_id TEXT PRIMARY KEY,
    phase TEXT NOT NULL CHECK (phase IN ('pending', 'posted', 'voided', 'undone')),
    follows TEXT UNIQUE REFERENCES transfer (transfer_id),
    debit_account TEXT NOT NULL REFERENCES account (account_id),
    credit_account TEXT NOT NULL REFERENCES account (account_id),
    amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
    currency TEXT NOT NULL,
    purpose TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    CHECK (debit_account <> credit_account),
    CHECK ((phase = 'pending') = (follows IS NULL))
);

-- The two sides of each transfer, in order within their account.
CREATE TABLE entry (
    account_id TEXT NOT NULL REFERENCES account (account_id),
    account_sequence BIGINT NOT NULL,
    transfer_id TEXT NOT NULL REFERENCES transfer (transfer_id),
    posted_minor BIGINT NOT NULL,
    pending_out_minor BIGINT NOT NULL,
    pending_in_minor BIGINT NOT NULL,
    PRIMARY KEY (account_id, account_sequence)
);

-- Cards by reference: an HMAC of the card number under a key of the HSM. Neither the number nor
-- the PIN is here; what verifies a PIN is not the PIN.
CREATE TABLE card (
    pan_reference TEXT PRIMARY KEY,
    last_four TEXT NOT NULL,
    scheme TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES account (account_id),
    status TEXT NOT NULL CHECK (status IN ('active', 'blocked', 'pin_locked')),
    expiry_yymm TEXT NOT NULL,
    -- The Visa value of a PIN of four digits, or the IBM 3624 offset of a longer one.
    pin_method TEXT NOT NULL,
    pin_value TEXT NOT NULL,
    pin_tries_left BIGINT NOT NULL CHECK (pin_tries_left >= 0),
    -- The highest application transaction counter accepted; -1 before the first.
    atc BIGINT NOT NULL,
    payment_limit_minor BIGINT NOT NULL,
    day_limit_minor BIGINT NOT NULL,
    CHECK (
        (pin_method = 'visa_pvv' AND LENGTH(pin_value) = 4)
        OR (pin_method = 'ibm3624_offset' AND LENGTH(pin_value) BETWEEN 5 AND 12)
    )
);

CREATE INDEX card_last_four ON card (last_four);

-- Every financial message that was answered, and the answer, so that a repeat gets the same one.
CREATE TABLE exchange (
    reference TEXT PRIMARY KEY,
    message_hash TEXT NOT NULL,
    answer TEXT NOT NULL,
    answered_ms BIGINT NOT NULL
);

-- What became of each attempt; a tombstone is a reversal that came before its original.
CREATE TABLE attempt (
    reference TEXT PRIMARY KEY,
    attempt_id TEXT UNIQUE,
    request_id TEXT,
    state TEXT NOT NULL CHECK (state IN ('approved', 'declined', 'reversed', 'tombstoned')),
    attempt_hash TEXT,
    capsule_hash TEXT,
    pan_reference TEXT,
    amount_minor BIGINT,
    currency TEXT,
    day_utc BIGINT,
    transfer_id TEXT REFERENCES transfer (transfer_id),
    outcome TEXT,
    decided_ms BIGINT NOT NULL,
    reversed_ms BIGINT
);

-- A request is paid at most once, whatever the payment server asks.
CREATE UNIQUE INDEX attempt_one_approval ON attempt (request_id) WHERE state = 'approved';

CREATE INDEX attempt_spent ON attempt (pan_reference, day_utc);
