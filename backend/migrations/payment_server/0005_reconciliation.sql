-- Business days reconciled with each bank (ISO 8583 0500/0510): our totals as sent, the bank's own as answered, and
-- whether they agree. SQLite and PostgreSQL both take this text.
CREATE TABLE reconciliation (
    bank_id TEXT NOT NULL,
    -- The day in UTC, YYYY-MM-DD.
    business_date TEXT NOT NULL,
    currency TEXT NOT NULL,
    -- wanted, agreed or disagreed.
    state TEXT NOT NULL,
    -- How often it was sent since it was wanted, and when the next time is due.
    tries BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    sent_ms BIGINT,
    -- Attempts of the day whose outcome was not known when it was sent.
    in_doubt BIGINT,
    debits BIGINT,
    debits_minor BIGINT,
    reversals BIGINT,
    reversals_minor BIGINT,
    bank_debits BIGINT,
    bank_debits_minor BIGINT,
    bank_reversals BIGINT,
    bank_reversals_minor BIGINT,
    PRIMARY KEY (bank_id, business_date, currency)
);

CREATE INDEX reconciliation_due ON reconciliation (bank_id, due_ms) WHERE state = 'wanted';
CREATE INDEX attempt_of_day ON attempt (bank_id, forwarded_ms);
