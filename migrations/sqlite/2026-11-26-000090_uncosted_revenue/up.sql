-- Adds the revenue of the pieces without a purchase price, in kopecks, to each rollup, because profit and margin are
-- those of the other pieces. It follows from the orders alone, so it is filled in here, in the migration's transaction.

-- The tables are altered in the order in which an issue locks them.
ALTER TABLE sales_by_product ADD COLUMN uncosted_rub BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sales_by_month ADD COLUMN uncosted_rub BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sales_by_day ADD COLUMN uncosted_rub BIGINT NOT NULL DEFAULT 0;

UPDATE sales_by_day SET uncosted_rub = sold.rub FROM (
    SELECT issued_on AS day, product_id % 8 AS slot, SUM(unit_price_rub * uncosted_qty) AS rub
    FROM orders WHERE issued_on IS NOT NULL AND uncosted_qty > 0 GROUP BY 1, 2
) AS sold WHERE sold.day = sales_by_day.day AND sold.slot = sales_by_day.slot;

UPDATE sales_by_product SET uncosted_rub = sold.rub FROM (
    SELECT product_id, SUM(unit_price_rub * uncosted_qty) AS rub
    FROM orders WHERE issued_on IS NOT NULL AND uncosted_qty > 0 GROUP BY 1
) AS sold WHERE sold.product_id = sales_by_product.product_id;

-- The databases differ from here on: each has its own functions for the first day of a month.
UPDATE sales_by_month SET uncosted_rub = sold.rub FROM (
    SELECT DATE(issued_on, 'start of month') AS month, product_id, SUM(unit_price_rub * uncosted_qty) AS rub
    FROM orders WHERE issued_on IS NOT NULL AND uncosted_qty > 0 GROUP BY 1, 2
) AS sold WHERE sold.month = sales_by_month.month AND sold.product_id = sales_by_month.product_id;
