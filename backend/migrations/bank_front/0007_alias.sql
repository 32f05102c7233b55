-- Paying by alias: whose word on released cards is believed, and which cards may be paid with in this way. SQLite and
-- PostgreSQL both take this text.

-- A vault, and each key it signs with; whose key it is was compared with the vault by another way.
CREATE TABLE card_keeper (
    kid TEXT PRIMARY KEY,
    vault_id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    release_key TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('admitted', 'dismissed')),
    admitted_ms BIGINT NOT NULL
);

CREATE INDEX card_keeper_vault ON card_keeper (vault_id);

-- A cardholder's wish: this card may be kept by that vault, and pay so much at a time. Without it no release is taken.
CREATE TABLE alias_card (
    pan_reference TEXT NOT NULL REFERENCES card (pan_reference),
    vault_id TEXT NOT NULL,
    limit_minor BIGINT NOT NULL CHECK (limit_minor > 0),
    allowed_ms BIGINT NOT NULL,
    PRIMARY KEY (pan_reference, vault_id)
);
