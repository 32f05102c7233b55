-- 1 for a message that was asked for again while it was on its way: it goes out once more when that try is recorded.
ALTER TABLE webhook_delivery ADD COLUMN again BIGINT NOT NULL DEFAULT 0;
