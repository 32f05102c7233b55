-- What a person sees of their other devices, and how a device learns that its claims changed. SQLite and PostgreSQL both
-- take this text.

-- What its owner calls it; empty until they do.
ALTER TABLE device ADD COLUMN name TEXT NOT NULL DEFAULT '';
-- The system it runs on, as its wallet said; empty until it did.
ALTER TABLE device ADD COLUMN platform TEXT NOT NULL DEFAULT '';
-- When it was last in touch, to the hour.
ALTER TABLE device ADD COLUMN seen_ms BIGINT;
-- Grows when another device ends a claim of this one.
ALTER TABLE device ADD COLUMN claims_changed BIGINT NOT NULL DEFAULT 0;
