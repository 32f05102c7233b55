-- Vouchers whose codes go to a telephone: written down with the sale, sent afterwards. No code is kept here; until they are
-- handed over they are sealed in the voucher's own row. SQLite and PostgreSQL both take this text.

CREATE TABLE voucher_message (
    number TEXT PRIMARY KEY REFERENCES voucher (number),
    address TEXT NOT NULL,
    language TEXT NOT NULL,
    -- While it is being sent nobody knows whether it arrived: after a crash it counts as handed over, and is not sent again.
    state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'unsure', 'failed')),
    tries BIGINT NOT NULL CHECK (tries >= 0),
    due_ms BIGINT NOT NULL
);

CREATE INDEX voucher_message_due ON voucher_message (due_ms) WHERE state = 'queued';
