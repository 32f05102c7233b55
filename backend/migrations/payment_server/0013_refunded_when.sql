-- When the last refund of a request was confirmed by the bank: its payer is told.
ALTER TABLE payment_request ADD COLUMN refunded_ms BIGINT;
