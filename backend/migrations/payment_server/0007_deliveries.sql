-- Deliveries that several servers share, over channels that may answer later. SQLite and PostgreSQL both take this text.

-- Whose request it is; empty for a claim code. Merchants take turns.
ALTER TABLE delivery ADD COLUMN merchant_id TEXT NOT NULL DEFAULT '';
-- request, reminder, resend or claim.
ALTER TABLE delivery ADD COLUMN purpose TEXT NOT NULL DEFAULT 'request';
-- Whether its merchant may know of it before the payer has opened the request: 1 or 0.
ALTER TABLE delivery ADD COLUMN told BIGINT NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN created_ms BIGINT NOT NULL DEFAULT 0;
-- Which of the channel's gateways the next try goes to, and which one took it.
ALTER TABLE delivery ADD COLUMN route BIGINT NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN gateway TEXT;
-- Tries that were begun and of which nobody knows how they ended.
ALTER TABLE delivery ADD COLUMN unsure BIGINT NOT NULL DEFAULT 0;
-- Why it failed or waits, as a stable code.
ALTER TABLE delivery ADD COLUMN reason TEXT;
ALTER TABLE delivery ADD COLUMN delivered_ms BIGINT;
ALTER TABLE delivery ADD COLUMN seen_ms BIGINT;
-- Who is delivering it, and until when nobody else may.
ALTER TABLE delivery ADD COLUMN leased_by TEXT;
ALTER TABLE delivery ADD COLUMN lease_until_ms BIGINT NOT NULL DEFAULT 0;

UPDATE delivery SET created_ms = changed_ms;
UPDATE delivery SET purpose = 'claim' WHERE request_id IS NULL;
UPDATE delivery SET told = 1 WHERE channel <> 'device' AND request_id IS NOT NULL;
UPDATE delivery SET merchant_id =
    (SELECT payment_request.merchant_id FROM payment_request WHERE payment_request.id = delivery.request_id)
    WHERE request_id IS NOT NULL;

DROP INDEX delivery_due;
CREATE INDEX delivery_due ON delivery (channel, merchant_id, due_ms) WHERE status = 'queued';

-- A request may have several links: a reminder and a repeat get one of their own, because no key is kept.
CREATE TABLE link_of_many (
    token TEXT NOT NULL PRIMARY KEY,
    request_id TEXT NOT NULL REFERENCES payment_request (id),
    sealed TEXT NOT NULL
);
INSERT INTO link_of_many (token, request_id, sealed) SELECT token, request_id, sealed FROM link;
DROP TABLE link;
ALTER TABLE link_of_many RENAME TO link;

-- When the payer is reminded, if they have not looked by then.
ALTER TABLE payment_request ADD COLUMN remind_ms BIGINT;
CREATE INDEX payment_request_remind ON payment_request (remind_ms) WHERE remind_ms IS NOT NULL;

-- A text message as its gateway knows it, one row a part. A receipt may be faster than the answer that says whose it is.
CREATE TABLE sms_part (
    gateway TEXT NOT NULL,
    message_id TEXT NOT NULL,
    delivery_id TEXT REFERENCES delivery (id),
    -- sent, delivered or failed.
    state TEXT NOT NULL,
    reason TEXT,
    changed_ms BIGINT NOT NULL,
    PRIMARY KEY (gateway, message_id)
);
CREATE INDEX sms_part_of_delivery ON sms_part (delivery_id);
CREATE INDEX sms_part_unclaimed ON sms_part (changed_ms) WHERE delivery_id IS NULL;
