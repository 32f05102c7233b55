-- The bank front's cards, the messages it answered, and what became of each attempt. SQLite and PostgreSQL both take
-- this text.

-- Cards by reference: an HMAC of the card number under a key of the HSM. Neither the number nor
-- the PIN is here; what verifies a PIN is not the PIN.
CREATE TABLE card (
    pan_reference TEXT PRIMARY KEY,
    last_four TEXT NOT NULL,
    scheme TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES account (account_id),
    status TEXT NOT NULL CHECK (status IN ('active', 'blocked', 'pin_locked', 'lost', 'stolen')),
    expiry_yymm TEXT NOT NULL,
    -- The sequence number of the one card in use among those with this number; NULL when it does not matter.
    psn BIGINT CHECK (psn BETWEEN 0 AND 99),
    -- The Visa value of a PIN of four digits, or the IBM 3624 offset of a longer one.
    pin_method TEXT NOT NULL,
    pin_value TEXT NOT NULL,
    pin_tries_left BIGINT NOT NULL CHECK (pin_tries_left >= 0),
    -- The highest application transaction counter accepted; -1 before the first.
    atc BIGINT NOT NULL,
    payment_limit_minor BIGINT NOT NULL,
    day_limit_minor BIGINT NOT NULL,
    -- The most payments within a time; both or neither.
    velocity_payments BIGINT CHECK (velocity_payments > 0),
    velocity_window_s BIGINT CHECK (velocity_window_s > 0),
    -- How it may be used besides its chip with a PIN. Of plastic, a card pays nothing without a PIN, nothing by its
    -- stripe, and by any application of its number's own scheme.
    device_limit_minor BIGINT NOT NULL,
    stripe_limit_minor BIGINT NOT NULL,
    stripe_use TEXT NOT NULL CHECK (stripe_use IN ('never', 'without_chip', 'fallback')),
    -- Application identifiers in hexadecimal, with spaces between them.
    applications TEXT NOT NULL,
    CHECK ((velocity_payments IS NULL) = (velocity_window_s IS NULL)),
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

-- What became of each attempt; a tombstone is a reversal that came before its original, and has no kind.
CREATE TABLE attempt (
    reference TEXT PRIMARY KEY,
    kind TEXT CHECK (kind IN ('debit', 'hold', 'refund')),
    state TEXT NOT NULL CHECK (state IN ('approved', 'held', 'declined', 'reversed', 'expired', 'tombstoned')),
    -- Attempts by capsule only.
    attempt_id TEXT UNIQUE,
    request_id TEXT,
    attempt_hash TEXT,
    capsule_hash TEXT,
    outcome TEXT,
    pan_reference TEXT,
    amount_minor BIGINT,
    currency TEXT,
    day_utc BIGINT,
    -- The post, or the hold while there is no post yet.
    transfer_id TEXT REFERENCES transfer (transfer_id),
    approval_code TEXT,
    -- A hold: when it ends by itself, and what of it was moved by which completion.
    expires_ms BIGINT,
    completed_by TEXT UNIQUE,
    completed_minor BIGINT,
    -- A refund: the attempt it gives back of.
    refund_of TEXT REFERENCES attempt (reference),
    decided_ms BIGINT NOT NULL,
    reversed_ms BIGINT,
    CHECK ((state = 'tombstoned') = (kind IS NULL)),
    CHECK ((kind = 'refund') = (refund_of IS NOT NULL)),
    CHECK (state <> 'held' OR (kind = 'hold' AND expires_ms IS NOT NULL)),
    CHECK ((completed_by IS NULL) = (completed_minor IS NULL))
);

-- A request is paid at most once, whatever the payment server asks.
CREATE UNIQUE INDEX attempt_one_approval ON attempt (request_id) WHERE state = 'approved';

-- A capsule serves once; looked up for every payment.
CREATE INDEX attempt_capsule ON attempt (capsule_hash) WHERE capsule_hash IS NOT NULL;

-- What a card spent on a day, answered from the index alone.
CREATE INDEX attempt_spent ON attempt
    (pan_reference, day_utc, state, kind, amount_minor, completed_minor, expires_ms);

CREATE INDEX attempt_recent ON attempt (pan_reference, decided_ms);
