-- The end of the bank's day: on which terms merchants and acquirers are settled, which days are closed, and what was
-- settled in them. SQLite and PostgreSQL both take this text.

-- What is taken for each sale and when is paid out. Rows are inserted and never changed: a sale is charged by the
-- terms that were the newest when it was made.
CREATE TABLE settlement_terms (
    account_id TEXT NOT NULL REFERENCES account (account_id),
    since_ms BIGINT NOT NULL,
    fee_basis_points BIGINT NOT NULL CHECK (fee_basis_points BETWEEN 0 AND 10000),
    fee_fixed_minor BIGINT NOT NULL CHECK (fee_fixed_minor >= 0),
    payout TEXT NOT NULL CHECK (payout IN ('daily', 'weekly', 'monthly', 'never')),
    -- Day of the week (1 is Monday) or of the month.
    payout_day BIGINT CHECK (payout_day BETWEEN 1 AND 28),
    payout_least_minor BIGINT NOT NULL CHECK (payout_least_minor >= 0),
    PRIMARY KEY (account_id, since_ms),
    CHECK ((payout IN ('weekly', 'monthly')) = (payout_day IS NOT NULL)),
    CHECK (payout <> 'weekly' OR payout_day <= 7)
);

-- When a business day ends: minutes after the beginning of its date in UTC. The newest row counts.
CREATE TABLE cut_off (
    since_ms BIGINT PRIMARY KEY,
    minutes BIGINT NOT NULL CHECK (minutes BETWEEN 1 AND 1440)
);

-- Business days whose end was begun. `ends_ms` is the first moment that is not of the day any more.
CREATE TABLE business_day (
    business_date TEXT PRIMARY KEY,
    ends_ms BIGINT NOT NULL UNIQUE,
    -- Set once every batch of the day is made.
    closed_ms BIGINT
);

CREATE TABLE settlement_batch (
    batch_number BIGINT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (account_id),
    business_date TEXT NOT NULL REFERENCES business_day (business_date),
    currency TEXT NOT NULL,
    sales BIGINT NOT NULL,
    gross_minor BIGINT NOT NULL CHECK (gross_minor >= 0),
    refunds BIGINT NOT NULL,
    refunded_minor BIGINT NOT NULL CHECK (refunded_minor >= 0),
    -- What reversals took back of sales, and gave back of refunds.
    sale_reversals BIGINT NOT NULL,
    sales_reversed_minor BIGINT NOT NULL CHECK (sales_reversed_minor >= 0),
    refund_reversals BIGINT NOT NULL,
    refunds_reversed_minor BIGINT NOT NULL CHECK (refunds_reversed_minor >= 0),
    fee_minor BIGINT NOT NULL,
    net_minor BIGINT NOT NULL,
    -- The position brought forward, what of it and of the net was paid out, and what is carried on.
    brought_minor BIGINT NOT NULL,
    paid_out_minor BIGINT NOT NULL CHECK (paid_out_minor >= 0),
    carried_minor BIGINT NOT NULL,
    fee_transfer TEXT UNIQUE REFERENCES transfer (transfer_id),
    payout_transfer TEXT UNIQUE REFERENCES transfer (transfer_id),
    -- Every entry of the account up to this number is settled, or nothing to settle.
    settled_sequence BIGINT NOT NULL,
    made_ms BIGINT NOT NULL,
    UNIQUE (account_id, business_date),
    CHECK (net_minor = gross_minor - refunded_minor - sales_reversed_minor + refunds_reversed_minor - fee_minor),
    CHECK (brought_minor + net_minor = paid_out_minor + carried_minor),
    CHECK (paid_out_minor = 0 OR carried_minor = 0),
    CHECK ((fee_minor = 0) = (fee_transfer IS NULL)),
    CHECK ((paid_out_minor = 0) = (payout_transfer IS NULL))
);

-- What a batch is made of. A transfer is settled once.
CREATE TABLE settlement_line (
    batch_number BIGINT NOT NULL REFERENCES settlement_batch (batch_number),
    line_number BIGINT NOT NULL CHECK (line_number > 0),
    kind TEXT NOT NULL CHECK (kind IN ('sale', 'refund', 'sale_reversal', 'refund_reversal')),
    transfer_id TEXT NOT NULL UNIQUE REFERENCES transfer (transfer_id),
    amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
    fee_minor BIGINT NOT NULL,
    PRIMARY KEY (batch_number, line_number)
);

-- The attempt that a hold which ends by itself is of.
CREATE INDEX attempt_held ON attempt (transfer_id) WHERE state = 'held';
