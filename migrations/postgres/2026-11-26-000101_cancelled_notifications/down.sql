-- This version knew no such state; nobody was told then either.
UPDATE notifications SET state = 'failed' WHERE state = 'cancelled';
ALTER TABLE notifications DROP CONSTRAINT notifications_state,
    ADD CONSTRAINT notifications_state CHECK (state IN ('waiting', 'sent', 'failed'));
