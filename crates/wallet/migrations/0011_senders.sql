-- Merchants whose requests may be paid at once. Whoever was heard of before this rule existed is one of them.
CREATE TABLE accepted_merchant (
    merchant_id TEXT PRIMARY KEY NOT NULL,
    accepted_ms BIGINT NOT NULL
);
INSERT INTO accepted_merchant SELECT merchant_id, MIN(received_ms) FROM request GROUP BY merchant_id;

-- Whether the payer asked for the request, by opening its link or telling a payment number: 0 came by itself.
ALTER TABLE request ADD COLUMN asked BIGINT NOT NULL DEFAULT 1;

-- When the payment server was told of the block, so that the person's other devices know.
ALTER TABLE blocked_merchant ADD COLUMN told_ms BIGINT;
