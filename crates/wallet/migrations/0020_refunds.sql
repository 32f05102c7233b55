-- What a request's merchant gave back of it, as last heard, in minor units.
ALTER TABLE request ADD COLUMN refunded_minor BIGINT NOT NULL DEFAULT 0;
