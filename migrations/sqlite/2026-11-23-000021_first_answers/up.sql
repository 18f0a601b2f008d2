-- A repeated request gets the answer to the first one, as it was then.
ALTER TABLE idempotency_keys ADD COLUMN answer TEXT;    -- JSON; NULL: created before answers were stored, so the present state is returned
