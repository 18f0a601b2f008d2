-- The log of one thing is read newest first like every other, straight from its index, however many things of its kind there are.
DROP INDEX operation_log_entity;
CREATE INDEX operation_log_entity ON operation_log (entity_type, entity_id, timestamp, id);
