-- The bank front's books: accounts and what moved between them. SQLite and PostgreSQL both take this text.

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
