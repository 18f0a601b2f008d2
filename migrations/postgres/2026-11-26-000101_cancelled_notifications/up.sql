-- An alert that waits is cancelled when the products that it tells of are not low any more.
-- Each database has its own words.
ALTER TABLE notifications DROP CONSTRAINT notifications_state,
    ADD CONSTRAINT notifications_state CHECK (state IN ('waiting', 'sent', 'failed', 'cancelled'));
