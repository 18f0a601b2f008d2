-- The check of orders.phone stays: erased orders need it. The values beside the log are deleted.
DROP INDEX stock_movements_notes;
DROP TABLE operation_log_personal;
DROP TABLE erasures;
