-- What was forgotten stays so.
SELECT 1;
