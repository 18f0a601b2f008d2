-- The last purchase price is a purchase price, too: nothing to take back.
SELECT 1;
