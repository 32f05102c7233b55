-- Payers who buy vouchers by telephone, with a PIN of their own for it: a payment password has letters, and a keypad has
-- none. SQLite and PostgreSQL both take this text.

CREATE TABLE payer_telephone (
    payer_id TEXT PRIMARY KEY REFERENCES payer (payer_id),
    -- Salt and Argon2id of the PIN under a pepper of the HSM, in hexadecimal; it is not the PIN.
    pin TEXT NOT NULL,
    tries_left BIGINT NOT NULL CHECK (tries_left >= 0),
    -- What was bought by telephone on which UTC day, in minor units.
    day_utc BIGINT NOT NULL,
    spent_minor BIGINT NOT NULL CHECK (spent_minor >= 0)
);
