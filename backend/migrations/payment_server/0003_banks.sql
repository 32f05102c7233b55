-- Which bank an attempt is sent to, asked about at and undone at. Attempts from before there were several went
-- to the first.
ALTER TABLE attempt ADD COLUMN bank_id TEXT NOT NULL DEFAULT 'first';

-- Each bank's line drives its own part of the queue.
DROP INDEX attempt_due;
CREATE INDEX attempt_due ON attempt (bank_id, due_ms)
    WHERE state IN ('received', 'forwarded', 'no_answer', 'inquiring', 'not_found', 'reversing');
