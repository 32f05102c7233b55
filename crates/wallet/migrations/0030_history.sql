-- The history: one entry a receipt, made of it once it verified, and of nothing else. It can always be made again.

-- Whether a receipt is in the history: 0 not yet (an older version, or a backup, brought it), 1 it is, 2 it does not verify.
ALTER TABLE receipt ADD COLUMN indexed BIGINT NOT NULL DEFAULT 0;
CREATE INDEX receipt_unindexed ON receipt (attempt_id) WHERE indexed = 0;

CREATE TABLE history (
    -- When the bank decided, in milliseconds, times 65536, and a number that sets those of one moment apart: the
    -- order of the rows is the order of time, here and in the indexes below.
    id             INTEGER PRIMARY KEY NOT NULL,
    attempt_id     TEXT NOT NULL UNIQUE REFERENCES receipt (attempt_id),
    request_id     TEXT NOT NULL,
    -- Months since year 0 in this device's calendar: year * 12 + month - 1.
    month          BIGINT NOT NULL,
    currency       TEXT NOT NULL,
    minor          BIGINT NOT NULL,
    refunded_minor BIGINT NOT NULL,
    merchant_id    TEXT NOT NULL,
    payee          TEXT NOT NULL,
    order_number   TEXT NOT NULL,
    card_label     TEXT NOT NULL
);
CREATE INDEX history_by_month ON history (month, currency, minor, refunded_minor);
CREATE INDEX history_by_request ON history (request_id);
CREATE INDEX history_by_payee ON history (merchant_id, id);
CREATE INDEX history_by_card ON history (card_label, id);

-- What is searched: any three characters in a row, and, for shorter words, pairs and single letters of scripts without
-- spaces and the beginnings of words of others. Only the indexes are kept, not the texts.
CREATE VIRTUAL TABLE history_text USING fts5 (
    text, content = '', contentless_delete = 1, tokenize = 'trigram case_sensitive 1'
);
CREATE VIRTUAL TABLE history_gram USING fts5 (
    grams, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);
