-- The check of orders.phone stays: erased orders need it. The values beside the log are deleted.
DROP TRIGGER operation_log_moves_personal_values ON operation_log;
DROP INDEX stock_movements_notes;
DROP TABLE operation_log_personal;
DROP TABLE erasures;
DROP FUNCTION move_personal_values, without_personal_values, refuse_all_but_erasure, is_kept_or_erased, refuse_other_erasure;
