-- The cleared values cannot be restored.
SELECT 1;
