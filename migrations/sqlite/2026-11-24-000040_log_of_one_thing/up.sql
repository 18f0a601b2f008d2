-- The log of one entity is read newest first, directly from this index, however many entities of its type there are.
DROP INDEX operation_log_entity;
CREATE INDEX operation_log_entity ON operation_log (entity_type, entity_id, timestamp, id);
