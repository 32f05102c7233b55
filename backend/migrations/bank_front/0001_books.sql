-- The bank front's books: accounts and what moved between them. SQLite and PostgreSQL both take this text.

CREATE TABLE account (
    account_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('cardholder', 'merchant', 'acquirer', 'fees', 'payouts', 'opening')),
    currency TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    UNIQUE (account_id, currency)
);

-- What the entries of an account add up to, kept beside them so that a decision reads one row.
-- Only a cardholder has a floor: nothing is spent that would let what is available fall below it.
CREATE TABLE balance (
    account_id TEXT PRIMARY KEY REFERENCES account (account_id),
    posted_minor BIGINT NOT NULL,
    pending_out_minor BIGINT NOT NULL CHECK (pending_out_minor >= 0),
    pending_in_minor BIGINT NOT NULL CHECK (pending_in_minor >= 0),
    floor_minor BIGINT,
    entries BIGINT NOT NULL
);

-- A step in the life of a movement of money. Rows are inserted and never changed: what follows a
-- row is another row that names it, and a row is followed at most once. Both accounts are in the
-- currency of the movement.
CREATE TABLE transfer (
    transfer_id TEXT PRIMARY KEY,
    phase TEXT NOT NULL CHECK (phase IN ('pending', 'posted', 'voided', 'expired', 'undone')),
    follows TEXT UNIQUE REFERENCES transfer (transfer_id),
    debit_account TEXT NOT NULL,
    credit_account TEXT NOT NULL,
    amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
    -- What this step takes out of a hold: all of it, also when less is posted.
    released_minor BIGINT NOT NULL CHECK (released_minor >= 0),
    currency TEXT NOT NULL,
    purpose TEXT NOT NULL,
    -- Who brought it to the bank (ISO 8583 DE 32), if it came over the link.
    acquirer TEXT,
    -- A hold ends by itself at this time.
    expires_ms BIGINT,
    -- A refund, and the undoing of one, name the post they give back of. They are numbered, and each says
    -- what of the post is left to be given back after it.
    refund_of TEXT REFERENCES transfer (transfer_id),
    refund_ordinal BIGINT CHECK (refund_ordinal > 0),
    refund_left_minor BIGINT CHECK (refund_left_minor >= 0),
    created_ms BIGINT NOT NULL,
    UNIQUE (refund_of, refund_ordinal),
    FOREIGN KEY (debit_account, currency) REFERENCES account (account_id, currency),
    FOREIGN KEY (credit_account, currency) REFERENCES account (account_id, currency),
    CHECK (debit_account <> credit_account),
    CHECK ((phase = 'pending') = (expires_ms IS NOT NULL)),
    CHECK (phase = 'posted' OR (phase = 'pending') = (follows IS NULL)),
    CHECK ((released_minor = 0) = (follows IS NULL OR phase = 'undone')),
    CHECK (released_minor = 0 OR amount_minor <= released_minor),
    CHECK (phase NOT IN ('voided', 'expired') OR amount_minor = released_minor),
    CHECK ((refund_of IS NULL) = (refund_ordinal IS NULL)),
    CHECK ((refund_of IS NULL) = (refund_left_minor IS NULL)),
    CHECK (refund_of IS NULL OR phase IN ('posted', 'undone'))
);

CREATE INDEX transfer_brought ON transfer (acquirer, created_ms) WHERE acquirer IS NOT NULL;

-- Holds that nothing has followed yet: the list by which they expire. What it says is in `transfer` too.
CREATE TABLE open_hold (
    transfer_id TEXT PRIMARY KEY REFERENCES transfer (transfer_id),
    expires_ms BIGINT NOT NULL
);

CREATE INDEX open_hold_expiry ON open_hold (expires_ms);

-- The two sides of each transfer, in order within their account.
CREATE TABLE entry (
    account_id TEXT NOT NULL REFERENCES account (account_id),
    account_sequence BIGINT NOT NULL CHECK (account_sequence > 0),
    transfer_id TEXT NOT NULL REFERENCES transfer (transfer_id),
    posted_minor BIGINT NOT NULL,
    pending_out_minor BIGINT NOT NULL,
    pending_in_minor BIGINT NOT NULL,
    PRIMARY KEY (account_id, account_sequence),
    UNIQUE (transfer_id, account_id)
);
