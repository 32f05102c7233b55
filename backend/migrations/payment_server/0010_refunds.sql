-- Refunds: money of a paid request on its way back. SQLite and PostgreSQL both take this text.

-- What of a request is given back, and what is given back or on its way or in review: never more than its amount.
ALTER TABLE payment_request ADD COLUMN refunded_minor BIGINT NOT NULL DEFAULT 0;
ALTER TABLE payment_request ADD COLUMN refunds_counted_minor BIGINT NOT NULL DEFAULT 0;

CREATE TABLE refund (
    -- Made by the merchant.
    id TEXT NOT NULL PRIMARY KEY,
    request_id TEXT NOT NULL REFERENCES payment_request (id),
    -- The attempt that paid, and the bank that gives back what it took.
    attempt_id TEXT NOT NULL REFERENCES attempt (id),
    bank_id TEXT NOT NULL,
    amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
    currency TEXT NOT NULL,
    reason TEXT,
    -- The refund order as its merchant signed it, a compact JWS, and the hash of its payload.
    refund_jws TEXT NOT NULL,
    refund_hash TEXT NOT NULL,
    state TEXT NOT NULL,
    code TEXT,
    -- ISO 8583 DE 11 and 37, and the time that DE 7 says: the same for every repeat.
    stan BIGINT NOT NULL,
    rrn TEXT NOT NULL UNIQUE,
    sent_ms BIGINT NOT NULL,
    -- The bank-signed outcome, a compact JWS.
    outcome TEXT,
    -- What of the bank's last word contradicts the order, and the outcome in it, for a review.
    contradiction TEXT,
    contradicting_outcome TEXT,
    created_ms BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL,
    -- How often it was sent, when it is sent again, and until when one server has it in hand.
    tries BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    lease_until_ms BIGINT NOT NULL
);

CREATE INDEX refund_of_request ON refund (request_id, created_ms);
CREATE INDEX refund_due ON refund (bank_id, due_ms) WHERE state = 'pending';
CREATE INDEX refund_of_day ON refund (bank_id, sent_ms);

-- What a person decided about a refund in review, and why.
CREATE TABLE refund_decision (
    refund_id TEXT NOT NULL REFERENCES refund (id),
    seq BIGINT NOT NULL,
    decision TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    note TEXT NOT NULL,
    decided_ms BIGINT NOT NULL,
    PRIMARY KEY (refund_id, seq)
);

-- Which refund a journal entry is about.
ALTER TABLE event ADD COLUMN refund_id TEXT;

-- Money given back (ISO 8583 DE 74 and 86), as sent and as answered.
ALTER TABLE reconciliation ADD COLUMN credits BIGINT;
ALTER TABLE reconciliation ADD COLUMN credits_minor BIGINT;
ALTER TABLE reconciliation ADD COLUMN bank_credits BIGINT;
ALTER TABLE reconciliation ADD COLUMN bank_credits_minor BIGINT;
