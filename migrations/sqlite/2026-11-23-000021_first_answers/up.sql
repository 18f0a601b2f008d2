-- A repeated request is answered with what the first one made, as it was then.
ALTER TABLE idempotency_keys ADD COLUMN answer TEXT;    -- JSON; NULL: made before answers were kept, read as it is now
