-- What the bank wants the card in the payer's slot to be told: DE 55 of its answer, hexadecimal (tags 91, 71, 72).
-- It holds nothing of the card's data; the card alone can check it.
ALTER TABLE attempt ADD COLUMN icc_response TEXT;
