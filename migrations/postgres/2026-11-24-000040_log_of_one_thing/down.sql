DROP INDEX operation_log_entity;
CREATE INDEX operation_log_entity ON operation_log (entity_type, entity_id, id);
