-- Batches of vouchers that a merchant's till made, and its own list of each. No code is kept: the bank's file is sealed to the bank.
CREATE TABLE voucher_batch (
    merchant_id      TEXT   NOT NULL,
    -- The six digits that its numbers begin with.
    batch            TEXT   NOT NULL,
    bank_id          TEXT   NOT NULL,
    bank_name        TEXT   NOT NULL,
    currency         TEXT   NOT NULL,
    large_from_minor BIGINT NOT NULL,
    vouchers         BIGINT NOT NULL,
    total_minor      BIGINT NOT NULL,
    created_ms       BIGINT NOT NULL,
    -- What the bank is handed, until the bank was heard about the batch.
    bank_file        TEXT,
    -- What came of the last comparison with the bank.
    compared_ms      BIGINT,
    differences      BIGINT,
    sold_minor       BIGINT,
    spent_minor      BIGINT,
    left_minor       BIGINT,
    PRIMARY KEY (merchant_id, batch)
);

CREATE TABLE voucher (
    merchant_id     TEXT   NOT NULL,
    number          TEXT   NOT NULL,
    batch           TEXT   NOT NULL,
    amount_minor    BIGINT NOT NULL,
    -- HMACs under a key in the key store; gone when that key is.
    code_verifier   TEXT,
    backup_verifier TEXT,
    PRIMARY KEY (merchant_id, number)
);
CREATE INDEX voucher_by_batch ON voucher (merchant_id, batch);
