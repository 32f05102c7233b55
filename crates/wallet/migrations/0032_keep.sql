-- Identifiers that reached this person before and do not reach this device. A code claims them again.
CREATE TABLE former_identifier (
    identifier TEXT PRIMARY KEY NOT NULL,
    -- 1 when another device ended it, 0 when a backup named it.
    ended      BIGINT NOT NULL
);

-- How many receipts have come since the last backup is counted without reading one.
CREATE INDEX receipt_by_decision ON receipt (decided_ms);
