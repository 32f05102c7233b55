-- Webhooks: where a merchant wants its events pushed to, and every message on its way there. SQLite and PostgreSQL both
-- take this text.

CREATE TABLE webhook (
    id TEXT NOT NULL PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    url TEXT NOT NULL,
    -- Types and prefixes such as request.*, with spaces between; empty for all.
    events TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    -- Which of the endpoint's derived secrets is in use, and when it replaced the one before. No secret is stored.
    secret_number BIGINT NOT NULL,
    rotated_ms BIGINT,
    -- The last journal entry that was looked at for this endpoint.
    cursor_seq BIGINT NOT NULL,
    -- Since when every try has failed, and since when nothing is sent any more.
    failing_since_ms BIGINT,
    disabled_ms BIGINT
);

CREATE INDEX webhook_of_merchant ON webhook (merchant_id, created_ms);

CREATE TABLE webhook_delivery (
    -- The webhook-id header.
    id TEXT NOT NULL PRIMARY KEY,
    webhook_id TEXT NOT NULL REFERENCES webhook (id),
    -- Its place among the endpoint's messages.
    place BIGINT NOT NULL,
    kind TEXT NOT NULL,
    event_seq BIGINT,
    -- Messages about one object go out in their order.
    object_id TEXT NOT NULL,
    -- 0 for tests and redeliveries, which neither wait for others nor hold them up.
    in_order BIGINT NOT NULL,
    body TEXT NOT NULL,
    -- queued, delivered or failed.
    status TEXT NOT NULL,
    tries BIGINT NOT NULL,
    response_status BIGINT,
    reason TEXT,
    created_ms BIGINT NOT NULL,
    -- When its three days began.
    queued_ms BIGINT NOT NULL,
    tried_ms BIGINT,
    due_ms BIGINT NOT NULL,
    -- Until when one server has it in hand.
    lease_until_ms BIGINT NOT NULL,
    UNIQUE (webhook_id, place)
);

CREATE INDEX webhook_delivery_due ON webhook_delivery (webhook_id, due_ms) WHERE status = 'queued';
CREATE INDEX webhook_delivery_order ON webhook_delivery (webhook_id, object_id, place) WHERE status = 'queued';
CREATE INDEX webhook_delivery_ended ON webhook_delivery (created_ms) WHERE status <> 'queued';

-- One request's part of the journal.
CREATE INDEX event_of_request ON event (request_id, seq);
