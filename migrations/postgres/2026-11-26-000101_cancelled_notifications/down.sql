-- The earlier version has no such state. A failed notification was not delivered either.
UPDATE notifications SET state = 'failed' WHERE state = 'cancelled';
ALTER TABLE notifications DROP CONSTRAINT notifications_state,
    ADD CONSTRAINT notifications_state CHECK (state IN ('waiting', 'sent', 'failed'));
