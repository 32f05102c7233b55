-- What a merchant's till remembers. Its secrets are in the key store; what is sealed here opens only with them.

-- The merchant this wallet takes payments for: one row, or none.
CREATE TABLE till (
    merchant_id  TEXT PRIMARY KEY NOT NULL,
    display_name TEXT NOT NULL,
    country      TEXT NOT NULL,
    mcc          TEXT NOT NULL,
    city         TEXT NOT NULL,
    currency     TEXT NOT NULL,
    server       TEXT NOT NULL,
    tls_ca_pem   TEXT NOT NULL,
    kid          TEXT NOT NULL,
    -- What the API key may do: names with a space between them.
    scopes       TEXT NOT NULL,
    connected_ms BIGINT NOT NULL
);

-- Sales this till made. A row is written before the order is sent.
CREATE TABLE sale (
    request_id   TEXT PRIMARY KEY NOT NULL,
    merchant_id  TEXT NOT NULL,
    order_number TEXT NOT NULL,
    order_jws    TEXT NOT NULL,
    -- `sending`: whether the server has it is not known; `sent`: it has; `refused`: it will not take it.
    stage        TEXT NOT NULL,
    -- The bytes to send, so that every repeat is the same; gone once the server has answered.
    body         TEXT,
    -- SHA-256 of what was asked for, so that asking again is known.
    fingerprint  TEXT NOT NULL,
    -- The links with their key, sealed; gone once the request has ended.
    sealed_links TEXT,
    -- The server's last word, for when it cannot be reached.
    view         TEXT,
    created_ms   BIGINT NOT NULL
);
CREATE INDEX sale_by_time ON sale (merchant_id, created_ms);
CREATE INDEX sale_by_stage ON sale (stage);

-- Refunds this till ordered. A row is written before the order is sent, and removed once the server has answered.
CREATE TABLE refund_order (
    refund_id  TEXT PRIMARY KEY NOT NULL,
    request_id TEXT NOT NULL,
    body       TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);

-- The printed links of counters this till made, sealed.
CREATE TABLE counter (
    counter_id  TEXT PRIMARY KEY NOT NULL,
    merchant_id TEXT NOT NULL,
    sealed_link TEXT NOT NULL
);
