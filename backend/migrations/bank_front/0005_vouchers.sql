-- Prepaid vouchers: batches that merchants made, what became of each voucher, and its money in an account of its own.
-- SQLite and PostgreSQL both take this text.

CREATE TABLE voucher_batch (
    -- What every number of the batch begins with.
    fixed_part TEXT PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    -- From this amount on, a payment needs a card's proof besides the code.
    large_from_minor BIGINT NOT NULL CHECK (large_from_minor > 0),
    imported_ms BIGINT NOT NULL
);

CREATE TABLE voucher (
    number TEXT PRIMARY KEY,
    fixed_part TEXT NOT NULL REFERENCES voucher_batch (fixed_part),
    amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
    state TEXT NOT NULL CHECK (
        state IN ('offered', 'sold', 'active', 'locked', 'bank_locked', 'ending', 'ended')
    ),
    -- HMACs under a key of the HSM: no code can be found from them.
    code_verifier TEXT NOT NULL,
    backup_verifier TEXT NOT NULL,
    code_tries_left BIGINT NOT NULL CHECK (code_tries_left >= 0),
    backup_tries_left BIGINT NOT NULL CHECK (backup_tries_left >= 0),
    -- Both codes under a key of the HSM, until they are handed over.
    sealed_codes TEXT,
    -- The voucher's own account, and the one it was bought from.
    account_id TEXT UNIQUE REFERENCES account (account_id),
    bought_from TEXT REFERENCES account (account_id),
    CHECK ((state IN ('offered', 'sold')) = (sealed_codes IS NOT NULL)),
    CHECK ((state = 'offered') = (account_id IS NULL)),
    CHECK ((account_id IS NULL) = (bought_from IS NULL))
);

-- The next voucher to sell, and those whose rest goes back at the end of the day.
CREATE INDEX voucher_to_sell ON voucher (fixed_part, amount_minor, state, number);
CREATE INDEX voucher_state ON voucher (state);

-- What happened to each voucher, in order. Rows are inserted and never changed; what it paid is in the ledger.
CREATE TABLE voucher_event (
    number TEXT NOT NULL REFERENCES voucher (number),
    ordinal BIGINT NOT NULL CHECK (ordinal > 0),
    event TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (number, ordinal)
);
