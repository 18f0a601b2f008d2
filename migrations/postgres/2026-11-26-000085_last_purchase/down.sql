-- The last purchase price is also valid for the earlier version, so there is nothing to revert.
SELECT 1;
