-- How a card may be used besides its chip with a PIN. The defaults are those of a card of plastic: nothing without a
-- PIN, nothing by its stripe, and any application of its number's own scheme.
ALTER TABLE card ADD COLUMN device_limit_minor BIGINT NOT NULL DEFAULT 0;
ALTER TABLE card ADD COLUMN stripe_limit_minor BIGINT NOT NULL DEFAULT 0;
ALTER TABLE card ADD COLUMN stripe_use TEXT NOT NULL DEFAULT 'never'
    CHECK (stripe_use IN ('never', 'without_chip', 'fallback'));
-- Application identifiers in hexadecimal, with spaces between them.
ALTER TABLE card ADD COLUMN applications TEXT NOT NULL DEFAULT '';
