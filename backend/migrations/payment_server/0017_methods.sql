-- The ways to pay: which ones an order allows, by name and with commas between them, none for every way that its merchant
-- takes; and which one an attempt used, unknown of attempts from before. SQLite and PostgreSQL both take this text.
ALTER TABLE payment_request ADD COLUMN methods TEXT;
ALTER TABLE attempt ADD COLUMN method TEXT;
