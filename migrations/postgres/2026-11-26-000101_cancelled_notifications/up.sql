-- A waiting alert is cancelled if none of its products is below its minimum any more.
-- The databases differ from here on.
ALTER TABLE notifications DROP CONSTRAINT notifications_state,
    ADD CONSTRAINT notifications_state CHECK (state IN ('waiting', 'sent', 'failed', 'cancelled'));
