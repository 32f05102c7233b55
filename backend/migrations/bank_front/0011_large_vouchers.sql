-- Large payments by voucher: which device signs for a card, and what it signed. SQLite and PostgreSQL both take this text.

-- The one device that signs large payments for a card, from the first that was approved on.
CREATE TABLE card_signer (
    pan_reference TEXT PRIMARY KEY REFERENCES card (pan_reference),
    device_key TEXT NOT NULL,
    since_ms BIGINT NOT NULL
);

-- What a device signed for a payment that was approved. Rows are inserted and never changed.
CREATE TABLE voucher_signature (
    attempt_id TEXT PRIMARY KEY,
    number TEXT NOT NULL REFERENCES voucher (number),
    pan_reference TEXT NOT NULL REFERENCES card (pan_reference),
    attempt_hash TEXT NOT NULL,
    card_hash TEXT NOT NULL,
    device_key TEXT NOT NULL,
    signature TEXT NOT NULL,
    signed_ms BIGINT NOT NULL
);
