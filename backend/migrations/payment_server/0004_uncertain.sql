-- What is known of attempts whose outcome is uncertain. SQLite and PostgreSQL both take this text.

-- When the bank's approval came after the attempt was undone or declined. Such an attempt is undone again beside
-- whatever its request does meanwhile, so it does not count as the one in flight.
ALTER TABLE attempt ADD COLUMN late_approval_ms BIGINT;
-- How often the operator was alarmed about it.
ALTER TABLE attempt ADD COLUMN alarms BIGINT NOT NULL DEFAULT 0;

DROP INDEX attempt_in_flight;
CREATE UNIQUE INDEX attempt_in_flight ON attempt (request_id)
    WHERE state IN ('received', 'forwarded', 'no_answer', 'inquiring', 'not_found', 'reversing')
    AND late_approval_ms IS NULL;

-- What was sent and received about an attempt after its payment message: inquiries, reversals, late answers, and every
-- answer that contradicts something. The payment message's own exchange is in the attempt's row.
CREATE TABLE bank_word (
    attempt_id TEXT NOT NULL REFERENCES attempt (id),
    seq BIGINT NOT NULL,
    time_ms BIGINT NOT NULL,
    -- sent or received.
    direction TEXT NOT NULL,
    mti TEXT NOT NULL,
    stan TEXT NOT NULL,
    response_code TEXT,
    -- What it was found to mean.
    meaning TEXT NOT NULL,
    -- The signed outcome in it, a compact JWS, verified or not.
    outcome TEXT,
    PRIMARY KEY (attempt_id, seq)
);

-- What a person decided about an attempt in review, and why.
CREATE TABLE review_decision (
    id BIGINT NOT NULL PRIMARY KEY,
    attempt_id TEXT NOT NULL REFERENCES attempt (id),
    request_id TEXT NOT NULL REFERENCES payment_request (id),
    decision TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    note TEXT NOT NULL,
    decided_ms BIGINT NOT NULL
);
