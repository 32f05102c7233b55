-- When a request that was put off comes back by itself; without it, it stays last in the list.
ALTER TABLE request ADD COLUMN postponed_until_ms BIGINT;
-- When its merchant gave back the last of it, as last heard.
ALTER TABLE request ADD COLUMN refunded_ms BIGINT;
