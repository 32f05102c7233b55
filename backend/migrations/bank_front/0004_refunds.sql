-- Refunds that a merchant signed, by the id it gave them. SQLite and PostgreSQL both take this text.
ALTER TABLE attempt ADD COLUMN refund_id TEXT;

-- A refund is decided once, whatever the payment server asks.
CREATE UNIQUE INDEX attempt_refund ON attempt (refund_id) WHERE refund_id IS NOT NULL;
